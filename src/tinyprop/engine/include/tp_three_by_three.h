/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a convolution of 3 by 3 taps, padding 1, stride 1 or 2: what ordinary and depthwise kernels share.
 *
 * Up to eight neighbouring outputs of one row (four at stride 2), of up to two channels, stay in registers while their
 * windows pass by: a line of inputs, loaded once, serves three taps of both channels. Taps on the padding are left out:
 * rows beyond the border are not visited, columns beyond it are known when the block is compiled (left, right).
 *
 * Sums: bias, then (ci, ky, kx) ascending.
 */
#ifndef TP_THREE_BY_THREE_H
#define TP_THREE_BY_THREE_H

#include "tp_window.h"

/* Where a row of outputs reads and writes. */
typedef struct tp_row3x3 {
    const float *line, *taps, *bias; /* the upper input line, the taps that fall on it; bias may be NULL */
    float *y;
    uint32_t channels, lines; /* input channels, and input lines of each inside the image */
} tp_row3x3;

/* Taps inside the image along one axis, over all outputs; the axis has at least two inputs. */
TP_ALWAYS_INLINE uint32_t tp_taps3x3_inside(uint32_t outputs, uint32_t stride, uint32_t inputs)
{
    return 3U * outputs - 1U - (stride * (outputs - 1U) + 1U == inputs ? 1U : 0U);
}

/* Multiply-adds of one plane on one plane. */
TP_ALWAYS_INLINE uint32_t tp_macs3x3(tp_conv2d c)
{
    return tp_taps3x3_inside(c.out_height, c.stride_height, c.in_height)
           * tp_taps3x3_inside(c.out_width, c.stride_width, c.in_width);
}

#define TP_EACH_COLUMN(M, o) M(o, 0) M(o, 1) M(o, 2) M(o, 3) M(o, 4) M(o, 5) M(o, 6) M(o, 7)
#define TP_START(o, i) float s##o##i = outputs > (o) && row.bias != NULL ? row.bias[o] : 0.0f;
#define TP_LOAD(i) const float v##i = readable > (i) ? line[i] : 0.0f;

/* One tap of column i of output channel o. */
#define TP_TAP(o, i, input, inside) \
    if (width > (i) && (inside)) { \
        s##o##i += tap * (input); \
    }

#define TP_TAPS_STRIDE_1(o) \
    float tap = filter[0]; \
    TP_TAP(o, 0, before, !left) TP_TAP(o, 1, v0, 1) TP_TAP(o, 2, v1, 1) TP_TAP(o, 3, v2, 1) \
    TP_TAP(o, 4, v3, 1) TP_TAP(o, 5, v4, 1) TP_TAP(o, 6, v5, 1) TP_TAP(o, 7, v6, 1) \
    tap = filter[1]; \
    TP_TAP(o, 0, v0, 1) TP_TAP(o, 1, v1, 1) TP_TAP(o, 2, v2, 1) TP_TAP(o, 3, v3, 1) \
    TP_TAP(o, 4, v4, 1) TP_TAP(o, 5, v5, 1) TP_TAP(o, 6, v6, 1) TP_TAP(o, 7, v7, 1) \
    tap = filter[2]; \
    TP_TAP(o, 0, v1, readable > 1U) TP_TAP(o, 1, v2, readable > 2U) TP_TAP(o, 2, v3, readable > 3U) \
    TP_TAP(o, 3, v4, readable > 4U) TP_TAP(o, 4, v5, readable > 5U) TP_TAP(o, 5, v6, readable > 6U) \
    TP_TAP(o, 6, v7, readable > 7U) TP_TAP(o, 7, v8, readable > 8U)

#define TP_TAPS_STRIDE_2(o) \
    float tap = filter[0]; \
    TP_TAP(o, 0, before, !left) TP_TAP(o, 1, v1, 1) TP_TAP(o, 2, v3, 1) TP_TAP(o, 3, v5, 1) \
    tap = filter[1]; \
    TP_TAP(o, 0, v0, 1) TP_TAP(o, 1, v2, 1) TP_TAP(o, 2, v4, 1) TP_TAP(o, 3, v6, 1) \
    tap = filter[2]; \
    TP_TAP(o, 0, v1, readable > 1U) TP_TAP(o, 1, v3, readable > 3U) TP_TAP(o, 2, v5, readable > 5U) \
    TP_TAP(o, 3, v7, readable > 7U)

#define TP_TAPS(o) \
    if (outputs > (o)) { \
        const float *filter = taps + (o) * row.channels * 9U; \
        if (stride == 1U) { \
            TP_TAPS_STRIDE_1(o) \
        } else { \
            TP_TAPS_STRIDE_2(o) \
        } \
    }

