/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error *= slope wherever the bit of tp_relu_pack_f32 is not set, in place. */
TP_KERNEL void tp_leaky_relu_bwd_f32_packed(float *error, const uint8_t *mask, float slope, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        if (!tp_mask_bit(mask, i)) {
            error[i] = slope * error[i];
        }
    }
}
