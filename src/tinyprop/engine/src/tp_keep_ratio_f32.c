/* SPDX-License-Identifier: Apache-2.0 */
/* TinyProp's adaptive top-k, exact and without sorting.
 *
 * |delta| orders like its bits read as an integer. A bracket of such integers, at first all non-zeros, is narrowed
 * around the cut: one pass counts its entries in TP_BINS equal bins from the top, and the bin in which the cut falls is
 * the next bracket. When few entries are left inside they are ranked one against the other. About three
 * looks per entry; never more than ten passes, whatever the values are.
 */
#include "tp_kernels.h"

#define TP_BINS 64U         /* a power of two */
#define TP_FIRST_SHIFT 20U  /* first bins: an eighth of an octave each, from max|delta| to max|delta|/256 */
#define TP_RANKED 16U       /* entries are ranked when at most TP_RANKED^2 moves can come of it */
#define TP_GUESSED 32U      /* and with more moves than this, near the cut only, when it has been guessed where that is */

/* What is still open: the `inside` entries with top - width < |delta| <= top, of which the `wanted` largest stay. */
typedef struct tp_bracket {
    uint32_t top, width;
    uint32_t inside, wanted;
} tp_bracket;

/* Decides between equals: the lower index before pooling wins. Without a pool, argmax is NULL. */
typedef struct tp_tie_order {
    const uint8_t *argmax;
    uint32_t row, pool_height, pool_width;
    int packed;
} tp_tie_order;

/* Row of its window from which entry i came. */
TP_ALWAYS_INLINE uint32_t keep_ratio_window_row(const tp_tie_order *order, uint32_t i)
{
    if (order->packed) {
        return tp_packed_place(order->argmax + i / order->row * tp_packed_bytes(order->row), i % order->row) / 2U;
    }
    return order->argmax[i] / order->pool_width;
}

#define TP_LOOK(bits) \
    largest = tp_larger(largest, bits); \
    zeros = tp_count_below(zeros, 1U, bits);

/* The bracket of all non-zeros, of which `wanted` stay. */
TP_NOINLINE tp_bracket keep_ratio_nonzeros(const float *delta, uint32_t size, uint32_t wanted)
{
    TP_COUNT(looks, size);
    uint32_t largest = 0U, zeros = 0U; /* magnitudes without sign, which is shifted out */
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left) {
        for (uint32_t pair = 0U; pair < 4U; ++pair) {
            const tp_pair bits = tp_next_pair(&delta);
            TP_LOOK(bits.first) TP_LOOK(bits.second)
        }
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        TP_LOOK(tp_bits_of(*delta))
    }
    const tp_bracket all = {largest >> 1, largest >> 1, size - zeros, wanted};
    return all;
}

#undef TP_LOOK

/* k = floor(S * n + 1/2) in [k_min, n]; the first test also turns a NaN into 0. */
TP_ALWAYS_INLINE uint32_t keep_ratio_quota(float ratio, uint32_t n, float s_min, float s_max, float scale,
                                           uint32_t k_min)
{
    float share = (s_min + (s_max - s_min) * ratio) * scale;
    if (!(share > 0.0f)) {
        share = 0.0f;
    }
    if (share > s_max) {
        share = s_max;
    }
    uint32_t k = (uint32_t)(share * (float)n + 0.5f);
    k = k < k_min ? k_min : k;
    return k < n ? k : n;
}

/* Counts one entry in its bin when it is in one. */
TP_ALWAYS_INLINE void keep_ratio_bin(uint32_t *bins, float delta, uint32_t top, uint32_t range, uint32_t shift)
{
    const uint32_t below = top - tp_magnitude_bits(delta); /* wraps to a large number when above the top */
    if (below < range) {
        ++bins[below >> shift];
    }
}

/* One pass over delta, after which the bracket is the bin of 2^shift values with the cut. The last bin takes all that
 * lies below the others; its entries are not counted but left over. */
TP_NOINLINE void keep_ratio_narrow(const float *delta, uint32_t size, tp_bracket *b, uint32_t shift)
{
    TP_COUNT(looks, size);
    uint32_t bins[TP_BINS] = {0U};
    const uint32_t top = b->top;
    const uint32_t counted = (TP_BINS - 1U) << shift;
    const uint32_t range = b->width < counted ? b->width : counted;
    const uint32_t fours = size - size % 4U;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        keep_ratio_bin(bins, delta[i], top, range, shift);
        keep_ratio_bin(bins, delta[i + 1U], top, range, shift);
        keep_ratio_bin(bins, delta[i + 2U], top, range, shift);
        keep_ratio_bin(bins, delta[i + 3U], top, range, shift);
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        keep_ratio_bin(bins, delta[i], top, range, shift);
    }

    uint32_t cut = 0U;
    while (cut < TP_BINS - 1U && bins[cut] < b->wanted) {
        b->wanted -= bins[cut];
        b->inside -= bins[cut];
        ++cut;
    }
    b->top -= cut << shift;
    b->width -= cut << shift;
    if (cut < TP_BINS - 1U) {
        b->inside = bins[cut];
        b->width = b->width > 1U << shift ? 1U << shift : b->width;
    }
}

#define TP_BELOW(word) \
    below_low = tp_count_below(below_low, low << 1, word); \
    below_high = tp_count_below(below_high, high << 1, word);

/* One pass over delta, after which the bracket of all non-zeros is one of three parts of it: about a guess of the cut,
 * above or below. The guess is where the cut would be if magnitudes were spread evenly from zero to twice their mean. */
