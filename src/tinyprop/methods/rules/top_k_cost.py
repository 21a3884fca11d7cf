"""How many entries the C engine looks at to find the k largest |δ| without sorting: its search, replayed to count.

|δ| orders like its float32 bits read as an integer, so the search narrows a bracket of integers by histograms:

    first pass: Y, largest |δ|, number of non-zeros; the bracket is all non-zeros
    while entries inside · entries wanted of them > RANKED², and not all are wanted, and it spans several values:
        one pass counts the bracket's entries in BINS equal bins from the top; the bin with the cut is the new bracket
    last pass: drop what lies below the bracket, rank the few entries inside (or, all being equal, take the first)
"""

import numpy as np

BINS = 64  # TP_BINS, TP_FIRST_SHIFT and TP_RANKED of tp_keep_ratio_f32.c; a parity test holds the counts equal
FIRST_SHIFT = 20  # bins of an eighth of an octave: with BINS of them the first pass resolves max|δ| … max|δ|/256
RANKED = 16


def looks_for_top_k(delta: np.ndarray, k: int) -> int:
    """Looks of `tp_keep_ratio_f32` for flat float32 δ with more than k > 0 non-zeros."""
    inside = np.abs(delta).view(np.uint32)
    inside = inside[inside > 0].astype(np.int64)
    top = int(inside.max())
    width, shift, wanted, passes = top, FIRST_SHIFT, k, 1
    while inside.size > wanted and inside.size * wanted > RANKED**2 and width > 1:
        bins = np.minimum((top - inside) >> shift, BINS - 1)
        reached = np.cumsum(np.bincount(bins, minlength=BINS))
        cut = int(np.searchsorted(reached, wanted))
        wanted -= int(reached[cut - 1]) if cut else 0
        inside = inside[bins == cut]
        top -= cut << shift
        width -= cut << shift
        if cut < BINS - 1:
            width = min(width, 1 << shift)
        shift = max((width - 1).bit_length() - (BINS - 1).bit_length(), 0)
        passes += 1
    looks = (passes + 1) * delta.size
    if inside.size == wanted:
        return looks
    return looks + (inside.size if inside.size * wanted <= RANKED**2 else delta.size)
