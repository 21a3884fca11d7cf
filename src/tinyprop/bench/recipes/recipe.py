"""How a network is trained in PyTorch, in one readable record; and what it has to reach."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from torch import nn


@dataclass(frozen=True)
class Recipe:
    """One-cycle training (Smith, Topin: Super-convergence, 2018) by cross-entropy.

    dataset: a name of `tinyprop data`. network: its name in tables. make: number of classes, shape of a sample → fresh
    weights. floor: percent of the data set's test part that it must reach; below it, a comparison of methods says
    nothing; None: none was set. optimizer: "sgd" (Nesterov, momentum 0.9) or "adamw". rate: the highest of the cycle.
    augmentations: names of AUGMENTATIONS, in the order they are applied. scaled_over: axes over which what is trained
    on has mean 0 and standard deviation 1; none: samples as they are loaded. bfloat16: matrix products in that format,
    as PyTorch's autocast does it; weights stay float32. start: the recipe whose weights (of seed 0) it starts from, all
    but those of the last layer.
    """

    dataset: str
    network: str
    make: Callable[[int, tuple[int, ...]], nn.Module]
    floor: float | None
    epochs: int
    batch: int
    optimizer: str
    rate: float
    weight_decay: float
    label_smoothing: float = 0.0
    augmentations: tuple[str, ...] = ()
    scaled_over: tuple[int, ...] = ()
    bfloat16: bool = False
    start: str | None = None

    @property
    def settings(self) -> dict[str, object]:
        """All that decides how it is trained, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("make", "floor")}
