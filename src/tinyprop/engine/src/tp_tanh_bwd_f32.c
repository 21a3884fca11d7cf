/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error *= 1 - y^2, in place. */
TP_KERNEL void tp_tanh_bwd_f32(float *error, const float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        error[i] = error[i] * (1.0f - y[i] * y[i]);
    }
}
