/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* The error of tp_dense_bwd_f32 alone, for a frozen layer with something that trains below it; overwrites x. */
TP_KERNEL void tp_dense_error_f32(float *x, const float *delta, const float *weight, uint32_t inputs,
                                  uint32_t outputs, int mask_input, int skip_zeros)
{
    const float *row = weight;
    for (uint32_t i = 0U; i < inputs; ++i, row += outputs) {
        float e = 0.0f;
        if (mask_input && skip_zeros && x[i] == 0.0f) {
            continue;
        }
        for (uint32_t j = 0U; j < outputs; ++j) {
            e += row[j] * delta[j];
        }
        x[i] = mask_input && !(x[i] > 0.0f) ? 0.0f : e;
        TP_COUNT(macs_backward, outputs);
    }
}
