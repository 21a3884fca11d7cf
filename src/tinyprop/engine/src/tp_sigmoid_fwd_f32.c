/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* y = 1 / (1 + e^-x); y may be x. */
TP_KERNEL void tp_sigmoid_fwd_f32(const float *x, float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        y[i] = tp_sigmoidf(x[i]);
    }
}
