/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* y = a + b; y may be a or b. */
TP_KERNEL void tp_add_f32(const float *a, const float *b, float *y, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        y[i] = a[i] + b[i];
    }
}
