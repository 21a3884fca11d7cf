"""How many entries the C engine looks at to find the k largest |δ| without sorting: its search, replayed to count.

|δ| orders like its float32 bits read as an integer, the sign shifted out, so the search narrows a bracket of integers:

    first pass: Y; the bracket is all there are
    to narrow: one pass counts the bracket's entries in BINS equal bins; the bin with the cut is the new bracket; where
        all entries are equal, their magnitude alone is
    of GUESSED entries at most: one pass counts the zeros, which leave the bracket, one those below, in and above an
        eighth about a guess of the cut, 2 · Y/non-zeros · (1 − k/non-zeros); the one of the three with the cut is next
    of more: one pass counts those above a floor guessed from Y in BINS narrow bins, the last of them endless; the bin
        with the cut is next; where the cut is below the floor all there is next, without the zeros, which a pass counts
    while entries inside · entries wanted of them > RANKED², and not all are wanted, and it spans several values: narrow
    last pass: drop what lies below the bracket, rank the few entries inside; or, all being equal, take the first

Of SHORT entries at most, FEW of them at most are found in one pass that keeps the largest so far, once more where fewer
than k are above a floor guessed from Y, and the rest is cleared, unseen.
"""

import numpy as np

from tinyprop.methods.rules.magnitude import abs_sum, magnitude_bits

BINS = 128  # TP_BINS, TP_RANKED and TP_GUESSED of tp_keep_ratio_f32.c; a parity test holds the counts equal
RANKED = 32
FINE_SHIFT = 19  # TP_FINE_SHIFT
FEW = 6  # TP_FEW, TP_SHORT of tp_few_largest.h, TP_FLOOR_ABOVE_MEAN, TP_FLOOR_STEP
SHORT = 64
ABOVE_MEAN, STEP = 0x1800000, 0x6000000
GUESSED = 64
LEAST = 2  # the smallest magnitude that is not zero
ALL = 2**32 - 1


def few_of_short(size: int, n: int, k: int) -> bool:
    """Whether the k largest of `size` stored entries, of `n` before pooling, are found in one pass."""
    return size <= SHORT and n == size and k <= FEW


def looks_for_top_k(delta: np.ndarray, n: int, k: int) -> int:
    """Looks of `tp_keep_ratio_f32` for flat float32 δ of more than k > 0 entries, stored for `n` outputs."""
    return _looks_for_few(delta, k) if few_of_short(delta.size, n, k) else _looks_for_many(delta, k)


def _looks_for_few(delta: np.ndarray, k: int) -> int:
    magnitudes = magnitude_bits(delta).astype(np.int64)
    floor = _floor(abs_sum(delta), delta.size, k)
    if np.count_nonzero(magnitudes > floor) >= k:
        return 2 * delta.size
    passes = 2 + (floor > 0) + (np.count_nonzero(magnitudes) < k)
    return int(passes) * delta.size


def _floor(y: np.float32, size: int, k: int) -> int:
    """A magnitude that k of `size` entries which add up to y are likely to be above: y / size, and by octaves more."""
    log2_size = _bits(np.float32(size)) - _bits(np.float32(1))
    return max(_bits(y) - (log2_size - ABOVE_MEAN + STEP // size * k), 0)


def _bits(value: np.float32) -> int:
    return int(magnitude_bits(np.asarray(value)))


def _looks_for_many(delta: np.ndarray, k: int) -> int:
    magnitudes = magnitude_bits(delta).astype(np.int64)
    nonzeros = magnitudes[magnitudes > 0]
    inside, bottom, top, wanted, passes = magnitudes, 0, ALL, k, 1
    if delta.size > GUESSED:
        passes += 1
        inside, bottom, top, wanted = _above(_floor(abs_sum(delta), delta.size, k), inside, k)
    if bottom == 0:
        passes += 1
        if k >= nonzeros.size:
            return passes * delta.size
        bottom, inside = LEAST, inside[inside > 0]
    if delta.size <= GUESSED:
        passes += 1
        bottom, top = _about_the_guess(nonzeros, k, abs_sum(delta))
        wanted -= int(np.count_nonzero(nonzeros > top))
        inside = nonzeros[(nonzeros >= bottom) & (nonzeros <= top)]
    while inside.size > wanted and inside.size * wanted > RANKED**2 and top > bottom:
        passes += 1
        inside, bottom, top, wanted = _narrowed(inside, bottom, top, wanted)
    ranked = inside.size if inside.size > wanted and inside.size * wanted <= RANKED**2 else 0
    return (passes + 1) * delta.size + ranked


def _above(floor: int, magnitudes: np.ndarray, k: int) -> tuple[np.ndarray, int, int, int]:
    """The same of all entries and the narrow bins above a floor; or what lies below."""
    bottom = max(floor, LEAST)
    bins = np.minimum((magnitudes - bottom) >> FINE_SHIFT, BINS - 1)
    reached = np.cumsum(np.bincount(bins[bins >= 0], minlength=BINS)[::-1])
    if reached[-1] < k:
        return magnitudes[bins < 0], 0, bottom - 1, k - int(reached[-1])
    cut = BINS - 1 - int(np.searchsorted(reached, k))
    first = bottom + (cut << FINE_SHIFT)
    last = ALL if cut == BINS - 1 else first + (1 << FINE_SHIFT) - 1
    return magnitudes[bins == cut], first, last, k - int(np.count_nonzero(bins > cut))


def _narrowed(inside: np.ndarray, bottom: int, top: int, wanted: int) -> tuple[np.ndarray, int, int, int]:
    """The bin with the cut: its entries, first and last magnitude, and how many of them are wanted."""
    if inside.min() == inside.max():
        return inside, int(inside[0]), int(inside[0]), wanted
    shift = max((top - bottom).bit_length() - (BINS - 1).bit_length(), 0)
    bins = (inside - bottom) >> shift
    reached = np.cumsum(np.bincount(bins, minlength=BINS)[::-1])  # from the largest down
    cut = BINS - 1 - int(np.searchsorted(reached, wanted))
    first, last = bottom + (cut << shift), min(top, bottom + ((cut + 1) << shift) - 1)
    return inside[bins == cut], first, last, wanted - int(np.count_nonzero(bins > cut))


def _about_the_guess(nonzeros: np.ndarray, k: int, y: np.float32) -> tuple[int, int]:
    """First and last magnitude of the part with the cut. nonzeros: magnitudes, int64."""
    count = np.float32(nonzeros.size)
    with np.errstate(over="ignore", invalid="ignore"):
        guess = np.float32(2) * y / count * (np.float32(1) - np.float32(k) / count)
        low, high = (2 + int(magnitude_bits(np.asarray(np.float32(share) * guess))) for share in (0.875, 1.125))
    if np.count_nonzero(nonzeros >= high) >= k:
        return high, ALL
    return (low, high - 1) if np.count_nonzero(nonzeros >= low) >= k else (LEAST, low - 1)
