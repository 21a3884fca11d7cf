/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* y = x where x > 0, else slope x; y may be x. */
TP_KERNEL void tp_leaky_relu_fwd_f32(const float *x, float *y, float slope, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
    }
}
