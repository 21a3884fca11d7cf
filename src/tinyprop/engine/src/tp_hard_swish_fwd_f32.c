/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* y = x times the hard sigmoid of x; y may be x. What it stops is +0, as behind a ReLU, not -0: kernels look for that. */
TP_KERNEL void tp_hard_swish_fwd_f32(const float *x, float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        y[i] = x[i] * tp_ramp(x[i]) + 0.0f;
    }
}
