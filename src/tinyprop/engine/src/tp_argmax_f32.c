/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_MANY 32U /* with an FPU: in fewer values a comparison of floats costs less than a second way of comparing */
#define TP_SEE(bits, back) \
    if (!TP_OFTEN((int32_t)(bits) <= largest)) { \
        largest = (int32_t)(bits); \
        best = (uint32_t)(next - x) - (back); \
        TP_SELDOM; \
    }

/* Index of the largest of the bits read as an integer, where that is the largest value, else size: where none is positive,
 * or one is NaN. Positive numbers order alike either way, and an integer is compared sooner. */
TP_ALWAYS_INLINE uint32_t argmax_positive(const float *x, uint32_t size)
{
    uint32_t best = size;
    int32_t largest = 0;
    const float *next = x;
    TP_ROLLED for (uint32_t left = size / 4U; left != 0U; --left) {
        const tp_pair a = tp_next_pair(&next);
        TP_SEE(a.first, 2U) TP_SEE(a.second, 1U)
        const tp_pair b = tp_next_pair(&next);
        TP_SEE(b.first, 2U) TP_SEE(b.second, 1U)
    }
    TP_ROLLED for (uint32_t left = size % 4U; left != 0U; --left) {
        const uint32_t bits = tp_bits_of(*next++);
        TP_SEE(bits, 1U)
    }
    return (uint32_t)largest <= TP_BITS_INF ? best : size;
}

#undef TP_SEE

/* Index of the largest value; the lower index wins a tie. */
TP_KERNEL uint32_t tp_argmax_f32(const float *x, uint32_t size)
{
    if (!TP_BLOCK_TRANSFER || size >= TP_MANY) {
        const uint32_t found = argmax_positive(x, size);
        if (found < size) {
            return found;
        }
    }
    uint32_t best = 0U;
    float largest = x[0];
    for (uint32_t i = 1U; i < size; ++i) {
        if (x[i] > largest) {
            largest = x[i];
            best = i;
        }
    }
    return best;
}
