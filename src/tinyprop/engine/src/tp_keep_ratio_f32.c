/* SPDX-License-Identifier: Apache-2.0 */
/* TinyProp's adaptive top-k, exact and without sorting.
 *
 * |delta| orders like its bits read as an integer, the sign shifted out. From Y a floor is guessed that lies not far below
 * the cut. In a long vector one pass counts what is above in TP_BINS bins, and the bin in which the cut falls is a bracket,
 * which further passes narrow in the same way should too many be in it. When few are left inside they are ranked one
 * against the other as the last pass, which zeroes what lies below, comes upon them. Three looks per entry as a rule; never
 * more than nine passes, whatever the values are. A few of a short vector are found in one pass by themselves
 * (tp_few_largest.h), in which the floor saves putting many in order.
 */
#include "tp_few_largest.h"
#include "tp_kernels.h"

#define TP_FLOOR_ABOVE_MEAN 0x1800000U /* one and a half octaves: how far a guessed floor is above the mean, */
#define TP_FLOOR_STEP 0x6000000U       /* and six octaves times k/n: by how much it is lower then */
#define TP_BINS 128U        /* a power of two */
#define TP_FINE_SHIFT 19U   /* a bin above the floor is a thirty-second of an octave */
#define TP_RANKED 32U       /* entries are ranked when at most TP_RANKED^2 moves can come of it */
#define TP_GUESSED 64U      /* in so few entries a guess of where the cut is costs less than a count in bins */
#define TP_LEAST 2U         /* the smallest magnitude that is not zero */

/* What is still open: the `inside` entries with bottom <= |delta| <= bottom + last, of which the `wanted` largest stay. */
typedef struct tp_bracket {
    uint32_t bottom, last;
    uint32_t inside, wanted;
} tp_bracket;

/* Decides between equals: the lower index before pooling wins. Without a pool, argmax is NULL. */
typedef struct tp_tie_order {
    const uint8_t *argmax;
    uint32_t row, pool_height, pool_width;
    int packed;
} tp_tie_order;

/* A magnitude that k of the entries, which add up to y, are likely to be above: above the mean, but lower the more they
 * are. All in bits, which grow by 2^24 in an octave, the sign shifted out. */
TP_ALWAYS_INLINE uint32_t keep_ratio_floor(float y, uint32_t size, uint32_t k)
{
    const uint32_t log2_size = (tp_bits_of((float)size) << 1) - (tp_bits_of(1.0f) << 1); /* nearly */
    const uint32_t sum = tp_bits_of(y) << 1, less = log2_size - TP_FLOOR_ABOVE_MEAN + TP_FLOOR_STEP / size * k;
    return sum > less ? sum - less : 0U;
}

/* Row of its window from which entry i came. */
TP_ALWAYS_INLINE uint32_t keep_ratio_window_row(const tp_tie_order *order, uint32_t i)
{
    if (order->packed) {
        return tp_packed_place(order->argmax + i / order->row * tp_packed_bytes(order->row), i % order->row) / 2U;
    }
    return order->argmax[i] / order->pool_width;
}

/* How many entries are not zero. */
TP_NOINLINE uint32_t keep_ratio_nonzeros(const float *delta, uint32_t size)
{
    TP_COUNT(looks, size);
    return tp_keep_all_f32(delta, size);
}

#define TP_TALLY(bits) \
    { \
        const uint32_t above = ((bits) << 1) - bottom; /* wraps to a large number when below the bottom */ \
        if (above <= last) { \
            ++bins[above >> shift]; \
            lowest = above < lowest ? above : lowest; \
            highest = above > highest ? above : highest; \
        } \
    }

/* One pass over delta, after which the bracket is the bin with the cut, or, where all are equal, their magnitude alone. */
TP_NOINLINE void keep_ratio_narrow(const float *delta, uint32_t size, tp_bracket *b)
{
    TP_COUNT(looks, size);
    uint32_t bins[TP_BINS] = {0U};
    const uint32_t bottom = b->bottom, last = b->last;
    uint32_t shift = 25U, lowest = UINT32_MAX, highest = 0U;
    while (shift > 0U && last >> (shift - 1U) < TP_BINS) {
        --shift;
    }
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left) {
        for (uint32_t pair = 0U; pair < 4U; ++pair) {
            const tp_pair bits = tp_next_pair(&delta);
            TP_TALLY(bits.first) TP_TALLY(bits.second)
        }
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        TP_TALLY(tp_bits_of(*delta))
    }
    if (lowest == highest) {
        b->bottom += lowest;
        b->last = 0U;
        return;
    }

    uint32_t bin = last >> shift;
    for (; bin != 0U && bins[bin] < b->wanted; --bin) {
        b->wanted -= bins[bin];
    }
    const uint32_t left = last - (bin << shift), whole = (1U << shift) - 1U;
    b->bottom += bin << shift;
    b->last = left < whole ? left : whole;
    b->inside = bins[bin];
}

