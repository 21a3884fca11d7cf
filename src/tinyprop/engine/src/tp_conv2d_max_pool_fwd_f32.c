/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

/* Convolution, max pool with stride = size, and ReLU if asked, of any geometry: the un-pooled map never exists.
 * y[out_channels][out_height / pool][out_width / pool]; argmax: dy * pool width + dx of each winner, the first of
 * equals (NULL: not wanted); bias may be NULL.
 *
 * Up to eight output channels at a time, as in tp_conv2d_fwd_f32; y holds the largest sums so far.
 */
TP_ALWAYS_INLINE void conv2d_pool_position(const float *x, const float *filter, const float *bias, float *y,
                                           uint8_t *argmax, uint32_t py, uint32_t px, tp_conv2d c, tp_pool p, int relu,
                                           uint32_t outputs)
{
    const uint32_t plane = (c.out_height / p.height) * (c.out_width / p.width);
    for (uint32_t k = 0U; k < p.height * p.width; ++k) {
        float sums[8];
        tp_conv2d_outputs(x, filter, bias, sums, py * p.height + k / p.width, px * p.width + k % p.width, c, outputs);
        for (uint32_t o = 0U; o < outputs; ++o) {
            if (k == 0U || sums[o] > y[o * plane]) {
                y[o * plane] = sums[o];
                if (argmax != NULL) {
                    argmax[o * plane] = (uint8_t)k;
                }
            }
        }
    }
    if (relu) {
        for (uint32_t o = 0U; o < outputs; ++o) {
            y[o * plane] = y[o * plane] > 0.0f ? y[o * plane] : 0.0f;
        }
    }
}

TP_ALWAYS_INLINE void conv2d_pool_channels(const float *x, const float *filter, const float *bias, float *y,
                                           uint8_t *argmax, tp_conv2d c, tp_pool p, int relu, uint32_t outputs)
{
    const uint32_t columns = c.out_width / p.width;
    for (uint32_t py = 0U; py < c.out_height / p.height; ++py) {
        for (uint32_t px = 0U; px < columns; ++px) {
            const uint32_t position = py * columns + px;
            conv2d_pool_position(x, filter, bias, y + position, argmax != NULL ? argmax + position : NULL, py, px, c, p,
                                 relu, outputs);
        }
    }
}

TP_KERNEL void tp_conv2d_max_pool_fwd_f32(const float *x, const float *weight, const float *bias, float *y,
                                          uint8_t *argmax, tp_conv2d c, tp_pool p, int relu)
{
    const uint32_t plane = (c.out_height / p.height) * (c.out_width / p.width), of_group = c.out_channels / c.groups;
    const uint32_t block = tp_outputs_block(c), rest = of_group % block;
    for (uint32_t co = 0U; co < c.out_channels;) {
        const float *inputs = x + tp_group_start(co, c), *filter = weight + co * tp_filter_size(c);
        const float *start = bias != NULL ? bias + co : NULL;
        float *pooled = y + co * plane;
        uint8_t *places = argmax != NULL ? argmax + co * plane : NULL;
        if (rest != 0U && co % of_group + block > of_group) {
            conv2d_pool_channels(inputs, filter, start, pooled, places, c, p, relu, rest);
            co += rest;
        } else {
            conv2d_pool_channels(inputs, filter, start, pooled, places, c, p, relu, TP_INLINE_KERNELS ? block : 1U);
            co += block;
        }
    }
}
