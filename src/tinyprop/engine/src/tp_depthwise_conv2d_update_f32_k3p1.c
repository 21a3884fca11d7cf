/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_three_by_three.h"

/* tp_conv2d_update_f32 for a depthwise convolution, 3 by 3 taps, padding 1, stride 1 or 2, no pool.
 *
 * Nine running sums and the bias's pass over the deltas of a channel in registers; a zero among them costs a comparison.
 * Taps on the padding are left out without a test per tap: rows and columns at the borders are compiled apart.
 *
 * Sums: over (oy, ox), ascending. Scratch: none.
 */
typedef struct tp_gradient3x3 {
    float sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7, sum8, bias;
} tp_gradient3x3;

#define TP_TAP(unused, tap, borders, dy, dx) \
    if (!(edges & (borders))) { \
        g->sum##tap += d * at[(dy) * width + (dx)]; \
        TP_COUNT(macs_backward, 1U); \
    }

/* One delta, its window centred at `at`; edges is a literal. */
TP_ALWAYS_INLINE void depthwise_update_at(tp_gradient3x3 *g, float d, const float *at, int32_t width, uint32_t edges,
                                          int skip_zeros)
{
    if (!skip_zeros || d != 0.0f) {
        TP_NINE_TAPS(TP_TAP, 0)
        g->bias += d;
    }
}

#undef TP_TAP

/* One row of deltas; the borders above and below its windows, row_edges, are a literal. */
TP_ALWAYS_INLINE void depthwise_update_row(tp_gradient3x3 *g, const float *delta, const float *at, tp_conv2d c,
                                           uint32_t row_edges, int skip_zeros)
{
    const int32_t width = (int32_t)c.in_width;
    const int on_padding = (c.out_width - 1U) * c.stride_width + 1U == c.in_width;
    const float *end = delta + c.out_width - (on_padding ? 1 : 0);
    depthwise_update_at(g, *delta, at, width, row_edges | TP_EDGE_LEFT, skip_zeros);
    ++delta;
    at += c.stride_width;
    for (; delta != end; ++delta, at += c.stride_width) {
        depthwise_update_at(g, *delta, at, width, row_edges, skip_zeros);
    }
    if (on_padding) {
        depthwise_update_at(g, *delta, at, width, row_edges | TP_EDGE_RIGHT, skip_zeros);
    }
}

TP_ALWAYS_INLINE tp_gradient3x3 depthwise_gradient(const float *x, const float *delta, tp_conv2d c, int skip_zeros)
{
    const uint32_t step = c.stride_height * c.in_width;
    const int on_padding = (c.out_height - 1U) * c.stride_height + 1U == c.in_height;
    const float *end = delta + (c.out_height - (on_padding ? 1U : 0U)) * c.out_width;
    tp_gradient3x3 g = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    depthwise_update_row(&g, delta, x, c, TP_EDGE_TOP, skip_zeros);
    for (delta += c.out_width, x += step; delta != end; delta += c.out_width, x += step) {
        depthwise_update_row(&g, delta, x, c, 0U, skip_zeros);
    }
    if (on_padding) {
        depthwise_update_row(&g, delta, x, c, TP_EDGE_BOTTOM, skip_zeros);
    }
    return g;
}

TP_KERNEL void tp_depthwise_conv2d_update_f32_k3p1(const float *x, const float *delta, float *weight, float *bias,
                                                   float rate, tp_conv2d c, int skip_zeros)
{
    for (uint32_t channel = 0U; channel < c.out_channels; ++channel, weight += 9) {
        const tp_gradient3x3 g = depthwise_gradient(x, delta, c, skip_zeros);
        weight[0] -= rate * g.sum0;
        weight[1] -= rate * g.sum1;
        weight[2] -= rate * g.sum2;
        weight[3] -= rate * g.sum3;
        weight[4] -= rate * g.sum4;
        weight[5] -= rate * g.sum5;
        weight[6] -= rate * g.sum6;
        weight[7] -= rate * g.sum7;
        weight[8] -= rate * g.sum8;
        if (bias != NULL) {
            bias[channel] -= rate * g.bias;
        }
        x += c.in_height * c.in_width;
        delta += c.out_height * c.out_width;
    }
}
