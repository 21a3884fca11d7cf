/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error *= y (1 - y), in place. */
TP_KERNEL void tp_sigmoid_bwd_f32(float *error, const float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        error[i] = error[i] * (y[i] * (1.0f - y[i]));
    }
}
