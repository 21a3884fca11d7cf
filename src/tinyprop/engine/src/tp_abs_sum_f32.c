/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Y, the sum of |delta|, in ascending order. Serves the decision to skip, not selection: no looks are counted. */
TP_KERNEL float tp_abs_sum_f32(const float *delta, uint32_t size)
{
    float sum = 0.0f;
    for (uint32_t i = 0U; i < size; ++i) {
        sum += delta[i] < 0.0f ? -delta[i] : delta[i];
    }
    return sum;
}
