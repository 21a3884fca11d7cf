"""A recipe carried out."""

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tinyprop.bench.recipes.augmentations import AUGMENTATIONS
from tinyprop.bench.recipes.recipe import Recipe
from tinyprop.data import Samples

VERSION = 1  # raised whenever a recipe, an augmentation included, would lead to other weights than before
WARM_UP_SHARE = 0.25  # of the steps, in which the rate rises
MOMENTUM = 0.9
JUDGED = 500  # samples at a time

Report = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Tells nobody."""


def trained(
    recipe: Recipe,
    make: Callable[[], nn.Module],
    samples: Samples,
    *,
    epochs: int,
    seed: int,
    start: Mapping[str, np.ndarray] | None = None,
    report: Report = silent,
) -> nn.Module:
    """A network of `make` trained on `samples` as `recipe` says, in eval mode; none of them: with fresh weights.

    The same seed on the same machine gives the same weights. start: weights that it begins with, those excepted whose
    shape is another (a last layer of other classes).
    report: told (epochs done, in all).
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    module = make()
    if start is not None:
        _take(module, start)
    if not len(samples):
        return module.eval()
    pictures = samples.x.ndim == 4
    if pictures:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x, y = torch.from_numpy(samples.x), torch.from_numpy(samples.y)
    optimizer = _optimizer(recipe, module)
    steps = epochs * -(-len(y) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=steps, pct_start=WARM_UP_SHARE, cycle_momentum=False
    )
    changes = [AUGMENTATIONS[name] for name in recipe.augmentations]
    module.train()
    for epoch in range(epochs):
        for batch in torch.randperm(len(y)).split(recipe.batch):
            shown = reduce(lambda shown, change: change(shown), changes, x[batch])
            if pictures:
                shown = shown.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
                scores = module(shown)
            functional.cross_entropy(scores.float(), y[batch], label_smoothing=recipe.label_smoothing).backward()
            optimizer.step()
            schedule.step()
        report(epoch + 1, epochs)
    return module.eval()


def accuracy(module: nn.Module, samples: Samples) -> float:
    """Percent of `samples` that `module` gets right, in float32."""
    x, y = torch.from_numpy(samples.x), torch.from_numpy(samples.y)
    with torch.no_grad():
        right = sum(
            int((module(part).argmax(1) == wanted).sum())
            for part, wanted in zip(x.split(JUDGED), y.split(JUDGED), strict=True)
        )
    return 100 * right / len(y)


def _optimizer(recipe: Recipe, module: nn.Module) -> torch.optim.Optimizer:
    # Biases and batch norms are few and small: weight decay would only hold them back.
    decayed = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, recipe.rate)
    return torch.optim.SGD(groups, recipe.rate, MOMENTUM, nesterov=True)


def _take(module: nn.Module, start: Mapping[str, np.ndarray]) -> None:
    own: Mapping[str, Tensor] = module.state_dict()
    taken = {
        name: torch.from_numpy(start[name]) if name in start and start[name].shape == tuple(tensor.shape) else tensor
        for name, tensor in own.items()
    }
    module.load_state_dict(taken)
