/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error /= 6 on the slope, 0 where the output y is 0 or 1; in place. */
TP_KERNEL void tp_hard_sigmoid_bwd_f32(float *error, const float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        error[i] = y[i] > 0.0f && y[i] < 1.0f ? error[i] * TP_SIXTH : 0.0f;
    }
}
