"""The selection rules on a batch of errors: what `methods/rules/` says of one δ, for many at once, on any device.

Every function: rule, δ (N, C, …) of N samples, Memory, Place → Kept. What there is one number of for each sample is
decided in NumPy on the host, whose calls are shorter, also where δ is on a GPU; what there is one of for each entry,
where δ is. Sums are PyTorch's, in another order than the engine's: decisions agree but for values within rounding of
their threshold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.methods.rules.keep_random import FACTOR, MIX, STEP, KeepRandom
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import FIRST, GAIN, HIGHEST, LOWEST, KeepSteered
from tinyprop.methods.rules.magnitude import LEAST, bar_over_norm
from tinyprop.methods.rules.rule import NOTHING_YET, SelectionRule, most_that_pays
from tinyprop.methods.spec import Selection

FASTEST = 16  # samples of a batch that a steered bar takes as steps of its own: with all of a large one it would swing
LEAST_BITS, MOST_BITS = 1, 0x7FFFFFFF  # of a float32 without its sign: the smallest above 0, and what none reaches


class Kept(NamedTuple):
    """delta: what is back-propagated, shaped as δ. nonzeros (N,): how many of each sample's entries there are not zero.
    every (N,): whether all of a sample's δ is kept; None: of none."""

    delta: Tensor
    nonzeros: np.ndarray
    every: np.ndarray | None = None


@dataclass(frozen=True)
class Place:
    """n: the layer's outputs; stored: those that a max pool behind it lets through, of which δ has an entry each.

    factor: what δ must be multiplied with to be the sample's own, before the batch's reduction. losses: of the samples
    (N,), where the rule reads them.
    """

    n: int
    stored: int
    factor: float
    losses: np.ndarray | None = None

    @property
    def most(self) -> int:
        """Entries up to which a selection pays, as `selection_pays` says."""
        return most_that_pays(self.stored)


@dataclass
class Memory:
    """What a layer's rule remembers between steps, as `LayerState` does. y_max: the largest Y or loss so far.

    drawn: the last random number. bar: as it was steered to, None before it was. residual (C, …): what was left of each
    stored entry of δ, as of a sample alone, or how a layer answered in the last look (nn/looking.py); on any device,
    None before there was any.
    """

    y_max: np.float32 = NOTHING_YET
    drawn: int = 0
    bar: np.float32 | None = None
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
            np.float32(numbers["y_max"]),
            numbers["drawn"],
            None if bar is None else np.float32(bar),
            None if residual is None else residual.clone(),
        )


def select(rule: Selection, delta: Tensor, memory: Memory, place: Place) -> Kept:
    """`rule` applied to every sample of δ, of which `memory` then knows."""
    with np.errstate(all="ignore"):
        return SELECTIONS[type(rule)](rule, delta, memory, place)


def _keep_all(rule: KeepAll, delta: Tensor, memory: Memory, place: Place) -> Kept:
    return Kept(delta, _nonzeros(delta))


def _keep_above(rule: KeepAbove, delta: Tensor, memory: Memory, place: Place) -> Kept:
    return _above(delta, _bar(rule.theta, delta, place), place, all_if_none=True)


def _above(delta: Tensor, bar: np.ndarray, place: Place, *, all_if_none: bool) -> Kept:
    bits, cut = _bits(delta), np.abs(bar).view(np.int32)
    reaches = bits >= _column(cut, delta)
    count = _counted(reaches)
    every = count > place.most
    if all_if_none:
        every |= (count == 0) & (cut > LEAST_BITS)
    if every.any():
        reaches = bits >= _column(np.where(every, np.int32(LEAST_BITS), cut), delta)
        count = _counted(reaches)
    return Kept(_masked(delta, reaches), count, every)