#undef TP_TALLY

/* Zeros are the most, and the soonest told. */
#define TP_TALLY_ABOVE(bits) \
    if ((bits) != 0U && !TP_OFTEN((bits) << 1 < bottom)) { \
        uint32_t seen = (bits); \
        TP_SELDOM; \
        TP_OPAQUE(seen); /* else it would be shifted for all entries */ \
        const uint32_t above = ((seen << 1) - bottom) >> TP_FINE_SHIFT; \
        ++bins[above < TP_BINS ? above : TP_BINS - 1U]; \
    }

/* One pass over delta, after which the bracket of all there are is one of TP_BINS narrow bins above a floor, the last of
 * them endless; or all below the floor, how many those are being unknown. */
TP_NOINLINE void keep_ratio_above_floor(const float *delta, uint32_t size, tp_bracket *b, uint32_t floor)
{
    TP_COUNT(looks, size);
    uint32_t bins[TP_BINS] = {0U};
    const uint32_t bottom = floor > TP_LEAST ? floor : TP_LEAST;
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left) {
        for (uint32_t pair = 0U; pair < 4U; ++pair) {
            const tp_pair bits = tp_next_pair(&delta);
            TP_TALLY_ABOVE(bits.first) TP_TALLY_ABOVE(bits.second)
        }
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        TP_TALLY_ABOVE(tp_bits_of(*delta))
    }

    uint32_t bin = TP_BINS - 1U;
    for (; bin != 0U && bins[bin] < b->wanted; --bin) {
        b->wanted -= bins[bin];
    }
    if (bins[bin] < b->wanted) {
        b->wanted -= bins[bin];
        b->last = bottom - 1U;
        return;
    }
    b->bottom = bottom + (bin << TP_FINE_SHIFT);
    b->last = bin == TP_BINS - 1U ? UINT32_MAX - b->bottom : (1U << TP_FINE_SHIFT) - 1U;
    b->inside = bins[bin];
}

#undef TP_TALLY_ABOVE

#define TP_BELOW(word) \
    below_low = tp_count_below(below_low, low, word); \
    below_high = tp_count_below(below_high, high, word);

/* One pass over delta, after which the bracket of all non-zeros is one of three parts of it: about a guess of the cut,
 * above or below. The guess is where the cut would be if magnitudes were spread evenly from zero to twice their mean. */
TP_NOINLINE void keep_ratio_guess(const float *delta, uint32_t size, tp_bracket *b, float y)
{
    TP_COUNT(looks, size);
    const float nonzeros = (float)b->inside;
    const float guess = 2.0f * y / nonzeros * (1.0f - (float)b->wanted / nonzeros);
    const uint32_t low = (1U + tp_bits_of(0.875f * guess)) << 1, high = (1U + tp_bits_of(1.125f * guess)) << 1;
    uint32_t below_low = 0U, below_high = 0U;
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left) {
        for (uint32_t pair = 0U; pair < 4U; ++pair) {
            const tp_pair bits = tp_next_pair(&delta);
            TP_BELOW(bits.first) TP_BELOW(bits.second)
        }
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        TP_BELOW(tp_bits_of(*delta))
    }
    const uint32_t above = size - below_high, between = below_high - below_low;
    if (above >= b->wanted) {
        b->last -= high - b->bottom;
        b->bottom = high;
        b->inside = above;
    } else if (above + between >= b->wanted) {
        b->last = high - low - 1U;
        b->bottom = low;
        b->inside = between;
        b->wanted -= above;
    } else {
        b->last = low - 1U - b->bottom;
        b->inside -= above + between;
        b->wanted -= above + between;
    }
}

#undef TP_BELOW

/* Whether ranking is cheaper than one more pass: at worst it moves inside * wanted indices. */
TP_ALWAYS_INLINE int keep_ratio_is_short(const tp_bracket *b)
{
    return b->inside <= TP_RANKED * TP_RANKED / b->wanted;
}

/* Whether entry `later` goes before `earlier`, which precedes it in memory and has the same magnitude: only inside a
 * pooled row, when its maximum came from a higher row of the window. */
TP_ALWAYS_INLINE int keep_ratio_overtakes(const tp_tie_order *order, uint32_t later, uint32_t earlier)
{
    return order->argmax != NULL && later / order->row == earlier / order->row
           && keep_ratio_window_row(order, later) < keep_ratio_window_row(order, earlier);
}

