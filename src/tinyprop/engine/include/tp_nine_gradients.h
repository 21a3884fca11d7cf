/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients of 3 by 3 taps, padding 1, stride 1 or 2, from rows of deltas: nine running sums of each of up to two output
 * channels on one input channel stay in registers while the window slides along. At stride 1 a step loads one column of
 * three inputs, which serves three positions of both channels. A zero costs as much as any delta.
 *
 * What lies on the padding is known when a row is compiled (edges). Sums: over (oy, ox), ascending.
 */
#ifndef TP_NINE_GRADIENTS_H
#define TP_NINE_GRADIENTS_H

#include "tp_window.h"

/* A column of the window. */
typedef struct tp_column3 {
    float top, centre, bottom;
} tp_column3;

/* at: its centre. */
TP_ALWAYS_INLINE tp_column3 tp_column_at(const float *at, int32_t width, uint32_t edges)
{
    const tp_column3 column = {edges & TP_EDGE_TOP ? 0.0f : at[-width], at[0], edges & TP_EDGE_BOTTOM ? 0.0f : at[width]};
    return column;
}

/* One column of taps, the first at *sum, the others three and six behind it. */
TP_ALWAYS_INLINE void tp_nine_add_column(float *sum, float d, tp_column3 column, uint32_t edges)
{
    if (!(edges & TP_EDGE_TOP)) {
        sum[0] += d * column.top;
    }
    sum[3] += d * column.centre;
    if (!(edges & TP_EDGE_BOTTOM)) {
        sum[6] += d * column.bottom;
    }
}

/* One delta of one channel; edges is a literal. */
TP_ALWAYS_INLINE void tp_nine_add(float sums[9], float d, tp_column3 left, tp_column3 middle, tp_column3 right,
                                  uint32_t edges)
{
    if (!(edges & TP_EDGE_LEFT)) {
        tp_nine_add_column(sums, d, left, edges);
    }
    tp_nine_add_column(sums + 1, d, middle, edges);
    if (!(edges & TP_EDGE_RIGHT)) {
        tp_nine_add_column(sums + 2, d, right, edges);
    }
    TP_COUNT(macs_backward, tp_taps_within(edges));
}

/* One position of `outputs` channels, a literal of 1 or 2. */
TP_ALWAYS_INLINE void tp_nine_step(float sums[18], const float *delta, tp_column3 left, tp_column3 middle, tp_column3 right,
                                   tp_conv2d c, uint32_t edges, uint32_t outputs)
{
    tp_nine_add(sums, delta[0], left, middle, right, edges);
    if (outputs > 1U) {
        tp_nine_add(sums + 9, delta[c.out_height * c.out_width], left, middle, right, edges);
    }
}

/* A row at stride 1. at: the input under the first window's centre; edges, a literal: the borders above and below. */
TP_ALWAYS_INLINE void tp_nine_row_stride_1(float sums[18], const float *delta, const float *at, tp_conv2d c, uint32_t edges,
                                           uint32_t outputs)
{
    const int32_t width = (int32_t)c.in_width;
    const uint32_t between = c.out_width - 2U, rest = between % 3U;
    const float *end = delta + 1 + (between - rest);
    tp_column3 p = tp_column_at(at, width, edges), q = tp_column_at(at + 1, width, edges), r;
    tp_nine_step(sums, delta, p, p, q, c, edges | TP_EDGE_LEFT, outputs);
    ++delta;
    at += 2;
    TP_ROLLED for (; delta != end; delta += 3, at += 3) { /* the columns change places, and none is moved */
        r = tp_column_at(at, width, edges);
        tp_nine_step(sums, delta, p, q, r, c, edges, outputs);
        p = tp_column_at(at + 1, width, edges);
        tp_nine_step(sums, delta + 1, q, r, p, c, edges, outputs);
        q = tp_column_at(at + 2, width, edges);
        tp_nine_step(sums, delta + 2, r, p, q, c, edges, outputs);
    }
    TP_ROLLED for (uint32_t i = 0U; i < rest; ++i, ++delta, ++at) {
        r = tp_column_at(at, width, edges);
        tp_nine_step(sums, delta, p, q, r, c, edges, outputs);
        p = q;
        q = r;
    }
    tp_nine_step(sums, delta, p, q, q, c, edges | TP_EDGE_RIGHT, outputs);
}

/* A row at stride 2. */
TP_ALWAYS_INLINE void tp_nine_row_stride_2(float sums[18], const float *delta, const float *at, tp_conv2d c, uint32_t edges,
                                           uint32_t outputs)
{
    const int32_t width = (int32_t)c.in_width;
    const int on_padding = (c.out_width - 1U) * 2U + 1U == c.in_width;
    const float *end = delta + c.out_width - (on_padding ? 1 : 0);
    tp_column3 middle = tp_column_at(at, width, edges), right = tp_column_at(at + 1, width, edges);
    tp_nine_step(sums, delta, middle, middle, right, c, edges | TP_EDGE_LEFT, outputs);
    TP_ROLLED for (++delta, at += 2; delta != end; ++delta, at += 2) {
        const tp_column3 left = right;
        middle = tp_column_at(at, width, edges);
        right = tp_column_at(at + 1, width, edges);
        tp_nine_step(sums, delta, left, middle, right, c, edges, outputs);
    }
    if (on_padding) {
        middle = tp_column_at(at, width, edges);
        tp_nine_step(sums, delta, right, middle, middle, c, edges | TP_EDGE_RIGHT, outputs);
    }
}

TP_ALWAYS_INLINE void tp_nine_row(float sums[18], const float *delta, const float *at, tp_conv2d c, uint32_t edges,
                                  uint32_t outputs)
{
    if (c.stride_width == 1U) {
        tp_nine_row_stride_1(sums, delta, at, c, edges, outputs);
    } else {
        tp_nine_row_stride_2(sums, delta, at, c, edges, outputs);
    }
}

/* All rows: the gradients of `outputs` output channels, a literal of 1 or 2, on the input channel x, nine each. */
TP_ALWAYS_INLINE void tp_nine_gradients(float sums[18], const float *delta, const float *x, tp_conv2d c, uint32_t outputs)
{
    const uint32_t step = c.stride_height * c.in_width;
    const int on_padding = (c.out_height - 1U) * c.stride_height + 1U == c.in_height;
    const float *end = delta + (c.out_height - (on_padding ? 1U : 0U)) * c.out_width;
    tp_nine_row(sums, delta, x, c, TP_EDGE_TOP, outputs);
    TP_ROLLED for (delta += c.out_width, x += step; delta != end; delta += c.out_width, x += step) {
        tp_nine_row(sums, delta, x, c, 0U, outputs);
    }
    if (on_padding) {
        tp_nine_row(sums, delta, x, c, TP_EDGE_BOTTOM, outputs);
    }
}

#endif
