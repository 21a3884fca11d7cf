/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* The update of tp_dense_bwd_f32 alone, for the lowest layer that trains: nobody needs the error below it.
 * Columns run in groups whose deltas stay in registers while the inputs pass by, four a turn; a zero input costs one
 * test.
 */
#define TP_LEARN(i) \
    w.v[i] -= step * deltas[i]; \
    TP_SETTLE(w.v[i]);

/* The `width` weights of a row, in the runs that make up the binary number `width`, a literal; returns what lies behind. */
TP_ALWAYS_INLINE float * dense_update_row(float *row, float step, const float deltas[16], uint32_t width)
{
    for (uint32_t left = width & 24U; left != 0U; left -= 8U, deltas += 8) {
        tp_run8 w = tp_load8(row);
        TP_LEARN(0) TP_LEARN(1) TP_LEARN(2) TP_LEARN(3) TP_LEARN(4) TP_LEARN(5) TP_LEARN(6) TP_LEARN(7)
        row = tp_store8(row, w);
    }
    if ((width & 4U) != 0U) {
        tp_run4 w = tp_load4(row);
        TP_LEARN(0) TP_LEARN(1) TP_LEARN(2) TP_LEARN(3)
        row = tp_store4(row, w);
        deltas += 4;
    }
    if ((width & 2U) != 0U) {
        tp_run2 w = tp_load2(row);
        TP_LEARN(0) TP_LEARN(1)
        row = tp_store2(row, w);
        deltas += 2;
    }
    if ((width & 1U) != 0U) {
        *row -= step * *deltas;
        ++row;
    }
    return row;
}

#undef TP_LEARN

#define TP_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_LOAD(j) deltas[j] = width > (j) ? delta[j] : 0.0f;
#define TP_BIAS(j) \
    if (width > (j)) { \
        bias[j] -= rate * deltas[j]; \
    }
#define TP_ROW(input, bits) \
    if (TP_OFTEN(!skip_zeros || (bits) != 0U)) { \
        row = dense_update_row(row, rate * (input), deltas, width) + (outputs - width); \
        TP_COUNT(macs_backward, width); \
    } else { \
        row += outputs; \
    }

/* `width` neighbouring columns, a literal of at most 16. */
TP_ALWAYS_INLINE void dense_update_block(const float *x, const float *delta, float *weight, float *bias, float rate,
                                         uint32_t inputs, uint32_t outputs, int skip_zeros, uint32_t width)
{
    float deltas[16];
    TP_EACH(TP_LOAD)
    if (bias != NULL) {
        TP_EACH(TP_BIAS)
    }
    float *row = weight;
    const float *bits = x;
    TP_ROLLED for (uint32_t left = inputs / 4U; left != 0U; --left) {
        tp_pair a = {1U, 1U}, b = {1U, 1U};
        if (skip_zeros) {
            a = tp_next_pair(&bits);
            b = tp_next_pair(&bits);
        }
        const tp_run4 in = tp_next4_beside(&x);
        TP_ROW(in.v[0], a.first) TP_ROW(in.v[1], a.second) TP_ROW(in.v[2], b.first) TP_ROW(in.v[3], b.second)
    }
    TP_ROLLED for (uint32_t left = inputs % 4U; left != 0U; --left, ++x) {
        TP_ROW(*x, tp_bits_of(*x))
    }
}

#undef TP_EACH
#undef TP_LOAD
#undef TP_BIAS
#undef TP_ROW

/* `width` columns of a list, a literal of at most 4. */
TP_ALWAYS_INLINE void dense_update_columns(const float *x, const float *delta, const tp_index *columns, float *weight,
                                           float rate, uint32_t inputs, uint32_t outputs, int skip_zeros,
                                           uint32_t width)
{
    const float d0 = delta[0], d1 = width > 1U ? delta[1] : 0.0f;
    const float d2 = width > 2U ? delta[2] : 0.0f, d3 = width > 3U ? delta[3] : 0.0f;
    const uint32_t c0 = columns[0], c1 = width > 1U ? columns[1] : 0U;
    const uint32_t c2 = width > 2U ? columns[2] : 0U, c3 = width > 3U ? columns[3] : 0U;
    float *row = weight;
    for (uint32_t i = 0U; i < inputs; ++i, row += outputs) {
        const float xi = x[i];
        if (skip_zeros && tp_is_plus_zero(xi)) {
            continue;
        }
        const float step = rate * xi;
        row[c0] -= step * d0;
        if (width > 1U) {
            row[c1] -= step * d1;
        }
        if (width > 2U) {
            row[c2] -= step * d2;
        }
        if (width > 3U) {
            row[c3] -= step * d3;
        }
        TP_COUNT(macs_backward, width);
    }
}