def _keep_channels(rule: KeepChannels, delta: Tensor, memory: Memory, place: Place) -> Kept:
    assert place.losses is not None
    memory.y_max, ratio = _relative_to_peak(memory.y_max, place.losses)
    low, high = np.float32(rule.low), np.float32(rule.high)
    share = low + (high - low) * ratio
    channels = delta.shape[1]
    k = (np.where(share < high, share, high) * np.float32(channels) + np.float32(0.5)).astype(np.int64)
    sums = delta.reshape(*delta.shape[:2], -1).abs().sum(2, dtype=torch.float32)
    beyond = np.isinf(on_host(sums.sum(1)) * np.float32(place.factor))
    k = np.where(beyond, 1, k.clip(1, channels))
    every = k > most_that_pays(channels)
    if every.all():
        return Kept(delta, _nonzeros(delta), every)
    stay = _largest(sums, k, every)[0]
    kept = _masked(delta, stay.reshape(*stay.shape, *(1,) * (delta.ndim - 2)))
    return Kept(kept, _nonzeros(kept), every)


def _keep_diffused(rule: KeepDiffused, delta: Tensor, memory: Memory, place: Place) -> Kept:
    return _carried_on(delta, _bar(rule.theta, delta, place))


def _carried_on(delta: Tensor, bar: np.ndarray) -> Kept:
    line = delta.flatten(2).flatten(0, 1).t().clone(memory_format=torch.contiguous_format).float()  # positions first
    diffuse = _diffused_by_numpy if delta.device.type == "cpu" else _diffused
    kept = diffuse(line, np.repeat(bar, delta.shape[1])).t().contiguous().view(delta.shape).to(delta.dtype)
    every = ~np.isfinite(bar)
    if every.any():
        kept = torch.where(_column(every, delta).reshape(-1, *(1,) * (delta.ndim - 1)), delta, kept)
        return Kept(kept, _nonzeros(kept), every)
    return Kept(kept, _nonzeros(kept))


def _keep_steered(rule: KeepSteered, delta: Tensor, memory: Memory, place: Place) -> Kept:
    steered = FIRST if memory.bar is None else memory.bar
    bar = _bar(1.0, delta, place) * steered
    kept = _carried_on(delta, bar) if delta[0, 0].numel() > 1 else _above(delta, bar, place, all_if_none=False)
    k = kept.nonzeros if kept.every is None else np.where(kept.every, place.stored, kept.nonzeros)
    change = float(rule.per_entry(place.n)) * k.mean() - GAIN
    memory.bar = min(max(np.float32(steered * (1 + change * min(len(k), FASTEST))), LOWEST), HIGHEST)
    return kept


def _diffused(line: Tensor, bar: np.ndarray) -> Tensor:
    """line (P, M), then lost, with each entry carried to the next of its column until they reach bar (M,) together."""
    bars = torch.from_numpy(bar).to(line.device)
    kept, carried = torch.empty_like(line), torch.zeros_like(bars)
    for here, keep in zip(line.unbind(), kept.unbind(), strict=True):
        carried += here
        torch.mul(carried, carried.abs() >= bars, out=keep)
        carried -= keep
    return kept


def _diffused_by_numpy(line: Tensor, bar: np.ndarray) -> Tensor:
    """The same, bit for bit; on a CPU NumPy takes half as long for so little at a time."""
    stays, size, carried = np.empty(line.shape, bool), np.empty_like(bar), np.zeros_like(bar)
    for here, goes_on in zip(line.numpy(), stays, strict=True):
        np.add(carried, here, here)
        np.absolute(here, size)
        np.less(size, bar, goes_on)
        np.multiply(here, goes_on, carried)
    return _masked(line, torch.from_numpy(~stays))


