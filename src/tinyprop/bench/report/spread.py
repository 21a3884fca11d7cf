"""Direct labels beside their data, moved apart where they would overlap."""

import numpy as np


def spread(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Positions as near as possible to `wanted` (K,), in the same order, at least `gap` apart.

    Labels that collide are pooled into a block whose middle is the mean of what they wanted, until no block touches
    the next (pool adjacent violators, the least-squares answer).
    """
    order = np.argsort(wanted, kind="stable")
    blocks: list[tuple[float, int]] = []  # (where the first label of the block would like to be, how many labels)
    for position in wanted[order]:
        start, count = float(position), 1
        while blocks and blocks[-1][0] + blocks[-1][1] * gap > start:
            before, many = blocks.pop()
            start = (before * many + (start - many * gap) * count) / (many + count)
            count += many
        blocks.append((start, count))
    placed = np.concatenate([start + gap * np.arange(count) for start, count in blocks]) if blocks else np.empty(0)
    result = np.empty_like(placed)
    result[order] = placed
    return result


def apart_within(wanted: np.ndarray, gap: float) -> np.ndarray:
    """As `spread`, and between 0 and 1 where there is room for that many."""
    placed = spread(wanted, gap)
    order = np.argsort(placed, kind="stable")
    steps = gap * np.arange(len(placed))
    placed[order] = np.minimum(np.maximum(placed[order], steps), 1.0 - steps[::-1])
    return placed
