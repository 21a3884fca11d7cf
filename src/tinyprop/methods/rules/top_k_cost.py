"""How many entries the C engine looks at to find the k largest |δ| without sorting: its search, replayed to count.

|δ| orders like its float32 bits read as an integer, so the search narrows a bracket of integers by histograms:

    first passes: Y, then largest |δ| and number of non-zeros; the bracket is all non-zeros
    if these are few enough to be ranked but not very few: one pass counts those below, in and above an eighth about a
        guess of the cut, 2 · Y/non-zeros · (1 − k/non-zeros); the one of the three with the cut is the new bracket
    while entries inside · entries wanted of them > RANKED², and not all are wanted, and it spans several values:
        one pass counts the bracket's entries in BINS equal bins from the top; the bin with the cut is the new bracket
    last pass: drop what lies below the bracket, rank the few entries inside (or, all being equal, take the first)
"""

import numpy as np

from tinyprop.methods.rules.magnitude import abs_sum

BINS = 64  # TP_BINS, TP_FIRST_SHIFT and TP_RANKED of tp_keep_ratio_f32.c; a parity test holds the counts equal
FIRST_SHIFT = 20  # bins of an eighth of an octave: with BINS of them the first pass resolves max|δ| … max|δ|/256
RANKED = 16
GUESSED = 32


def looks_for_top_k(delta: np.ndarray, k: int) -> int:
    """Looks of `tp_keep_ratio_f32` for flat float32 δ with more than k > 0 non-zeros."""
    inside = np.abs(delta).view(np.uint32)
    inside = inside[inside > 0].astype(np.int64)
    top, wanted, passes = int(inside.max()), k, 2
    width = top
    if GUESSED // k < inside.size <= RANKED**2 // k:
        bottom, top = _about_the_guess(inside, top, k, abs_sum(delta))
        wanted -= int(np.count_nonzero(inside > top))
        inside = inside[(inside > bottom) & (inside <= top)]
        width = top - bottom
        passes += 1
    shift = FIRST_SHIFT
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


def _about_the_guess(magnitudes: np.ndarray, top: int, k: int, y: np.float32) -> tuple[int, int]:
    """(bottom, top] of the part with the cut. magnitudes: bits of all non-zeros, int64."""
    nonzeros = np.float32(magnitudes.size)
    guess = np.float32(2) * y / nonzeros * (np.float32(1) - np.float32(k) / nonzeros)
    low, high = (int((np.float32(share) * guess).view(np.uint32)) for share in (0.875, 1.125))
    if np.count_nonzero(magnitudes > high) >= k:
        return high, top
    return (low, high) if np.count_nonzero(magnitudes > low) >= k else (0, low)