def _keep_memorised(rule: KeepMemorised, delta: Tensor, memory: Memory, place: Place) -> Kept:
    """Every sample by the residual from before the batch, which then is the mean of what the samples leave."""
    total, own = delta, None
    if rule.residuals(place.stored, place.n):
        own = torch.zeros_like(delta[0], dtype=torch.float32) if memory.residual is None else memory.residual
        own = own.to(delta.device).expand_as(delta)
        total = delta + _masked((own / place.factor).to(delta.dtype), delta != 0)
    magnitude = total.flatten(1).float().abs()
    beyond = np.isinf(on_host(magnitude.sum(1)) * np.float32(place.factor))
    k = _quota(rule.of_sum, np.where(beyond, np.nan, np.float32(0)), place.n)
    every = k > place.most
    if every.all():
        return Kept(total, _nonzeros(total), every)
    largest, count = _largest(magnitude, k, every)
    if own is not None:
        left = rule.share * place.factor * total.float()  # zero where δ is
        left = _masked(left, (left.abs() < np.inf) & ~largest.reshape(delta.shape))
        memory.residual = (left + _masked(own, delta == 0)).mean(0)
    return Kept(_masked(total, largest), count, every)


def _keep_moving(rule: KeepMoving, delta: Tensor, memory: Memory, place: Place) -> Kept:
    if memory.residual is None:  # nobody has looked yet
        return Kept(delta, _nonzeros(delta))
    moving = memory.residual[:, -1].to(delta.device) == 0
    if moving.all():
        return Kept(delta, _nonzeros(delta))
    kept = _masked(delta, moving.reshape(1, -1, *(1,) * (delta.ndim - 2)).expand_as(delta))
    return Kept(kept, _nonzeros(kept))


def _keep_random(rule: KeepRandom, delta: Tensor, memory: Memory, place: Place) -> Kept:
    factors, steps = _jumps(delta.numel())
    drawn = factors * np.uint32(memory.drawn) + steps
    memory.drawn = int(drawn[-1])
    keeps = (drawn ^ np.uint32(rule.key)) * np.uint32(MIX) < rule.bound
    kept = _masked(delta, torch.from_numpy(keeps).to(delta.device))
    return Kept(kept, _nonzeros(kept))


@lru_cache(maxsize=2)  # two arrays as long as the errors of a batch
def _jumps(draws: int) -> tuple[np.ndarray, np.ndarray]:
    """The generator run ahead: what the state is multiplied with, and what is added, in the 1st, 2nd, … draw."""
    factors = np.multiply.accumulate(np.full(draws, FACTOR, np.uint32), dtype=np.uint32)
    ones = np.concatenate(([np.uint32(1)], factors[:-1]))
    return factors, np.add.accumulate(ones, dtype=np.uint32) * np.uint32(STEP)


def _keep_ratio(rule: KeepRatio, delta: Tensor, memory: Memory, place: Place) -> Kept:
    magnitude = delta.flatten(1).float().abs()
    y = on_host(magnitude.sum(1)) * np.float32(place.factor)
    memory.y_max, ratio = _relative_to_peak(memory.y_max, y)
    k = _quota(rule, ratio, place.n)
    every = k > place.most
    if every.all():
        return Kept(delta, _nonzeros(delta), every)
    largest, count = _largest(magnitude, k, every)
    return Kept(_masked(delta, largest), count, every)


def larger(y_max: np.float32, y: np.ndarray) -> np.float32:
    """The largest Y so far. One that is not finite is no error: a scaled loss may overflow, and training goes on."""
    return np.maximum(y_max, np.where(y < np.inf, y, np.float32(0)).max())


def _relative_to_peak(y_max: np.float32, y: np.ndarray) -> tuple[np.float32, np.ndarray]:
    """(y_max after taking in all samples, before any is judged; y (N,) divided by it): NaN of an infinite Y."""
    peak = larger(y_max, y)
    highest = np.fmax(y, peak)
    return peak, np.where(highest > 0, y / highest, np.float32(0))


