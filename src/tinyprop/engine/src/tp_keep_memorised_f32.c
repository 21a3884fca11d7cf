/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_few_largest.h"
#include "tp_kernels.h"

#define TP_LARGEST 0x1.fffffep+127f /* of float32 */

/* Adds what is remembered to an entry, `back` before `next`, that is not zero, and remembers a share of the sum, as if it
 * were not kept. Where that is all of it, the sum need not be in delta as well. */
#define TP_REMEMBER(bits, back) \
    if ((bits) << 1 != 0U) { \
        const float sum = tp_float_of(bits) + *(memory - (back)); \
        *(memory - (back)) = share * sum; \
        if (share != 1.0f) { \
            *(delta + (next - delta) - (back)) = sum; \
        } \
        uint32_t seen = tp_bits_of(sum); \
        if (!TP_OFTEN(seen << 1 <= last)) { \
            TP_SELDOM; \
            TP_OPAQUE(seen); \
            last = tp_few_enter(&few, k, seen << 1, delta + (next - delta) - (back)); \
        } \
    }

/* The sums of delta and residual are left in both, or in residual alone where share is 1. Keeps the k largest of them, at
 * most TP_FEW, and returns k. Where not so many are not zero, or all might add up to more than float32 holds, none is left
 * out, and 0 returned. */
TP_ALWAYS_INLINE uint32_t keep_memorised_few(float *delta, uint32_t size, uint32_t k, float share, float *residual)
{
    tp_few few;
    tp_few_begin(&few, delta, k, 0U);
    uint32_t last = 0U;
    const float *next = delta;
    float *memory = residual;
    TP_ROLLED for (uint32_t left = size / 2U; left != 0U; --left) {
        const tp_pair bits = tp_next_pair(&next);
        memory += 2;
        TP_REMEMBER(bits.first, 2)
        TP_REMEMBER(bits.second, 1)
    }
    if (size % 2U != 0U) {
        const uint32_t bits = tp_bits_of(*next++);
        ++memory;
        TP_REMEMBER(bits, 1)
    }
    if (last == 0U || few.of[TP_FEW - k].magnitude >= tp_bits_of(TP_LARGEST / (float)size) << 1) {
        return 0U;
    }
    for (uint32_t i = TP_FEW - k; i < TP_FEW; ++i) {
        float *memory_of = residual + (few.of[i].entry - delta);
        if (share == 1.0f) {
            *few.of[i].entry = *memory_of;
        }
        *memory_of = 0.0f;
    }
    tp_few_stay(&few, delta, size, k);
    return k;
}

#undef TP_REMEMBER

#define TP_ADD(bits, i) \
    if ((bits) << 1 != 0U) { \
        const float sum = tp_float_of(bits) + memory[i]; \
        memory[i] = share * sum; \
        entry[i] = sum; \
        TP_SELDOM; \
    }
#define TP_FORGET(bits, i) \
    if (!TP_OFTEN((bits) << 1 == 0U)) { \
        memory[i] = 0.0f; \
        TP_SELDOM; \
    }

/* Calls M for all entries, with their bits and their index from `entry` and `memory`, which are advanced. */
#define TP_ALL(M) \
    { \
        TP_ROLLED for (uint32_t left = size / 4U; left != 0U; --left, entry += 4, memory += 4) { \
            const float *next = entry; \
            const tp_pair a = tp_next_pair(&next), b = tp_next_pair(&next); \
            M(a.first, 0) M(a.second, 1) M(b.first, 2) M(b.second, 3) \
        } \
        TP_ROLLED for (uint32_t left = size % 4U; left != 0U; --left, ++entry, ++memory) { \
            M(tp_bits_of(*entry), 0) \
        } \
    }

/* The sums of delta and residual are left in delta, a share of them in residual. */
TP_NOINLINE void keep_memorised_add(float *entry, uint32_t size, float share, float *memory)
{
    TP_ALL(TP_ADD)
}

/* What is still in delta is not to be remembered. */
TP_NOINLINE void keep_memorised_forget(const float *entry, uint32_t size, float *memory)
{
    TP_ALL(TP_FORGET)
}

#undef TP_ADD
#undef TP_FORGET
#undef TP_ALL

/* Adds residual[size] to what of delta is not zero, zeroes all but the k largest, k = ratio * n + 1/2 and at least one, as
 * tp_keep_ratio_f32 does, and returns how many are kept. Of those that are not, `share` is in residual afterwards; of those
 * that are, zero. Where delta was zero residual stays as it was. What is not finite is forgotten. */
TP_KERNEL uint32_t tp_keep_memorised_f32(float *delta, uint32_t size, uint32_t n, float ratio, float share,
                                         float *residual, const uint8_t *argmax, uint32_t row, uint32_t pool_height,
                                         uint32_t pool_width, int packed)
{
    const uint32_t k = tp_quota(0.0f, n, ratio, ratio, 1.0f, 1U);
    TP_COUNT(looks, size);
    if (size <= TP_SHORT && n == size && k <= TP_FEW && tp_selection_pays(k, size)) {
        const uint32_t few = keep_memorised_few(delta, size, k, share, residual);
        if (few != 0U) {
            return few;
        }
        TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
            if (share == 1.0f && tp_magnitude_bits(delta[i]) != 0U) {
                delta[i] = residual[i];
            }
        }
    } else {
        keep_memorised_add(delta, size, share, residual);
    }
    tp_layer_state largest_sum = {0.0f}; /* the share is fixed, but whether it is finite tells if all of delta is */
    const uint32_t kept = tp_keep_ratio_f32(delta, size, n, ratio, ratio, 1.0f, 1U, &largest_sum, argmax, row,
                                            pool_height, pool_width, packed);
    TP_COUNT(looks, size);
    keep_memorised_forget(delta, size, residual);
    if (!(largest_sum.y_max > 0.0f && tp_bits_of(largest_sum.y_max) < TP_BITS_INF)) {
        TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
            residual[i] = tp_magnitude_bits(residual[i]) < TP_BITS_INF ? residual[i] : 0.0f;
        }
    }
    return kept;
}
