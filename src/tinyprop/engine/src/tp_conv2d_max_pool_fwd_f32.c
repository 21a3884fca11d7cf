/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_conv2d_tile.h"
#include "tp_kernels.h"
#include "tp_wide_forward.h"

/* Convolution, max pool with stride = size, and ReLU if asked, of any geometry: the un-pooled map never exists.
 * y[out_channels][out_height / pool][out_width / pool]; argmax: dy * pool width + dx of each winner, the first of
 * equals (NULL: not wanted); bias may be NULL.
 *
 * Inside the image the four windows of a pool of 2 by 2 are computed together, of four channels at a time; elsewhere one
 * by one, of up to eight channels, as in tp_conv2d_fwd_f32, and y holds the largest sums so far.
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

/* One pooled position of `outputs` channels, a literal of at most 4, from four windows inside the image. */
TP_ALWAYS_INLINE void conv2d_pool_four(const float *start, const float *filter, const float *bias, float *y,
                                       uint8_t *argmax, tp_conv2d c, int relu, uint32_t outputs)
{
    const uint32_t plane = (c.out_height / 2U) * (c.out_width / 2U);
    float sums[16];
    tp_conv2d_tile(start, filter, bias, sums, c.stride_width, c.stride_height * c.in_width, c, outputs);
    for (uint32_t o = 0U; o < outputs; ++o) {
        float largest = sums[4U * o];
        uint8_t winner = 0U;
        for (uint8_t k = 1U; k < 4U; ++k) {
            if (sums[4U * o + k] > largest) {
                largest = sums[4U * o + k];
                winner = k;
            }
        }
        y[o * plane] = relu && !(largest > 0.0f) ? 0.0f : largest;
        if (argmax != NULL) {
            argmax[o * plane] = winner;
        }
    }
}

/* Whether all windows of a pool of 2 by 2 lie inside the image. */
TP_ALWAYS_INLINE int conv2d_pool_inside(uint32_t py, uint32_t px, tp_conv2d c, tp_pool p)
{
    return TP_INLINE_KERNELS && p.height == 2U && p.width == 2U
           && tp_windows_inside(2U * py, 2U * px, 2U * py + 1U, 2U * px + 1U, c);
}

TP_ALWAYS_INLINE void conv2d_pool_channels(const float *x, const float *filter, const float *bias, float *y,
                                           uint8_t *argmax, tp_conv2d c, tp_pool p, int relu, uint32_t outputs)
{
    const uint32_t columns = c.out_width / p.width, plane = (c.out_height / p.height) * columns;
    for (uint32_t py = 0U; py < c.out_height / p.height; ++py) {
        for (uint32_t px = 0U; px < columns; ++px) {
            float *pooled = y + py * columns + px;
            uint8_t *place = argmax != NULL ? argmax + py * columns + px : NULL;
            if (!conv2d_pool_inside(py, px, c, p)) {
                conv2d_pool_position(x, filter, bias, pooled, place, py, px, c, p, relu, outputs);
                continue;
            }
            const float *start = tp_window_start(x, 2U * py, 2U * px, c);
            conv2d_pool_four(start, filter, bias, pooled, place, c, relu, outputs < 4U ? outputs : 4U);
            if (outputs > 4U) {
                conv2d_pool_four(start, filter + 4U * tp_filter_size(c), bias != NULL ? bias + 4 : NULL, pooled + 4U * plane,
                                 place != NULL ? place + 4U * plane : NULL, c, relu, outputs - 4U);
            }
        }
    }
}

TP_KERNEL void tp_conv2d_max_pool_fwd_f32(const float *x, const float *weight, const float *bias, float *y,
                                          uint8_t *argmax, tp_conv2d c, tp_pool p, int relu)
{
#if TP_WIDE_KERNELS
    if (tp_wide_fits_forward(c) && p.height == 2U && p.width == 2U) {
        tp_wide_pool_fwd(x, weight, bias, y, argmax, c, relu, 0);
        return;
    }
#endif
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