#define TP_STORE(o, i) \
    if (outputs > (o) && width > (i)) { \
        row.y[(o) * plane + (i)] = relu && !(s##o##i > 0.0f) ? 0.0f : s##o##i; \
    }

/* `width` columns of `outputs` channels; these two, stride, left and right are literals. left, right: whether the first
 * column's left tap and the last one's right tap lie on the padding. */
TP_ALWAYS_INLINE void tp_row3x3_block(tp_row3x3 row, tp_conv2d c, int relu, int left, int right, uint32_t stride,
                                      uint32_t width, uint32_t outputs)
{
    const uint32_t plane = c.out_height * c.out_width;
    const uint32_t readable = stride * (width - 1U) + (right ? 1U : 2U);
    TP_EACH_COLUMN(TP_START, 0) TP_EACH_COLUMN(TP_START, 1)
    for (uint32_t ci = row.channels; ci > 0U; --ci, row.line += c.in_height * c.in_width, row.taps += 9) {
        const float *line = row.line, *taps = row.taps;
        for (uint32_t ky = row.lines; ky > 0U; --ky, line += c.in_width, taps += 3) {
            const float before = left ? 0.0f : line[-1];
            TP_LOAD(0) TP_LOAD(1) TP_LOAD(2) TP_LOAD(3) TP_LOAD(4) TP_LOAD(5) TP_LOAD(6) TP_LOAD(7) TP_LOAD(8)
            TP_TAPS(0) TP_TAPS(1)
        }
    }
    TP_EACH_COLUMN(TP_STORE, 0) TP_EACH_COLUMN(TP_STORE, 1)
}

#undef TP_EACH_COLUMN
#undef TP_START
#undef TP_LOAD
#undef TP_TAP
#undef TP_TAPS_STRIDE_1
#undef TP_TAPS_STRIDE_2
#undef TP_TAPS
#undef TP_STORE

/* All columns of a row; stride and outputs are literals. */
TP_ALWAYS_INLINE void tp_row3x3_columns(tp_row3x3 row, tp_conv2d c, int relu, uint32_t stride, uint32_t outputs)
{
    const uint32_t block = TP_INLINE_KERNELS ? 8U / stride : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.out_width % block : 0U; /* a literal either way */
    const uint32_t last = rest != 0U ? rest : block;
    const int on_padding = stride * (c.out_width - 1U) + 1U == c.in_width;
    if (c.out_width == last) {
        if (on_padding) {
            tp_row3x3_block(row, c, relu, 1, 1, stride, last, outputs);
        } else {
            tp_row3x3_block(row, c, relu, 1, 0, stride, last, outputs);
        }
        return;
    }
    tp_row3x3_block(row, c, relu, 1, 0, stride, block, outputs);
    row.line += stride * block;
    row.y += block;
    for (uint32_t ox = block; ox + last < c.out_width; ox += block, row.line += stride * block, row.y += block) {
        tp_row3x3_block(row, c, relu, 0, 0, stride, block, outputs);
    }
    if (on_padding) {
        tp_row3x3_block(row, c, relu, 0, 1, stride, last, outputs);
    } else {
        tp_row3x3_block(row, c, relu, 0, 0, stride, last, outputs);
    }
}

/* All rows of `outputs` channels, a literal of at most 2, from `channels` input channels; filter[outputs][channels][9].
 */
TP_ALWAYS_INLINE void tp_rows3x3(const float *x, const float *filter, const float *bias, float *y, tp_conv2d c,
                                 uint32_t channels, int relu, uint32_t outputs)
{
    for (uint32_t oy = 0U; oy < c.out_height; ++oy, y += c.out_width) {
        const uint32_t centre = oy * c.stride_height, top = centre == 0U, bottom = centre + 1U == c.in_height;
        const uint32_t above = top ? 0U : (centre - 1U) * c.in_width;
        const tp_row3x3 row = {x + above, filter + 3U * top, bias, y, channels, 3U - top - bottom};
        if (c.stride_width == 1U) {
            tp_row3x3_columns(row, c, relu, 1U, outputs);
        } else {
            tp_row3x3_columns(row, c, relu, 2U, outputs);
        }
    }
}

/* Which borders of the image the window of an output crosses: never two opposite ones. */
TP_ALWAYS_INLINE uint32_t tp_edges3x3(uint32_t oy, uint32_t ox, tp_conv2d c)
{
    return (oy == 0U ? TP_EDGE_TOP : 0U) | (oy * c.stride_height + 1U == c.in_height ? TP_EDGE_BOTTOM : 0U)
           | (ox == 0U ? TP_EDGE_LEFT : 0U) | (ox * c.stride_width + 1U == c.in_width ? TP_EDGE_RIGHT : 0U);
}

#endif
