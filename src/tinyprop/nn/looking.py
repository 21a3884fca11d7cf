"""Looks at a model: between steps it is run on the samples that were kept, and how its layers answer is judged.

What `Looks` and `KeepMoving` say for the engine, on tensors. A batch is a step: between two looks lie as many updates
as in the engine, whatever the batch's size. The samples come from the first batches, as many of each as are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tinyprop.errors import UserError
from tinyprop.frontend.exported import eval_mode
from tinyprop.methods.looks import Looks
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.nn.observe import Site

if TYPE_CHECKING:
    from tinyprop.nn.gate import SelectionHook

FACTS = 3  # columns behind a channel's responses: distance, velocity, settled


@dataclass
class Looking:
    """Where a model stands between looks. layers: those whose selection remembers responses.

    count: as `Looks` has it. samples: what was kept of the model's arguments, () before there was any.
    runs: samples that looks have run the model on.
    """

    model: nn.Module
    looks: Looks
    layers: Mapping[str, SelectionHook]
    count: int = 0
    samples: tuple[Tensor, ...] = ()
    runs: int = 0
    _answers: dict[str, Tensor] = field(default_factory=dict)

    def before_step(self, args: tuple[Any, ...]) -> None:
        """A look where it is due; then the step is counted, and samples of it kept as long as some are missing."""
        if not args or not all(isinstance(one, Tensor) and len(one) == len(args[0]) for one in args):
            raise UserError(
                f"a method that looks at {type(self.model).__name__} keeps samples of what it takes: call it with "
                f"tensors, samples first, and no keywords."
            )
        if self.count in (self.looks.first, self.looks.again):
            self._look()
        missing = self.looks.samples - self.count
        if missing > 0:
            taken = tuple(one.detach()[:missing].clone() for one in args)
            kept = self.samples or tuple(one[:0] for one in taken)
            self.samples = tuple(torch.cat(pair) for pair in zip(kept, taken, strict=True))
            self.count = len(self.samples[0])
        else:
            self.count += 1

    def state(self) -> dict[str, Any]:
        """As plain numbers and tensors, for a state_dict."""
        return {"count": self.count, "samples": [one.cpu().clone() for one in self.samples]}

    def load(self, state: Mapping[str, Any]) -> None:
        """What `state` once said."""
        self.count, self.samples = int(state["count"]), tuple(one.clone() for one in state["samples"])

    def _look(self) -> None:
        hooks = [
            layer.site.layer.register_forward_hook(partial(self._take, name)) for name, layer in self.layers.items()
        ]
        device = next(self.model.parameters()).device
        try:
            with eval_mode(self.model), torch.no_grad():
                self.model(*(one.to(device) for one in self.samples))
        finally:
            for hook in hooks:
                hook.remove()
        for name, layer in self.layers.items():
            assert isinstance(layer.rule, KeepMoving)
            layer.memory.residual = judged(
                layer.rule, self._answers.pop(name), layer.memory.residual, first=self.count == self.looks.first
            )
        self.runs += self.looks.samples
        self.count = self.looks.looked

    def _take(self, name: str, layer: nn.Module, args: Any, output: Tensor) -> None:
        self._answers[name] = response(self.layers[name].site, output)


def response(site: Site, output: Tensor) -> Tensor:
    """What a layer answers on each sample, as the engine stores its output: (samples, C, positions)."""
    if isinstance(site.layer, nn.Linear) and output.ndim > 2:
        output = output.movedim(-1, 1)
    output = output.relu() if site.rectified else output.clone()  # a ReLU behind may write in place
    if site.window:
        output = (functional.max_pool1d if len(site.window) == 1 else functional.max_pool2d)(output, site.window)
    return output.flatten(1)[..., None] if output.ndim == 2 else output.flatten(2)


def judged(rule: KeepMoving, answers: Tensor, memory: Tensor | None, *, first: bool) -> Tensor:
    """The memory of a layer behind a look, (C, samples · positions + FACTS): answers of norm 1, then who is settled."""
    now = answers.float().transpose(0, 1).flatten(1).nan_to_num(0, 0, 0)
    before = torch.zeros(len(now), now.shape[1] + FACTS, device=now.device) if memory is None else memory.to(now.device)
    unit, distance, velocity = before[:, :-FACTS], before[:, -3], before[:, -2]
    norm = torch.linalg.vector_norm(now, dim=1)
    answered = (norm > 0) & norm.isfinite()
    alike = torch.where(answered, (now * unit).sum(1) / norm, (~unit.any(1)).float())
    after = torch.where(answered[:, None], now / norm[:, None], 0)
    apart = 1 - alike
    moved = (distance - apart) - rule.mu * velocity
    facts = torch.stack((apart, moved, (moved.abs() < rule.eps).float()), dim=1)
    return torch.cat((after, torch.zeros_like(facts) if first else facts), dim=1)
