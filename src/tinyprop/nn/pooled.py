"""δ in front of a max pool that tiles its map, an entry per window: the only one of a window that can be not zero.

For pools that are functions, or modules that several layers share: nothing can take hold behind them.
"""

import torch
from torch import Tensor
from torch.nn import functional


def where_pooled(delta: Tensor, window: tuple[int, ...]) -> Tensor:
    """δ (N, C, …) → its entries where the pool looked. An empty window: as it is."""
    if not window:
        return delta
    if len(window) == 1:
        return where_pooled(delta[:, :, None], (1, *window))[:, :, 0]
    return functional.avg_pool2d(delta, window, divisor_override=1)  # a sum of one entry and zeros is that entry


def before_pool(kept: Tensor, delta: Tensor, window: tuple[int, ...]) -> Tensor:
    """The reverse: kept entries, where δ has its own, zeros elsewhere, also in what the windows leave over."""
    for dim, step in enumerate(window, start=2):
        kept = kept.repeat_interleave(step, dim)
        if left_over := delta.shape[dim] - kept.shape[dim]:
            kept = torch.cat((kept, torch.zeros_like(kept.narrow(dim, 0, left_over))), dim)
    return torch.where(delta == 0, 0, kept) if window else kept