/* Whether no input is zero, so that there is no row to leave out. */
TP_ALWAYS_INLINE int dense_update_is_full(const float *x, uint32_t inputs)
{
    TP_ROLLED for (uint32_t i = 0U; i < inputs; ++i) {
        if (tp_is_plus_zero(x[i])) {
            return 0;
        }
    }
    return 1;
}

#define TP_STEP(i) const float step##i = rate * in.v[i];
#define TP_LEARN(i) w[(i) * outputs] -= step##i * d;

/* All columns of a list that has some. Eight rows at a time, whose steps stay in registers while the columns pass by: one address per
 * column serves them all. */
TP_ALWAYS_INLINE void dense_update_listed(const float *x, const float *delta, const tp_index *columns, float *weight,
                                          float rate, uint32_t inputs, uint32_t outputs, uint32_t kept)
{
    float *row = weight;
    TP_ROLLED for (uint32_t left = inputs / 8U; left != 0U; --left, row += 8U * outputs, x += 8) {
        const tp_run8 in = tp_load8(x);
        TP_STEP(0) TP_STEP(1) TP_STEP(2) TP_STEP(3) TP_STEP(4) TP_STEP(5) TP_STEP(6) TP_STEP(7)
        uint32_t k = 0U;
        do {
            float *w = &row[columns[k]];
            const float d = delta[k];
            TP_LEARN(0) TP_LEARN(1) TP_LEARN(2) TP_LEARN(3) TP_LEARN(4) TP_LEARN(5) TP_LEARN(6) TP_LEARN(7)
        } while (++k < kept);
    }
    TP_ROLLED for (uint32_t left = inputs % 8U; left != 0U; --left, row += outputs, ++x) {
        const float step = rate * *x;
        TP_ROLLED for (uint32_t k = 0U; k < kept; ++k) {
            row[columns[k]] -= step * delta[k];
        }
    }
    TP_COUNT(macs_backward, inputs * kept);
}

#undef TP_STEP
#undef TP_LEARN

/* Arguments as in tp_dense_bwd_f32. */
TP_KERNEL void tp_dense_update_f32(const float *x, float *delta, float *weight, float *bias, tp_index *columns,
                                   float rate, uint32_t inputs, uint32_t outputs, uint32_t kept, int skip_zeros)
{
    uint32_t j = 0U;
    const int by_rows = TP_INLINE_KERNELS && tp_selection_pays(kept, outputs) && (!skip_zeros || dense_update_is_full(x, inputs));
    if (by_rows || tp_columns_pay(kept, outputs)) {
        kept = tp_compact_f32(delta, columns, outputs);
        tp_update_bias_f32(bias, delta, columns, rate, kept);
        if (by_rows && kept > 0U) {
            dense_update_listed(x, delta, columns, weight, rate, inputs, outputs, kept);
            return;
        }
        for (; j + 4U <= kept; j += 4U) {
            dense_update_columns(x, delta + j, columns + j, weight, rate, inputs, outputs, skip_zeros, 4U);
        }
        if (kept - j == 3U) {
            dense_update_columns(x, delta + j, columns + j, weight, rate, inputs, outputs, skip_zeros, 3U);
        } else if (kept - j == 2U) {
            dense_update_columns(x, delta + j, columns + j, weight, rate, inputs, outputs, skip_zeros, 2U);
        } else if (kept - j == 1U) {
            dense_update_columns(x, delta + j, columns + j, weight, rate, inputs, outputs, skip_zeros, 1U);
        }
        return;
    }
    const uint32_t block = TP_INLINE_KERNELS ? 16U : 8U;
    const uint32_t rest = TP_INLINE_KERNELS ? outputs % 16U : 1U; /* a literal either way */
    for (; j + block <= outputs; j += block) {
        dense_update_block(x, delta + j, weight + j, bias != NULL ? bias + j : NULL, rate, inputs, outputs, skip_zeros,
                           block);
    }
    if (rest != 0U) {
        for (; j < outputs; j += rest) {
            dense_update_block(x, delta + j, weight + j, bias != NULL ? bias + j : NULL, rate, inputs, outputs,
                               skip_zeros, rest);
        }
    }
}