def _quota(rule: KeepRatio, ratio: np.ndarray, n: int) -> np.ndarray:
    """`KeepRatio.quota` of each sample's ratio (N,)."""
    low, high = np.float32(rule.s_min), np.float32(rule.s_max)
    share = (low + (high - low) * ratio) * np.float32(rule.scale)
    share = np.where(share > 0, np.minimum(share, high), np.float32(0))  # also turns NaN into 0
    return (share * np.float32(n) + np.float32(0.5)).astype(np.int64).clip(rule.k_min, n)


def _largest(magnitude: Tensor, k: np.ndarray, every: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Mask of each row's k (N,) largest, or `every` one, that are not zero, and how many they are; among equals the
    lower index wins."""
    bits, sought = magnitude.view(torch.int32), np.where(every, 0, k)
    cut = np.full(len(k), MOST_BITS, np.int32)
    if most := int(sought.max()):
        if sought.min() == most:  # of all samples: without an order PyTorch finds them in two thirds of the time
            last = bits.topk(most, sorted=False).values.amin(1)
        else:
            last = bits.topk(most).values.gather(1, _column(sought - 1, bits).clamp(0))[:, 0]
        cut = np.where(sought > 0, on_host(last).clip(LEAST_BITS), cut)
    cut = np.where(every, np.int32(LEAST_BITS), cut)
    largest = bits >= _column(cut, bits)
    count = _counted(largest)
    if ((count > k) & ~every).any():
        above, tied = bits > _column(cut, bits), bits == _column(cut, bits)
        wanted = _column(np.where(every, bits.shape[1], k), bits) - above.sum(1, keepdim=True)
        largest = above | (tied & (tied.cumsum(1) <= wanted))
        count = _counted(largest)
    return largest, count


def on_host(values: Tensor) -> np.ndarray:
    """The same numbers for NumPy, wherever they are."""
    array: np.ndarray = values.detach().cpu().numpy()
    return array


SELECTIONS: Mapping[type[SelectionRule], Callable[..., Kept]] = MappingProxyType(
    {
        KeepAll: _keep_all,
        KeepAbove: _keep_above,
        KeepChannels: _keep_channels,
        KeepDiffused: _keep_diffused,
        KeepMemorised: _keep_memorised,
        KeepMoving: _keep_moving,
        KeepRandom: _keep_random,
        KeepRatio: _keep_ratio,
        KeepSteered: _keep_steered,
    }
)


def _column(values: np.ndarray, like: Tensor) -> Tensor:
    """values (N,) as (N, 1), where `like` is."""
    return torch.from_numpy(values).to(like.device)[:, None]


def _bits(delta: Tensor) -> Tensor:
    """|δ| (N, entries) as the integers that the engine compares: NaN is the largest of all."""
    return delta.flatten(1).float().view(torch.int32) & MOST_BITS


def _nonzeros(delta: Tensor) -> np.ndarray:
    """How many entries of each sample are not zero (N,)."""
    return _counted(delta.flatten(1).bool())


def _counted(mask: Tensor) -> np.ndarray:
    """How many of each row (N,); as int32, since PyTorch takes four times as long to count in its usual int64."""
    return on_host(mask.sum(1, dtype=torch.int32))


def _masked(delta: Tensor, keeps: Tensor) -> Tensor:
    """δ where `keeps`, else 0: bits times 0 or 1, up to ten times as fast as `torch.where`, and NaN becomes 0 too."""
    keeps = keeps if keeps.ndim == delta.ndim else keeps.reshape(delta.shape)
    if delta.dtype != torch.float32:
        return torch.where(keeps, delta, 0)
    return (delta.view(torch.int32) * keeps.to(torch.int32)).view(torch.float32)


def _bar(theta: float, delta: Tensor, place: Place) -> np.ndarray:
    """theta root mean squares of each sample's δ (N,), above 0 so that no zero reaches it."""
    norm = on_host(torch.linalg.vector_norm(delta.flatten(1), dim=1, dtype=torch.float32))
    return np.maximum(norm * bar_over_norm(theta, place.stored), LEAST)
