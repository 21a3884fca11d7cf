/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* y = x, but not below `low` nor above `high`; y may be x. */
TP_KERNEL void tp_clamp_fwd_f32(const float *x, float *y, float low, float high, uint32_t size)
{
    for (uint32_t i = 0U; i < size; ++i) {
        const float raised = x[i] > low ? x[i] : low;
        y[i] = raised < high ? raised : high;
    }
}