/* Zeroes what lies below the bracket. */
TP_NOINLINE void keep_ratio_drop_below(float *delta, uint32_t size, uint32_t bottom)
{
    TP_COUNT(looks, size);
    tp_drop_below(delta, size, bottom);
}

/* The `wanted` best entries inside the bracket so far, best first. */
typedef struct tp_ranking {
    const float *delta;
    const tp_tie_order *order;
    uint32_t wanted, held;
    uint32_t magnitude[TP_RANKED];
    float *entry[TP_RANKED];
} tp_ranking;

/* Whether `entry`, later than all of the ranking, goes before the one at `place`. */
TP_ALWAYS_INLINE int keep_ratio_beats(const tp_ranking *best, const float *entry, uint32_t magnitude, uint32_t place)
{
    return best->magnitude[place] < magnitude
           || (best->magnitude[place] == magnitude
               && keep_ratio_overtakes(best->order, (uint32_t)(entry - best->delta),
                                       (uint32_t)(best->entry[place] - best->delta)));
}

/* An entry, the one at `offset` from `here`, takes its place in the ranking; what does not hold one becomes zero. */
TP_NOINLINE void keep_ratio_enter(tp_ranking *best, float *here, uint32_t offset, uint32_t magnitude)
{
    float *entry = here + offset;
    uint32_t place = best->held;
    if (place < best->wanted) {
        ++best->held;
    } else if (keep_ratio_beats(best, entry, magnitude, place - 1U)) {
        --place;
        *best->entry[place] = 0.0f;
    } else {
        *entry = 0.0f;
        return;
    }
    for (; place > 0U && keep_ratio_beats(best, entry, magnitude, place - 1U); --place) {
        best->magnitude[place] = best->magnitude[place - 1U];
        best->entry[place] = best->entry[place - 1U];
    }
    best->magnitude[place] = magnitude;
    best->entry[place] = entry;
}

#define TP_JUDGE(i, bits) \
    if (TP_OFTEN((bits) << 1 < bottom)) { \
        delta[i] = 0.0f; \
    } else if ((tp_bits_of(delta[i]) << 1) - bottom <= last) { /* read again: the magnitude is seldom needed */ \
        keep_ratio_enter(&best, delta, i, tp_bits_of(delta[i]) << 1); \
    }

/* Zeroes what lies below the bracket, and inside it all but the `wanted` best, ranked as they come. */
TP_NOINLINE void keep_ratio_rank(float *delta, uint32_t size, const tp_bracket *b, const tp_tie_order *order)
{
    TP_COUNT(looks, size + b->inside);
    const uint32_t bottom = b->bottom, last = b->last;
    tp_ranking best;
    best.delta = delta;
    best.order = order;
    best.wanted = b->wanted;
    best.held = 0U;
    TP_ROLLED for (uint32_t left = size / 4U; left != 0U; --left, delta += 4) {
        const float *next = delta;
        const tp_pair low = tp_next_pair(&next), high = tp_next_pair(&next);
        TP_JUDGE(0, low.first) TP_JUDGE(1, low.second) TP_JUDGE(2, high.first) TP_JUDGE(3, high.second)
    }
    TP_ROLLED for (uint32_t left = size % 4U; left != 0U; --left, ++delta) {
        TP_JUDGE(0, tp_bits_of(*delta))
    }
}

#undef TP_JUDGE

/* Many equal entries straddle the cut: the first `wanted` of them, in un-pooled order, stay; what lies below does not. */
TP_NOINLINE void keep_ratio_drop_ties(float *delta, uint32_t size, const tp_bracket *b, const tp_tie_order *order)
{
    TP_COUNT(looks, size);
    const uint32_t row = order->argmax != NULL ? order->row : size;
    const uint32_t window = order->argmax != NULL ? order->pool_height : 1U;
    uint32_t wanted = b->wanted;
    TP_ROLLED for (uint32_t start = 0U; start < size; start += row) {
        TP_ROLLED for (uint32_t dy = 0U; dy < window; ++dy) {
            TP_ROLLED for (uint32_t i = start; i < start + row; ++i) {
                const uint32_t magnitude = tp_bits_of(delta[i]) << 1;
                if (magnitude > b->bottom
                    || (magnitude == b->bottom && order->argmax != NULL && keep_ratio_window_row(order, i) != dy)) {
                    continue;
                }
                if (magnitude == b->bottom && wanted > 0U) {
                    --wanted;
                } else {
                    delta[i] = 0.0f;
                }
            }
        }
    }
}

/* Zeroes all but the k largest, a literal of at most TP_FEW, and returns k; or nothing, and 0, where not so many are above
 * the floor. */
