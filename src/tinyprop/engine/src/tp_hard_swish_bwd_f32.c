/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error *= 0 up to x = -3, 1 from x = 3, x / 3 + 1/2 between; in place. */
TP_KERNEL void tp_hard_swish_bwd_f32(float *error, const float *x, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        if (x[i] <= -3.0f) {
            error[i] = 0.0f;
        } else if (x[i] < 3.0f) {
            error[i] = error[i] * (x[i] * TP_THIRD + 0.5f);
        }
    }
}
