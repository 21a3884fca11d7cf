/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error *= slope wherever the output y is not above zero, in place; y has the sign of x, as no slope is negative. */
TP_KERNEL void tp_leaky_relu_bwd_f32(float *error, const float *y, float slope, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        if (!(y[i] > 0.0f)) {
            error[i] = slope * error[i];
        }
    }
}
