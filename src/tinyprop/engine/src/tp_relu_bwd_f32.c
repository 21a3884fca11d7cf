/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Zeroes the error wherever the ReLU's output y was zero, in place. */
TP_KERNEL void tp_relu_bwd_f32(float *error, const float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        if (!(y[i] > 0.0f)) {
            error[i] = 0.0f;
        }
    }
}
