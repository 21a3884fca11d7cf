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
#define TP_SEND(i) error += w.v[i] * d[i];
#define TP_LEARN(i) w.v[i] -= step * d[i];

/* One row with deltas in registers, in the runs that make up the binary number `width`, a literal of at most 16. */
TP_ALWAYS_INLINE float dense_bwd_row(float *row, float step, const float d[16], uint32_t width)
{
    float error = 0.0f;
    for (uint32_t left = width & 24U; left != 0U; left -= 8U, d += 8) {
        tp_run8 w = tp_load8(row);
        TP_SEND(0) TP_SEND(1) TP_SEND(2) TP_SEND(3) TP_SEND(4) TP_SEND(5) TP_SEND(6) TP_SEND(7)
        TP_SETTLE(error);
        TP_LEARN(0) TP_LEARN(1) TP_LEARN(2) TP_LEARN(3) TP_LEARN(4) TP_LEARN(5) TP_LEARN(6) TP_LEARN(7)
        row = tp_store8(row, w);
    }
    if ((width & 4U) != 0U) {
        tp_run4 w = tp_load4(row);
        TP_SEND(0) TP_SEND(1) TP_SEND(2) TP_SEND(3)
        TP_SETTLE(error);
        TP_LEARN(0) TP_LEARN(1) TP_LEARN(2) TP_LEARN(3)
        row = tp_store4(row, w);
        d += 4;
    }
    if ((width & 2U) != 0U) {
        tp_run2 w = tp_load2(row);
        TP_SEND(0) TP_SEND(1)
        TP_SETTLE(error);
        TP_LEARN(0) TP_LEARN(1)
        row = tp_store2(row, w);
        d += 2;
    }
    if ((width & 1U) != 0U) {
        error += *row * *d;
        TP_SETTLE(error);
        *row -= step * *d;
    }
    return error;
}

#undef TP_SEND
#undef TP_LEARN
#define TP_SEND(i) error += w.v[i] * d.v[i];
#define TP_LEARN(i) w.v[i] -= step * d.v[i];

/* One row of any width. */
TP_ALWAYS_INLINE float dense_bwd_long_row(float *row, float step, const float *delta, uint32_t outputs)
{
    float error = 0.0f;
    const float *end = row + outputs;
    TP_ROLLED for (uint32_t left = outputs / 8U; left != 0U; --left, delta += 8) {
        const tp_run8 d = tp_load8_beside(delta);
        tp_run8 w = tp_load8(row);
        TP_SEND(0) TP_SEND(1) TP_SEND(2) TP_SEND(3) TP_SEND(4) TP_SEND(5) TP_SEND(6) TP_SEND(7)
        TP_SETTLE(error);
        TP_LEARN(0) TP_LEARN(1) TP_LEARN(2) TP_LEARN(3) TP_LEARN(4) TP_LEARN(5) TP_LEARN(6) TP_LEARN(7)
        row = tp_store8(row, w);
    }
    TP_ROLLED for (; row != end; ++row, ++delta) {
        error += *row * *delta;
        *row -= step * *delta;
    }
    return error;
}

#undef TP_SEND
#undef TP_LEARN

/* One row, the columns of a list: `width` of them, a literal of at most 8. */
TP_ALWAYS_INLINE float dense_bwd_short(float *row, float step, const float d[8], const uint32_t columns[8],
                                       uint32_t width)
{
    float error = 0.0f;
    for (uint32_t k = 0U; k < width; ++k) {
        float *w = &row[columns[k]];
        const float before = *w;
        error += before * d[k];
        *w = before - step * d[k];
    }
    return error;
}

/* One row, all columns of a list. */
TP_ALWAYS_INLINE float dense_bwd_listed(float *row, float step, const float *delta, const tp_index *columns,
                                        uint32_t kept)
{
    float error = 0.0f;
    for (uint32_t k = 0U; k < kept; ++k) {
        float *w = &row[columns[k]];
        const float before = *w;
        error += before * delta[k];
        *w = before - step * delta[k];
    }
    return error;
}

/* For all rows that are not left out: x[i] = what `of_row`, which may use row and step, makes of it. */
#define TP_ROWS(of_row, width) \
    { \
        float *row = weight; \
        for (uint32_t i = 0U; i < inputs; ++i, row += outputs) { \
            const float xi = x[i]; \
            if (mask_input && skip_zeros && tp_is_plus_zero(xi)) { \
                continue; \
            } \
            const float step = rate * xi; \
            const float error_here = (of_row); \
            x[i] = mask_input && !skip_zeros && !(xi > 0.0f) ? 0.0f : error_here; /* skipped: already a zero */ \
            TP_COUNT(macs_backward, 2U * (width)); \
        } \
    }

#define TP_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_LOAD(j) d[j] = outputs > (j) ? delta[j] : 0.0f;

/* All columns; outputs is a literal of at most 16 in an inlined kernel. */
TP_ALWAYS_INLINE void dense_bwd_all(float *x, const float *delta, float *weight, float rate, uint32_t inputs,
                                    uint32_t outputs, int mask_input, int skip_zeros)
{
    if (TP_INLINE_KERNELS && outputs <= 16U) {
        float d[16];
        TP_EACH(TP_LOAD)
        TP_ROWS(dense_bwd_row(row, step, d, outputs), outputs)
    } else {
        TP_ROWS(dense_bwd_long_row(row, step, delta, outputs), outputs)
    }
}

#undef TP_EACH
#undef TP_LOAD

/* `width` columns of a list, a literal of at most 8: all of them. */
TP_ALWAYS_INLINE void dense_bwd_few(float *x, const float *delta, const tp_index *columns, float *weight, float rate,
                                    uint32_t inputs, uint32_t outputs, int mask_input, int skip_zeros, uint32_t width)
{
    float d[8];
    uint32_t c[8];
    for (uint32_t k = 0U; k < 8U; ++k) {
        d[k] = k < width ? delta[k] : 0.0f;
        c[k] = k < width ? columns[k] : 0U;
    }
    TP_ROWS(dense_bwd_short(row, step, d, c, width), width)
}

#define TP_FEW(n) \
    case n: \
        dense_bwd_few(x, delta, columns, weight, rate, inputs, outputs, mask_input, skip_zeros, n); \
        break;

/* kept: non-zeros of delta (outputs: treat all as such). columns: room for `outputs` indices; delta may be compacted.
 * bias may be NULL.
 */
TP_KERNEL void tp_dense_bwd_f32(float *x, float *delta, float *weight, float *bias, tp_index *columns, float rate,
                                uint32_t inputs, uint32_t outputs, uint32_t kept, int mask_input, int skip_zeros)
{
    if (!tp_columns_pay(kept, outputs) && !(TP_INLINE_KERNELS && kept <= 8U && kept <= outputs / 2U)) {
        tp_update_bias_f32(bias, delta, NULL, rate, outputs);
        dense_bwd_all(x, delta, weight, rate, inputs, outputs, mask_input, skip_zeros);
        return;
    }
    kept = tp_compact_f32(delta, columns, outputs);
    tp_update_bias_f32(bias, delta, columns, rate, kept);
    switch (TP_INLINE_KERNELS ? kept : 9U) {
        TP_FEW(0) TP_FEW(1) TP_FEW(2) TP_FEW(3) TP_FEW(4) TP_FEW(5) TP_FEW(6) TP_FEW(7) TP_FEW(8)
    default:
        TP_ROWS(dense_bwd_listed(row, step, delta, columns, kept), kept)
        break;
    }
}

#undef TP_FEW
#undef TP_ROWS
