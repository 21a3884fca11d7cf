/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

/* y[out] of any geometry, then ReLU if asked; bias may be NULL.
 *
 * An input, once loaded, serves up to eight output channels of its group. Which taps of a window lie inside the image
 * is found once for all of them.
 *
 * Sums: bias, then (ci, ky, kx) ascending. Scratch: none.
 */
TP_ALWAYS_INLINE void conv2d_channels(const float *x, const float *filter, const float *bias, float *y, tp_conv2d c,
                                      int relu, uint32_t outputs)
{
    const uint32_t plane = c.out_height * c.out_width;
    for (uint32_t oy = 0U; oy < c.out_height; ++oy) {
        for (uint32_t ox = 0U; ox < c.out_width; ++ox, ++y) {
            float sums[8];
            tp_conv2d_outputs(x, filter, bias, sums, oy, ox, c, outputs);
            for (uint32_t o = 0U; o < outputs; ++o) {
                y[o * plane] = relu && !(sums[o] > 0.0f) ? 0.0f : sums[o];
            }
        }
    }
}

TP_KERNEL void tp_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                 int relu)
{
    const uint32_t plane = c.out_height * c.out_width, of_group = c.out_channels / c.groups;
    const uint32_t block = tp_outputs_block(c), rest = of_group % block;
    for (uint32_t co = 0U; co < c.out_channels;) {
        const float *inputs = x + tp_group_start(co, c), *filter = weight + co * tp_filter_size(c);
        const float *start = bias != NULL ? bias + co : NULL;
        if (rest != 0U && co % of_group + block > of_group) {
            conv2d_channels(inputs, filter, start, y + co * plane, c, relu, rest);
            co += rest;
        } else {
            conv2d_channels(inputs, filter, start, y + co * plane, c, relu, TP_INLINE_KERNELS ? block : 1U);
            co += block;
        }
    }
}
