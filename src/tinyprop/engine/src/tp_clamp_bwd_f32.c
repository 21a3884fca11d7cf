/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Zeroes the error wherever the output y is at one of its bounds, in place. */
TP_KERNEL void tp_clamp_bwd_f32(float *error, const float *y, float low, float high, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        if (!(y[i] > low && y[i] < high)) {
            error[i] = 0.0f;
        }
    }
}
