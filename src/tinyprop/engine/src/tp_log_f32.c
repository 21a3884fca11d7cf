/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* x[size] = ln(x + offset) * scale, in place. */
TP_KERNEL void tp_log_f32(float *x, float offset, float scale, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        x[i] = tp_logf(x[i] + offset) * scale;
    }
}
