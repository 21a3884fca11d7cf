"""The selection rules on a batch of errors: what `methods/rules/` says of one δ, for many at once, on any device.

Every function: rule, δ (N, C, …) of N samples, Memory, Place → what is back-propagated, shaped as δ, and of which
samples all of δ is, (N,), or None where of none. Sums are PyTorch's, in another order than the engine's: decisions
agree but for values within rounding of their threshold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_random import FACTOR, MIX, STEP, KeepRandom
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import FIRST, GAIN, HIGHEST, LOWEST, KeepSteered
from tinyprop.methods.rules.magnitude import LEAST, bar_over_norm
from tinyprop.methods.rules.rule import SelectionRule, most_that_pays
from tinyprop.methods.spec import Selection

Kept = tuple[Tensor, Tensor | None]
FASTEST = 16  # samples of a batch that a steered bar takes as steps of its own: with all of a large one it would swing


@dataclass(frozen=True)
class Place:
    """n: the layer's outputs; stored: those that a max pool behind it lets through, of which δ has an entry each.

    factor: what δ must be multiplied with to be the sample's own, before the batch's reduction. losses: of the samples
    (N,), where the rule reads them.
    """

    n: int
    stored: int
    factor: float
    losses: Tensor | None = None

    @property
    def most(self) -> int:
        """Entries up to which a selection pays, as `selection_pays` says."""
        return most_that_pays(self.stored)


@dataclass
class Memory:
    """What a layer's rule remembers between steps, as `LayerState` does. y_max (): the largest Y or loss so far, on any
    device.

    drawn: the last random number. bar: as it was steered to, None before it was. residual (C, …): what was left of each
    stored entry of δ, as of a sample alone, None before there was any.
    """

    y_max: Tensor = field(default_factory=lambda: torch.zeros(()))
    drawn: int = 0
    bar: Tensor | None = None
    residual: Tensor | None = None

    def numbers(self) -> dict[str, Any]:
        """The same as plain numbers, for a state_dict; beside them a residual, where there is one."""
        bar = None if self.bar is None else float(self.bar)
        plain = {"y_max": float(self.y_max), "drawn": self.drawn, "bar": bar}
        return plain if self.residual is None else {**plain, "residual": self.residual.detach().cpu().clone()}

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> "Memory":
        """What `numbers` once said."""
        bar = numbers["bar"]
        residual = numbers.get("residual")
        return cls(
            torch.tensor(numbers["y_max"]),
            numbers["drawn"],
            None if bar is None else torch.tensor(bar),
            None if residual is None else residual.clone(),
        )


def select(rule: Selection, delta: Tensor, memory: Memory, place: Place) -> Kept:
    """`rule` applied to every sample of δ, of which `memory` then knows."""
    return SELECTIONS[type(rule)](rule, delta, memory, place)


def _keep_all(rule: KeepAll, delta: Tensor, memory: Memory, place: Place) -> Kept:
    return delta, None


def _keep_above(rule: KeepAbove, delta: Tensor, memory: Memory, place: Place) -> Kept:
    return _above(delta, _bar(rule.theta, delta, place), place, all_if_none=True)


def _above(delta: Tensor, bar: Tensor, place: Place, *, all_if_none: bool) -> Kept:
    reaches = ~(delta.flatten(1).abs() < bar[:, None])  # NaN is the largest of all
    k = reaches.sum(1)
    every = k > place.most
    if all_if_none:
        every |= (k == 0) & ~(bar <= LEAST.item())
    return _masked(delta, reaches | every[:, None]), every


def _keep_channels(rule: KeepChannels, delta: Tensor, memory: Memory, place: Place) -> Kept:
    assert place.losses is not None
    sums = delta.reshape(*delta.shape[:2], -1).abs().sum(2, dtype=torch.float32)
    loss_max = memory.y_max = larger(memory.y_max.to(delta.device), place.losses)
    ratio = torch.where(loss_max > 0, place.losses / loss_max, 0)
    channels = sums.shape[1]
    k, most = _quota(KeepRatio(rule.low, rule.high, k_min=1), ratio, channels), most_that_pays(channels)
    every = k > most
    stay = _largest(sums, k.clamp(max=most)) | every[:, None]
    return torch.where(stay.reshape(*stay.shape, *(1,) * (delta.ndim - 2)), delta, 0), every


def _keep_diffused(rule: KeepDiffused, delta: Tensor, memory: Memory, place: Place) -> Kept:
    return _carried_on(delta, _bar(rule.theta, delta, place))


def _carried_on(delta: Tensor, bar: Tensor) -> Kept:
    line = delta.flatten(2).flatten(0, 1).t().contiguous().float()  # positions first
    diffuse = _diffused_by_numpy if delta.device.type == "cpu" else _diffused
    kept = diffuse(line, bar.repeat_interleave(delta.shape[1])).t().contiguous().view(delta.shape).to(delta.dtype)
    every = ~bar.isfinite()
    if bool(every.any()):
        return torch.where(every.reshape(-1, *(1,) * (delta.ndim - 1)), delta, kept), every
    return kept, None


def _keep_steered(rule: KeepSteered, delta: Tensor, memory: Memory, place: Place) -> Kept:
    steered = (
        delta.new_full((), float(FIRST), dtype=torch.float32) if memory.bar is None else memory.bar.to(delta.device)
    )
    bar = _bar(1.0, delta, place) * steered
    kept, every = _carried_on(delta, bar) if delta[0, 0].numel() > 1 else _above(delta, bar, place, all_if_none=False)
    k = kept.flatten(1).bool().sum(1)
    k = k if every is None else torch.where(every, place.stored, k)
    change = float(rule.per_entry(place.n)) * k.float().mean() - GAIN
    memory.bar = (steered * (1 + change * min(len(k), FASTEST))).clamp(float(LOWEST), float(HIGHEST))
    return kept, every


def _diffused(line: Tensor, bar: Tensor) -> Tensor:
    """line (P, M) with each entry carried to the next of its column until they reach bar (M,) together."""
    kept, carried = torch.empty_like(line), torch.zeros_like(bar)
    for here, keep in zip(line.unbind(), kept.unbind(), strict=True):
        carried += here
        torch.mul(carried, carried.abs() >= bar, out=keep)
        carried -= keep
    return kept


def _diffused_by_numpy(line: Tensor, bar: Tensor) -> Tensor:
    """The same, bit for bit; on a CPU NumPy takes half as long for so little at a time."""
    kept, carried, bars = np.empty(line.shape, np.float32), np.zeros(len(bar), np.float32), bar.numpy()
    for here, keep in zip(line.numpy(), kept, strict=True):
        carried += here
        np.multiply(carried, np.abs(carried) >= bars, out=keep)
        carried -= keep
    return torch.from_numpy(kept)


def _keep_memorised(rule: KeepMemorised, delta: Tensor, memory: Memory, place: Place) -> Kept:
    """Every sample by the residual from before the batch, which then is the mean of what the samples leave."""
    if not rule.residuals(place.stored, place.n):
        return delta, torch.ones(len(delta), dtype=torch.bool, device=delta.device)
    own = torch.zeros_like(delta[0], dtype=torch.float32) if memory.residual is None else memory.residual
    own = own.to(delta.device)
    total = torch.where(delta != 0, delta + (own / place.factor).to(delta.dtype), delta)
    k = rule.of_sum.quota(np.float32(0), place.n)
    magnitude = total.flatten(1).abs()
    largest = _largest(magnitude, torch.full((len(delta),), k, device=delta.device)).reshape(delta.shape)
    left = rule.share * place.factor * total.float()
    left = torch.where(largest | ~left.isfinite(), 0, left)
    memory.residual = torch.where(delta != 0, left, own).mean(0)
    return _masked(total, largest), None


def _keep_random(rule: KeepRandom, delta: Tensor, memory: Memory, place: Place) -> Kept:
    factors, steps = _jumps(delta.numel())
    drawn = factors * np.uint32(memory.drawn) + steps
    memory.drawn = int(drawn[-1])
    keeps = (drawn ^ np.uint32(rule.key)) * np.uint32(MIX) < rule.bound
    return _masked(delta, torch.from_numpy(keeps).to(delta.device)), None


@lru_cache(maxsize=2)  # two arrays as long as the errors of a batch
def _jumps(draws: int) -> tuple[np.ndarray, np.ndarray]:
    """The generator run ahead: what the state is multiplied with, and what is added, in the 1st, 2nd, … draw."""
    factors = np.multiply.accumulate(np.full(draws, FACTOR, np.uint32), dtype=np.uint32)
    ones = np.concatenate(([np.uint32(1)], factors[:-1]))
    return factors, np.add.accumulate(ones, dtype=np.uint32) * np.uint32(STEP)


def _keep_ratio(rule: KeepRatio, delta: Tensor, memory: Memory, place: Place) -> Kept:
    magnitude = delta.flatten(1).abs()
    y = magnitude.sum(1, dtype=torch.float32) * place.factor
    y_max = memory.y_max = larger(memory.y_max.to(y.device), y)  # of all samples, before any is judged
    k = _quota(rule, torch.where(y_max > 0, y / y_max, 0), place.n)
    every = k > place.most
    if bool(every.all()):
        return delta, every
    return _masked(delta, _largest(magnitude, k.clamp(max=place.most)) | every[:, None]), every


def larger(y_max: Tensor, y: Tensor) -> Tensor:
    """The largest Y so far. One that is not finite is no error: a scaled loss may overflow, and training goes on."""
    return torch.maximum(y_max, torch.where(y.isfinite(), y, 0).max())


def _quota(rule: KeepRatio, ratio: Tensor, n: int) -> Tensor:
    share = (rule.s_min + (rule.s_max - rule.s_min) * ratio) * rule.scale
    share = torch.where(share > 0, share.clamp(max=rule.s_max), 0)  # also turns NaN into 0
    return (share * n + 0.5).floor().to(torch.int64).clamp(rule.k_min, n)


def _largest(magnitude: Tensor, k: Tensor) -> Tensor:
    """Mask of the k (N,) largest of each row that are not zero; among equals the lower index wins."""
    most = int(k.max())
    if most == 0:
        return torch.zeros_like(magnitude, dtype=torch.bool)
    cut = magnitude.topk(most).values.gather(1, (k - 1).clamp(0)[:, None])
    above, tied = magnitude > cut, (magnitude == cut) & (magnitude > 0)
    largest = above | (tied & (tied.cumsum(1) <= (k - above.sum(1))[:, None]))
    return largest & (k > 0)[:, None]


SELECTIONS: Mapping[type[SelectionRule], Callable[..., Kept]] = MappingProxyType(
    {
        KeepAll: _keep_all,
        KeepAbove: _keep_above,
        KeepChannels: _keep_channels,
        KeepDiffused: _keep_diffused,
        KeepMemorised: _keep_memorised,
        KeepRandom: _keep_random,
        KeepRatio: _keep_ratio,
        KeepSteered: _keep_steered,
    }
)


def _masked(delta: Tensor, keeps: Tensor) -> Tensor:
    return torch.where(keeps.reshape(delta.shape), delta, 0)


def _bar(theta: float, delta: Tensor, place: Place) -> Tensor:
    """theta root mean squares of each sample's δ (N,), above 0 so that no zero reaches it."""
    norm = torch.linalg.vector_norm(delta.flatten(1), dim=1, dtype=torch.float32)
    return (norm * float(bar_over_norm(theta, place.stored))).clamp(min=LEAST.item())
