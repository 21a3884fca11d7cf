/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* One bit an element of what left a ReLU, plain or leaky: whether it is above zero. Bit i % 8 of byte i / 8, the rest of
 * the last byte zero. Above zero are the bits 1 … infinity, which an integer compare sees sooner than a float one.
 */
#define TP_RELU_PACK_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define TP_RELU_PACK_BIT(k) \
    if (tp_bits_of(y[i + (k)]) - 1U < 0x7f800000U) { \
        byte |= 1U << (k); \
    }

TP_KERNEL void tp_relu_pack_f32(const float *y, uint8_t *mask, uint32_t size)
{
    uint32_t i = 0U;
    TP_ROLLED for (; i + 8U <= size; i += 8U) {
        uint32_t byte = 0U;
        TP_RELU_PACK_EACH(TP_RELU_PACK_BIT)
        *mask++ = (uint8_t)byte;
    }
    if (i < size) {
        uint32_t byte = 0U;
        TP_ROLLED for (uint32_t k = 0U; i + k < size; ++k) {
            TP_RELU_PACK_BIT(k)
        }
        *mask = (uint8_t)byte;
    }
}

#undef TP_RELU_PACK_EACH
#undef TP_RELU_PACK_BIT
