/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_conv2d_tile.h"
#include "tp_kernels.h"
#include "tp_wide_forward.h"

/* Convolution, max pool with stride = size, and ReLU if asked, of any geometry: the un-pooled map never exists.
 * y[out_channels][out_height / pool][out_width / pool]; argmax: dy * pool width + dx of each winner, the first of
 * equals (NULL: not wanted); bias may be NULL.
 *
 * Inside the image the four windows of a pool of four places, or of two neighbours of a pool of two, are computed together,
 * of four channels at a time; elsewhere one by one, of up to eight channels, as in tp_conv2d_fwd_f32, and y holds the
 * largest sums so far.
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

/* How many pooled neighbours are formed at a time, of four windows inside the image; 0: none, where their pool has other sizes. */
TP_ALWAYS_INLINE uint32_t conv2d_pool_neighbours(tp_pool p)
{
    const uint32_t places = p.height * p.width;
    return TP_INLINE_KERNELS && (places == 2U || places == 4U) ? 4U / places : 0U;
}

/* The largest of a pool's `places`, a literal, and which of them. */
TP_ALWAYS_INLINE void conv2d_pool_largest(const float *sums, float *y, uint8_t *place, int relu, uint32_t places)
{
    float largest = sums[0];
    uint8_t winner = 0U;
    for (uint8_t k = 1U; k < places; ++k) {
        if (sums[k] > largest) {
            largest = sums[k];
            winner = k;
        }
    }
    *y = relu && !(largest > 0.0f) ? 0.0f : largest;
    if (place != NULL) {
        *place = winner;
    }
}

/* Those of `outputs` channels, a literal of at most 4; start: where the first window starts. */
TP_ALWAYS_INLINE void conv2d_pool_four(const float *start, const float *filter, const float *bias, float *y,
                                       uint8_t *argmax, tp_conv2d c, tp_pool p, int relu, uint32_t outputs)
{
    const uint32_t plane = (c.out_height / p.height) * (c.out_width / p.width), places = p.height * p.width;
    const uint32_t down = c.stride_height * c.in_width, right = p.width > 1U ? c.stride_width : down;
    const uint32_t further = places == 2U ? p.width * c.stride_width : p.height == 2U ? down : 2U * right;
    float sums[16];
    tp_conv2d_tile(start, filter, bias, sums, right, further, c, outputs);
    for (uint32_t o = 0U; o < outputs; ++o) {
        uint8_t *place = argmax != NULL ? argmax + o * plane : NULL;
        conv2d_pool_largest(sums + 4U * o, y + o * plane, place, relu, places);
        if (places == 2U) {
            conv2d_pool_largest(sums + 4U * o + 2U, y + o * plane + 1U, place != NULL ? place + 1 : NULL, relu, places);
        }
    }
}

/* Whether all windows of pooled neighbours from (py, px) on lie inside the image. */
TP_ALWAYS_INLINE int conv2d_pool_inside(uint32_t py, uint32_t px, uint32_t neighbours, tp_conv2d c, tp_pool p)
{
    return neighbours != 0U && px + neighbours <= c.out_width / p.width
           && tp_windows_inside(py * p.height, px * p.width, (py + 1U) * p.height - 1U, (px + neighbours) * p.width - 1U, c);
}

TP_ALWAYS_INLINE void conv2d_pool_channels(const float *x, const float *filter, const float *bias, float *y,
                                           uint8_t *argmax, tp_conv2d c, tp_pool p, int relu, uint32_t outputs)
{
    const uint32_t columns = c.out_width / p.width, plane = (c.out_height / p.height) * columns;
    const uint32_t neighbours = conv2d_pool_neighbours(p);
    for (uint32_t py = 0U; py < c.out_height / p.height; ++py) {
        for (uint32_t px = 0U; px < columns;) {
            float *pooled = y + py * columns + px;
            uint8_t *place = argmax != NULL ? argmax + py * columns + px : NULL;
            if (!conv2d_pool_inside(py, px, neighbours, c, p)) {
                conv2d_pool_position(x, filter, bias, pooled, place, py, px, c, p, relu, outputs);
                ++px;
                continue;
            }
            const float *start = tp_window_start(x, py * p.height, px * p.width, c);
            conv2d_pool_four(start, filter, bias, pooled, place, c, p, relu, outputs < 4U ? outputs : 4U);
            if (outputs > 4U) {
                conv2d_pool_four(start, filter + 4U * tp_filter_size(c), bias != NULL ? bias + 4 : NULL, pooled + 4U * plane,
                                 place != NULL ? place + 4U * plane : NULL, c, p, relu, outputs - 4U);
            }
            px += neighbours;
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
