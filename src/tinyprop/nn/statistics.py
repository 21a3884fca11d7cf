"""What a method did in training, summed up."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class LayerStatistics:
    """kept: share of a layer's n outputs that were back-propagated, over all samples, skipped ones included."""

    n: int
    kept: float


@dataclass(frozen=True)
class Statistics:
    """samples: trained on or skipped; skipped: their share, 0 … 1; layers: path → what it kept, in forward order.

    effort_bwd, effort_total: multiply-adds of kept entries over those of plain full training of the same layers, as
    docs/methods.md defines them; looking at δ to select is not counted here. All are NaN before the first sample.
    """

    samples: int
    skipped: float
    layers: Mapping[str, LayerStatistics]
    effort_bwd: float
    effort_total: float

    def scalars(self) -> Mapping[str, float]:
        """Name → number, for a logger: `for name, value in handle.stats().scalars().items(): log(name, value)`."""
        kept = {f"kept/{name or 'model'}": layer.kept for name, layer in self.layers.items()}
        efforts = {"effort_bwd": self.effort_bwd, "effort_total": self.effort_total}
        return MappingProxyType({"skipped": self.skipped, **efforts, **kept})

    def __str__(self) -> str:
        lines = [f"{self.samples:,} samples, {self.skipped:.0%} skipped, effort {self.effort_bwd:.3f} backward"]
        lines[0] += f", {self.effort_total:.3f} in all"
        width = max(len(name) for name in self.layers)
        lines += [f"  {name:{width}} keeps {layer.kept:6.1%} of {layer.n:,}" for name, layer in self.layers.items()]
        return "\n".join(lines)
