/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Zeroes the error wherever the bit of tp_relu_pack_f32 or tp_clamp_pack_f32 is not set, in place. */
#define TP_RELU_PACKED_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define TP_RELU_PACKED_ONE(k) \
    if ((byte & 1U << (k)) == 0U) { \
        error[i + (k)] = 0.0f; \
    }

TP_KERNEL void tp_relu_bwd_f32_packed(float *error, const uint8_t *mask, uint32_t size)
{
    uint32_t i = 0U;
    TP_ROLLED for (; i + 8U <= size; i += 8U) {
        const uint32_t byte = *mask++;
        TP_RELU_PACKED_EACH(TP_RELU_PACKED_ONE)
    }
    if (i < size) {
        const uint32_t byte = *mask;
        TP_ROLLED for (uint32_t k = 0U; i + k < size; ++k) {
            TP_RELU_PACKED_ONE(k)
        }
    }
}

#undef TP_RELU_PACKED_EACH
#undef TP_RELU_PACKED_ONE
