/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_TERM(i) error += w.v[i] * d.v[i];

/* The error of tp_dense_bwd_f32 alone, for a frozen layer with something that trains below it; overwrites x. */
TP_KERNEL void tp_dense_error_f32(float *x, const float *delta, const float *weight, uint32_t inputs,
                                  uint32_t outputs, int mask_input, int skip_zeros)
{
    const uint32_t eights = outputs & ~7U;
    const float *row = weight;
    for (uint32_t i = 0U; i < inputs; ++i, row += outputs) {
        if (mask_input && skip_zeros && tp_is_plus_zero(x[i])) {
            continue;
        }
        float error = 0.0f;
        TP_ROLLED for (uint32_t j = 0U; j < eights; j += 8U) {
            const tp_run8 d = tp_load8_beside(delta + j);
            const tp_run8 w = tp_load8(row + j);
            TP_TERM(0) TP_TERM(1) TP_TERM(2) TP_TERM(3) TP_TERM(4) TP_TERM(5) TP_TERM(6) TP_TERM(7)
        }
        for (uint32_t j = eights; j < outputs; ++j) {
            error += row[j] * delta[j];
        }
        x[i] = mask_input && !(x[i] > 0.0f) ? 0.0f : error;
        TP_COUNT(macs_backward, outputs);
    }
}

#undef TP_TERM
