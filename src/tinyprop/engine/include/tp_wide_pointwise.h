/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution of one tap: sixteen positions of four channels at a time, forward and for the error; sixteen input
 * channels of four output channels for the gradients.
 *
 * Sums: bias, then ci; over co; over p; ascending, as in the plain kernels.
 */
#ifndef TP_WIDE_POINTWISE_H
#define TP_WIDE_POINTWISE_H

#include "tp_wide_backward.h"

#if TP_WIDE_KERNELS
#define TP_WIDE_TILE (2U * TP_LANES)

TP_ALWAYS_INLINE int tp_wide_fits_pointwise(tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width;
    return plane >= TP_WIDE_TILE && plane * TP_WIDE_TILE <= TP_WIDE_ROOM;
}

/* What is multiplied: from[k][p] by weight[o * of_output + k * of_term], for `terms` k. */
typedef struct tp_wide_product {
    const float *from, *weight;
    uint32_t terms, plane, of_output, of_term;
} tp_wide_product;

/* Sixteen positions from p on, of `outputs` channels, a literal of at most 4. bias: NULL for zeros. x: where it is zero,
 * so is the result; NULL: nowhere. */
TP_ALWAYS_INLINE void tp_wide_positions(tp_wide_product m, const float *bias, const float *x, float *to, uint32_t p, int relu,
                                        uint32_t outputs)
{
    tp_lanes a[4], b[4];
    for (uint32_t o = 0U; o < outputs; ++o) {
        a[o] = b[o] = tp_lanes_all(bias != NULL ? bias[o] : 0.0f);
    }
    for (uint32_t k = 0U; k < m.terms; ++k) {
        const tp_lanes v = tp_lanes_load(m.from + k * m.plane + p), next = tp_lanes_load(m.from + k * m.plane + p + TP_LANES);
        for (uint32_t o = 0U; o < outputs; ++o) {
            const tp_lanes w = tp_lanes_all(m.weight[o * m.of_output + k * m.of_term]);
            a[o] += w * v;
            b[o] += w * next;
        }
    }
    for (uint32_t o = 0U; o < outputs; ++o) {
        const uint32_t at = o * m.plane + p;
        if (x != NULL) {
            a[o] = (tp_lanes)((tp_lane_bits)a[o] & (tp_lanes_load(x + at) > tp_lanes_all(0.0f)));
            b[o] = (tp_lanes)((tp_lane_bits)b[o] & (tp_lanes_load(x + at + TP_LANES) > tp_lanes_all(0.0f)));
        }
        tp_lanes_store(to + at, relu ? tp_lanes_relu(a[o]) : a[o]);
        tp_lanes_store(to + at + TP_LANES, relu ? tp_lanes_relu(b[o]) : b[o]);
    }
}

/* All positions of `outputs` channels; the last sixteen may overlap those before, and compute the same again. */
TP_ALWAYS_INLINE void tp_wide_plane(tp_wide_product m, const float *bias, const float *x, float *to, int relu,
                                    uint32_t outputs)
{
    uint32_t p = 0U;
    for (; p + TP_WIDE_TILE <= m.plane; p += TP_WIDE_TILE) {
        tp_wide_positions(m, bias, x, to, p, relu, outputs);
    }
    if (m.plane % TP_WIDE_TILE != 0U) {
        tp_wide_positions(m, bias, x, to, m.plane - TP_WIDE_TILE, relu, outputs);
    }
}

/* to[outputs][p] of all `outputs` channels. */
TP_ALWAYS_INLINE void tp_wide_products(tp_wide_product m, const float *bias, const float *x, float *to, int relu,
                                       uint32_t outputs)
{
    uint32_t o = 0U;
    for (; o + 4U <= outputs; o += 4U, m.weight += 4U * m.of_output, to += 4U * m.plane) {
        tp_wide_plane(m, bias != NULL ? bias + o : NULL, x != NULL ? x + o * m.plane : NULL, to, relu, 4U);
    }
    if (outputs % 4U != 0U) {
        tp_wide_plane(m, bias != NULL ? bias + o : NULL, x != NULL ? x + o * m.plane : NULL, to, relu, outputs % 4U);
    }
}

/* Gradients of up to sixteen input channels of `outputs` output channels, a literal of at most 4; turned[p][16]. */
TP_ALWAYS_INLINE void tp_wide_pointwise_tile(const float *turned, const float *delta, float *weight, float rate, tp_conv2d c,
                                             uint32_t inputs, uint32_t outputs)
{
    const uint32_t plane = c.in_height * c.in_width;
    tp_lanes a[4], b[4];
    for (uint32_t o = 0U; o < outputs; ++o) {
        a[o] = b[o] = tp_lanes_all(0.0f);
    }
    for (uint32_t p = 0U; p < plane; ++p) {
        const tp_lanes v = tp_lanes_load(turned + p * TP_WIDE_TILE), next = tp_lanes_load(turned + p * TP_WIDE_TILE + TP_LANES);
        for (uint32_t o = 0U; o < outputs; ++o) {
            const tp_lanes d = tp_lanes_all(delta[o * plane + p]);
            a[o] += d * v;
            b[o] += d * next;
        }
    }
    for (uint32_t o = 0U; o < outputs; ++o) {
        for (uint32_t lane = 0U; lane < TP_LANES; ++lane) {
            if (lane < inputs) {
                weight[o * c.in_channels + lane] -= rate * a[o][lane];
            }
            if (lane + TP_LANES < inputs) {
                weight[o * c.in_channels + lane + TP_LANES] -= rate * b[o][lane];
            }
        }
    }
}

/* The gradients of up to sixteen input channels, `inputs`, from x on. */
TP_ALWAYS_INLINE void tp_wide_pointwise_inputs(const float *x, const float *delta, float *weight, float rate, tp_conv2d c,
                                               uint32_t inputs)
{
    const uint32_t plane = c.in_height * c.in_width;
    float turned[TP_WIDE_ROOM];
    for (uint32_t p = 0U; p < plane; ++p) {
        for (uint32_t i = 0U; i < TP_WIDE_TILE; ++i) {
            turned[p * TP_WIDE_TILE + i] = i < inputs ? x[i * plane + p] : 0.0f;
        }
    }
    uint32_t co = 0U;
    for (; co + 4U <= c.out_channels; co += 4U, delta += 4U * plane, weight += 4U * c.in_channels) {
        tp_wide_pointwise_tile(turned, delta, weight, rate, c, inputs, 4U);
    }
    if (c.out_channels % 4U != 0U) {
        tp_wide_pointwise_tile(turned, delta, weight, rate, c, inputs, c.out_channels % 4U);
    }
}

/* bias may be NULL. */
TP_ALWAYS_INLINE void tp_wide_pointwise_update(const float *x, const float *delta, float *weight, float *bias, float rate,
                                               tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width;
    uint32_t ci = 0U;
    for (; ci + TP_WIDE_TILE <= c.in_channels; ci += TP_WIDE_TILE) {
        tp_wide_pointwise_inputs(x + ci * plane, delta, weight + ci, rate, c, TP_WIDE_TILE);
    }
    if (ci < c.in_channels) {
        tp_wide_pointwise_inputs(x + ci * plane, delta, weight + ci, rate, c, c.in_channels % TP_WIDE_TILE);
    }
    if (bias != NULL) {
        tp_wide_channel_biases(bias, delta, rate, c.out_channels, plane);
    }
    TP_COUNT(macs_backward, c.in_channels * c.out_channels * plane);
}
#endif

#endif
