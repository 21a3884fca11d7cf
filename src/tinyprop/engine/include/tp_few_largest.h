/* SPDX-License-Identifier: Apache-2.0 */
/* The few largest entries of a short vector, found in one pass.
 *
 * An entry that is not among them costs a load and a comparison; one that is moves those behind it by a place. Magnitudes
 * are compared as integers, the sign shifted out: NaN is the largest, among equals the first stays before.
 */
#ifndef TP_FEW_LARGEST_H
#define TP_FEW_LARGEST_H

#include "tp_config.h"
#include "tp_math.h"
#include "tp_run.h"

#include <stdint.h>

#define TP_FEW 6U
#define TP_SHORT 64U /* in a longer vector the few may be too many to be moved */

/* k = floor(S * n + 1/2) in [k_min, n]; the first test also turns a NaN into 0. */
TP_ALWAYS_INLINE uint32_t tp_quota(float ratio, uint32_t n, float s_min, float s_max, float scale,
                                   uint32_t k_min)
{
    const float most = (s_min + (s_max - s_min)) * scale;
    float share = (s_min + (s_max - s_min) * ratio) * scale;
    if (!(share > 0.0f)) {
        share = 0.0f;
    }
    if (!(most <= s_max) && share > s_max) { /* the ratio is at most 1 */
        share = s_max;
    }
    uint32_t k = (uint32_t)(share * (float)n + 0.5f);
    k = k < k_min ? k_min : k;
    return (s_max <= 1.0f && k_min <= n) || k < n ? k : n;
}

/* The largest entries and their magnitudes, the last of them the smallest: those of index TP_FEW - wanted on. They lie in
 * memory, the smallest magnitude alone in a register, since few entries get that far. */
typedef struct tp_few {
    struct {
        uint32_t magnitude;
        float *entry;
    } of[TP_FEW];
} tp_few;

/* None found yet: all of them are at the floor, and where that is does not matter. */
TP_ALWAYS_INLINE void tp_few_begin(tp_few *few, float *delta, uint32_t wanted, uint32_t floor)
{
    for (uint32_t i = TP_FEW - wanted; i < TP_FEW; ++i) {
        few->of[i].magnitude = floor;
        few->of[i].entry = delta; /* moved on before it is taken, so it must have been written */
    }
}

/* The entry goes to place i, unless it is one for the place before: then that one's goes here. */
#define TP_FEW_STAYS(i) \
    if (TP_FEW - wanted >= (i) || magnitude <= few->of[(i) - 1U].magnitude) { \
        few->of[i].magnitude = magnitude; \
        few->of[i].entry = entry; \
        TP_SELDOM; \
        return few->of[TP_FEW - 1U].magnitude; \
    } \
    few->of[i].magnitude = few->of[(i) - 1U].magnitude; \
    few->of[i].entry = few->of[(i) - 1U].entry;

/* Takes in an entry larger than the last, and returns the magnitude of what is the last then. */
TP_ALWAYS_INLINE uint32_t tp_few_enter(tp_few *few, uint32_t wanted, uint32_t magnitude, float *entry)
{
    TP_IN_MEMORY(few);
    TP_FEW_STAYS(5U) TP_FEW_STAYS(4U) TP_FEW_STAYS(3U) TP_FEW_STAYS(2U) TP_FEW_STAYS(1U)
    few->of[0].magnitude = magnitude;
    few->of[0].entry = entry;
    return few->of[TP_FEW - 1U].magnitude;
}

#undef TP_FEW_STAYS

/* Takes in the entry `back` before `next`, if it belongs there. */
#define TP_FEW_SEE(bits, back) \
    if (!TP_OFTEN((bits) << 1 <= last)) { \
        uint32_t seen = (bits); \
        TP_SELDOM; \
        TP_OPAQUE(seen); /* else it would be shifted for all entries */ \
        last = tp_few_enter(few, wanted, seen << 1, delta + (next - delta) - (back)); \
    }

/* Finds the `wanted` largest above the floor, a literal from 1 to TP_FEW; returns the smallest magnitude of them, or the
 * floor where they are fewer. */
TP_ALWAYS_INLINE uint32_t tp_few_largest(tp_few *few, float *delta, uint32_t size, uint32_t wanted, uint32_t floor)
{
    tp_few_begin(few, delta, wanted, floor);
    uint32_t last = floor;
    const float *next = delta;
    TP_ROLLED for (uint32_t left = size / 4U; left != 0U; --left) {
        const tp_pair a = tp_next_pair(&next);
        TP_FEW_SEE(a.first, 2U)
        TP_FEW_SEE(a.second, 1U)
        const tp_pair b = tp_next_pair(&next);
        TP_FEW_SEE(b.first, 2U)
        TP_FEW_SEE(b.second, 1U)
    }
    TP_ROLLED for (uint32_t left = size % 4U; left != 0U; --left) {
        const uint32_t bits = tp_bits_of(*next++);
        TP_FEW_SEE(bits, 1U)
    }
    return last;
}

#undef TP_FEW_SEE

#define TP_FEW_EACH(M) M(5) M(4) M(3) M(2) M(1) M(0)
#define TP_FEW_SAVE(i) \
    float *const entry##i = wanted + (i) >= TP_FEW ? few->of[i].entry : delta; \
    const float value##i = wanted + (i) >= TP_FEW ? *entry##i : 0.0f;
#define TP_FEW_PUT_BACK(i) \
    if (wanted + (i) >= TP_FEW) { \
        *entry##i = value##i; \
    }

/* Zeroes all of delta but the `wanted` that were found. */
TP_ALWAYS_INLINE void tp_few_stay(const tp_few *few, float *delta, uint32_t size, uint32_t wanted)
{
    TP_FEW_EACH(TP_FEW_SAVE)
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left, delta += 8) {
        tp_clear8(delta);
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        *delta = 0.0f;
    }
    TP_FEW_EACH(TP_FEW_PUT_BACK)
}

#undef TP_FEW_EACH
#undef TP_FEW_SAVE
#undef TP_FEW_PUT_BACK

#endif
