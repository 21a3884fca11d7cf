/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* One pass over each weight row sends the error down and updates the row:
 *
 *     error[i]       = sum over kept j, ascending, of weight[i][j] * delta[j]      (weights before the update)
 *     weight[i][j]  -= (rate * x[i]) * delta[j]
 *     bias[j]       -= rate * delta[j]
 *
 * The error overwrites x: a row's input is read before its error is written. With mask_input x left a ReLU, a zero
 * input is dead, and its row needs neither error nor update. Few kept deltas run as a list of columns, many as a row.
 */
#define TP_DENSE_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_DENSE_LOAD(j) const float d##j = width > (j) ? delta[j] : 0.0f;
#define TP_DENSE_FUSED(j) \
    if (width > (j)) { \
        float w = row[j]; \
        e += w * d##j; \
        row[j] = w - step * d##j; \
    }

#define TP_DENSE_BIAS(j) \
    if (width > (j)) { \
        bias[j] -= rate * d##j; \
    }

/* All columns, their deltas in registers; width = outputs, a literal of at most 16. */
TP_ALWAYS_INLINE void tp_dense_bwd_f32_registers(float *x, const float *delta, float *weight, float *bias,
                                                 float rate, uint32_t inputs, uint32_t width, int mask_input,
                                                 int skip_zeros)
{
    TP_DENSE_EACH(TP_DENSE_LOAD)
    if (bias != NULL) {
        TP_DENSE_EACH(TP_DENSE_BIAS)
    }
    float *row = weight;
    for (uint32_t i = 0U; i < inputs; ++i, row += width) {
        float xi = x[i];
        if (mask_input && skip_zeros && xi == 0.0f) {
            continue;
        }
        float step = rate * xi;
        float e = 0.0f;
        TP_DENSE_EACH(TP_DENSE_FUSED)
        x[i] = mask_input && !skip_zeros && !(xi > 0.0f) ? 0.0f : e; /* skipped: already a zero */
        TP_COUNT(macs_backward, 2U * width);
    }
}

#undef TP_DENSE_LOAD
#undef TP_DENSE_FUSED
#undef TP_DENSE_BIAS

/* Any number of columns, all of them or those of a list. */
TP_ALWAYS_INLINE void tp_dense_bwd_f32_memory(float *x, const float *delta, const tp_index *columns, float *weight,
                                              float rate, uint32_t inputs, uint32_t outputs, uint32_t kept,
                                              int mask_input, int skip_zeros)
{
    float *row = weight;
    for (uint32_t i = 0U; i < inputs; ++i, row += outputs) {
        float xi = x[i];
        if (mask_input && skip_zeros && xi == 0.0f) {
            continue;
        }
        float step = rate * xi;
        float e = 0.0f;
        for (uint32_t k = 0U; k < kept; ++k) {
            float *w = &row[columns != NULL ? columns[k] : k];
            float before = *w;
            e += before * delta[k];
            *w = before - step * delta[k];
        }
        x[i] = mask_input && !skip_zeros && !(xi > 0.0f) ? 0.0f : e; /* skipped: already a zero */
        TP_COUNT(macs_backward, 2U * kept);
    }
}

/* kept: non-zeros of delta (outputs: treat all as such). columns: room for `outputs` indices; delta may be compacted.
 * bias may be NULL.
 */
TP_KERNEL void tp_dense_bwd_f32(float *x, float *delta, float *weight, float *bias, tp_index *columns, float rate,
                                uint32_t inputs, uint32_t outputs, uint32_t kept, int mask_input, int skip_zeros)
{
    if (tp_list_pays(kept, outputs)) {
        kept = tp_compact_f32(delta, columns, outputs);
        tp_update_bias_f32(bias, delta, columns, rate, kept);
        tp_dense_bwd_f32_memory(x, delta, columns, weight, rate, inputs, outputs, kept, mask_input, skip_zeros);
        return;
    }
    if (TP_INLINE_KERNELS && outputs <= 16U) {
        tp_dense_bwd_f32_registers(x, delta, weight, bias, rate, inputs, outputs, mask_input, skip_zeros);
    } else {
        tp_update_bias_f32(bias, delta, NULL, rate, outputs);
        tp_dense_bwd_f32_memory(x, delta, NULL, weight, rate, inputs, outputs, outputs, mask_input, skip_zeros);
    }
}
