/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* One bit an element of what left a clamp: whether it lies inside the bounds, where errors pass. Bit i % 8 of byte i / 8,
 * the rest of the last byte zero. What is not inside is a bound itself, bit for bit, so integers are compared.
 */
#define TP_CLAMP_PACK_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define TP_CLAMP_PACK_BIT(k) \
    { \
        const uint32_t bits = tp_bits_of(y[i + (k)]); \
        if (bits != lowest && bits != highest) { \
            byte |= 1U << (k); \
        } \
    }

TP_KERNEL void tp_clamp_pack_f32(const float *y, uint8_t *mask, float low, float high, uint32_t size)
{
    const uint32_t lowest = tp_bits_of(low), highest = tp_bits_of(high);
    uint32_t i = 0U;
    TP_ROLLED for (; i + 8U <= size; i += 8U) {
        uint32_t byte = 0U;
        TP_CLAMP_PACK_EACH(TP_CLAMP_PACK_BIT)
        *mask++ = (uint8_t)byte;
    }
    if (i < size) {
        uint32_t byte = 0U;
        TP_ROLLED for (uint32_t k = 0U; i + k < size; ++k) {
            TP_CLAMP_PACK_BIT(k)
        }
        *mask = (uint8_t)byte;
    }
}

#undef TP_CLAMP_PACK_EACH
#undef TP_CLAMP_PACK_BIT