TP_ALWAYS_INLINE uint32_t keep_ratio_few_of(float *delta, uint32_t size, uint32_t floor, uint32_t k)
{
    TP_COUNT(looks, size);
    tp_few few;
    if (tp_few_largest(&few, delta, size, k, floor) == floor) {
        return 0U;
    }
    tp_few_stay(&few, delta, size, k);
    return k;
}

#define TP_CASE(n) \
    case n: \
        return keep_ratio_few_of(delta, size, floor, n);

/* The same with a k that is no literal. */
TP_NOINLINE uint32_t keep_ratio_few(float *delta, uint32_t size, uint32_t floor, uint32_t k)
{
    switch (k) {
        TP_CASE(1) TP_CASE(2) TP_CASE(3) TP_CASE(4) TP_CASE(5)
    default:
        return keep_ratio_few_of(delta, size, floor, TP_FEW);
    }
}

#undef TP_CASE

/* As keep_ratio_cut, k being at most TP_FEW and all entries in the order that decides between equals. */
TP_ALWAYS_INLINE uint32_t keep_ratio_short(float *delta, uint32_t size, float y, uint32_t k)
{
    const uint32_t floor = keep_ratio_floor(y, size, k);
    if (keep_ratio_few(delta, size, floor, k) != 0U || (floor != 0U && keep_ratio_few(delta, size, 0U, k) != 0U)) {
        return k;
    }
    return keep_ratio_nonzeros(delta, size);
}

/* Zeroes all but the `k` largest of more than k entries, and returns how many are kept: fewer where so many are zero. */
TP_NOINLINE uint32_t keep_ratio_cut(float *delta, uint32_t size, float y, uint32_t k, const tp_tie_order *order)
{
    tp_bracket b = {0U, UINT32_MAX, size, k};
    if (size > TP_GUESSED) {
        keep_ratio_above_floor(delta, size, &b, keep_ratio_floor(y, size, k));
    }
    if (b.bottom == 0U) {
        const uint32_t nonzeros = keep_ratio_nonzeros(delta, size);
        if (k >= nonzeros) {
            return nonzeros;
        }
        b.bottom = TP_LEAST;
        b.last -= TP_LEAST;
        b.inside = nonzeros - (k - b.wanted);
    }
    if (size <= TP_GUESSED) {
        keep_ratio_guess(delta, size, &b, y);
    }
    while (b.inside > b.wanted && !keep_ratio_is_short(&b) && b.last != 0U) {
        keep_ratio_narrow(delta, size, &b);
    }
    if (b.inside > b.wanted && keep_ratio_is_short(&b)) {
        keep_ratio_rank(delta, size, &b, order);
        return k;
    }
    if (b.inside > b.wanted) {
        keep_ratio_drop_ties(delta, size, &b, order);
    } else {
        keep_ratio_drop_below(delta, size, b.bottom);
    }
    return k;
}

/* Zeroes all but the k entries of largest |delta| in place and returns how many are kept: k, or all non-zeros when
 * there are no more, or too few more for a selection to pay. k follows from Y against the largest Y so far, kept in `state`. n counts outputs before pooling;
 * the stored entries of a pooled layer are rows of `row`, and argmax[i] = dy * pool_width + dx in the window, a byte each or
 * packed (tp_packed_place). */
TP_KERNEL uint32_t tp_keep_ratio_f32(float *delta, uint32_t size, uint32_t n, float s_min, float s_max, float scale,
                                     uint32_t k_min, tp_layer_state *state, const uint8_t *argmax, uint32_t row,
                                     uint32_t pool_height, uint32_t pool_width, int packed)
{
    const float y = tp_abs_sum_f32(delta, size);
    TP_COUNT(looks, size);
    if (y > state->y_max) {
        state->y_max = y;
    }
    uint32_t k;
    if (s_min == s_max && tp_magnitude_bits(y) < TP_BITS_INF) { /* then the ratio is a number, whichever */
        k = tp_quota(0.0f, n, s_min, s_max, scale, k_min);
    } else {
        const float ratio = state->y_max > 0.0f ? y / state->y_max : 0.0f;
        k = tp_quota(ratio, n, s_min, s_max, scale, k_min);
        TP_SELDOM;
    }
    if (!tp_selection_pays(k, size)) {
        return size;
    }
    if (k == 0U) {
        TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
            delta[i] = 0.0f;
        }
        return 0U;
    }
    if (size <= TP_SHORT && n == size && k <= TP_FEW) {
        return keep_ratio_short(delta, size, y, k);
    }
    const tp_tie_order order = {argmax, row, pool_height, pool_width, packed};
    return keep_ratio_cut(delta, size, y, k, &order);
}