TP_NOINLINE void keep_ratio_guess(const float *delta, uint32_t size, tp_bracket *b, float y)
{
    TP_COUNT(looks, size);
    const float nonzeros = (float)b->inside;
    const float guess = 2.0f * y / nonzeros * (1.0f - (float)b->wanted / nonzeros);
    const uint32_t low = 1U + tp_bits_of(0.875f * guess), high = 1U + tp_bits_of(1.125f * guess);
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
        b->width = b->top - (high - 1U);
        b->inside = above;
    } else if (above + between >= b->wanted) {
        b->top = high - 1U;
        b->width = high - low;
        b->inside = between;
        b->wanted -= above;
    } else {
        b->top = low - 1U;
        b->width = low - 1U;
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

/* The smallest shift by which `width` values fit the bins. */
TP_ALWAYS_INLINE uint32_t keep_ratio_shift(uint32_t width)
{
    uint32_t shift = 0U;
    while ((width - 1U) >> shift >= TP_BINS) {
        ++shift;
    }
    return shift;
}

/* Whether entry `later` goes before `earlier`, which precedes it in memory and has the same magnitude: only inside a
 * pooled row, when its maximum came from a higher row of the window. */
TP_ALWAYS_INLINE int keep_ratio_overtakes(const tp_tie_order *order, uint32_t later, uint32_t earlier)
{
    return order->argmax != NULL && later / order->row == earlier / order->row
           && keep_ratio_window_row(order, later) < keep_ratio_window_row(order, earlier);
}

/* Zeroes what lies below the bracket. */
TP_NOINLINE void keep_ratio_drop_below(float *delta, uint32_t size, const tp_bracket *b)
{
    TP_COUNT(looks, size);
    const uint32_t bottom = b->top - b->width;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        if (tp_magnitude_bits(delta[i]) <= bottom) {
            delta[i] = 0.0f;
        }
    }
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

/* An entry takes its place in the ranking; what does not hold one becomes zero. */
TP_NOINLINE void keep_ratio_enter(tp_ranking *best, float *entry, uint32_t magnitude)
{
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

#define TP_JUDGE(entry, bits) \
    if (((bits) & 0x7fffffffU) <= bar) { \
        *(entry) = 0.0f; \
    } else if (((bits) & 0x7fffffffU) <= top) { \
        keep_ratio_enter(&best, entry, (bits) & 0x7fffffffU); \
    }

/* Zeroes what lies below the bracket, and inside it all but the `wanted` best, ranked as they come. */
TP_NOINLINE void keep_ratio_rank(float *delta, uint32_t size, const tp_bracket *b, const tp_tie_order *order)
{
    TP_COUNT(looks, size + b->inside);
    const uint32_t top = b->top, bar = b->top - b->width; /* what does not exceed the bar goes */
    tp_ranking best;
    best.delta = delta;
    best.order = order;
    best.wanted = b->wanted;
    best.held = 0U;
    const float *words = delta;
    float *here = delta;
    TP_ROLLED for (uint32_t left = size / 2U; left != 0U; --left, here += 2) {
        const tp_pair bits = tp_next_pair(&words);
        TP_JUDGE(here, bits.first) TP_JUDGE(here + 1, bits.second)
    }
    if (size % 2U != 0U) {
        TP_JUDGE(here, tp_bits_of(*here))
    }
}

#undef TP_JUDGE

/* Many equal entries straddle the cut: the first `wanted` of them, in un-pooled order, stay. */
TP_NOINLINE void keep_ratio_drop_ties(float *delta, uint32_t size, const tp_bracket *b, const tp_tie_order *order)
{
    TP_COUNT(looks, size);
    const uint32_t row = order->argmax != NULL ? order->row : size;
    const uint32_t window = order->argmax != NULL ? order->pool_height : 1U;
    uint32_t wanted = b->wanted;
    TP_ROLLED for (uint32_t start = 0U; start < size; start += row) {
        TP_ROLLED for (uint32_t dy = 0U; dy < window; ++dy) {
            TP_ROLLED for (uint32_t i = start; i < start + row; ++i) {
                if (tp_magnitude_bits(delta[i]) != b->top
                    || (order->argmax != NULL && keep_ratio_window_row(order, i) != dy)) {
                    continue;
                }
                if (wanted > 0U) {
                    --wanted;
                } else {
                    delta[i] = 0.0f;
                }
            }
        }
    }
}

/* Zeroes all but the `wanted` largest of the entries inside the bracket, and everything below it. */
TP_NOINLINE void keep_ratio_cut(float *delta, uint32_t size, float y, tp_bracket b, const tp_tie_order *order)
{
    if (keep_ratio_is_short(&b) && b.inside > TP_GUESSED / b.wanted) {
        keep_ratio_guess(delta, size, &b, y);
    }
    uint32_t shift = TP_FIRST_SHIFT;
    while (b.inside > b.wanted && !keep_ratio_is_short(&b) && b.width > 1U) {
        keep_ratio_narrow(delta, size, &b, shift);
        shift = keep_ratio_shift(b.width);
    }
    if (b.inside > b.wanted && keep_ratio_is_short(&b)) {
        keep_ratio_rank(delta, size, &b, order);
        return;
    }
    keep_ratio_drop_below(delta, size, &b);
    if (b.inside > b.wanted) {
        keep_ratio_drop_ties(delta, size, &b, order);
    }
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
    const float ratio = state->y_max > 0.0f ? y / state->y_max : 0.0f;
    const uint32_t k = keep_ratio_quota(ratio, n, s_min, s_max, scale, k_min);
    if (!tp_selection_pays(k, size)) {
        return size;
    }
    if (k == 0U) {
        TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
            delta[i] = 0.0f;
        }
        return 0U;
    }
    const tp_bracket all = keep_ratio_nonzeros(delta, size, k);
    if (k >= all.inside) {
        return all.inside;
    }
    const tp_tie_order order = {argmax, row, pool_height, pool_width, packed};
    keep_ratio_cut(delta, size, y, all, &order);
    return k;
}
