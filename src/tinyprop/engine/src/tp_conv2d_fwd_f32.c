/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_conv2d_tile.h"
#include "tp_kernels.h"
#include "tp_wide_forward.h"

/* y[out] of any geometry, then ReLU if asked; bias may be NULL.
 *
 * Inside the image four neighbours of four channels are computed at a time. At its borders an input, once loaded, serves
 * up to eight channels of its group; which taps of a window lie inside is found once for all of them.
 *
 * Sums: bias, then (ci, ky, kx) ascending. Scratch: none.
 */
TP_ALWAYS_INLINE float conv2d_rectified(float sum, int relu)
{
    return relu && !(sum > 0.0f) ? 0.0f : sum;
}

/* One position of `outputs` channels, a literal of at most 8. */
TP_ALWAYS_INLINE void conv2d_position(const float *x, const float *filter, const float *bias, float *y, uint32_t oy,
                                      uint32_t ox, tp_conv2d c, int relu, uint32_t outputs)
{
    float sums[8];
    tp_conv2d_outputs(x, filter, bias, sums, oy, ox, c, outputs);
    for (uint32_t o = 0U; o < outputs; ++o) {
        y[o * c.out_height * c.out_width] = conv2d_rectified(sums[o], relu);
    }
}

/* Four neighbours of `outputs` channels, a literal of at most 4, their windows inside the image; start: the first one's. */
TP_ALWAYS_INLINE void conv2d_four(const float *start, const float *filter, const float *bias, float *y, tp_conv2d c,
                                  int relu, uint32_t outputs)
{
    float sums[16];
    tp_conv2d_tile(start, filter, bias, sums, c.stride_width, 2U * c.stride_width, c, outputs);
    for (uint32_t o = 0U; o < outputs; ++o) {
        for (uint32_t p = 0U; p < 4U; ++p) {
            y[o * c.out_height * c.out_width + p] = conv2d_rectified(sums[4U * o + p], relu);
        }
    }
}

/* All positions of `outputs` channels, a literal of at most 8. */
TP_ALWAYS_INLINE void conv2d_channels(const float *x, const float *filter, const float *bias, float *y, tp_conv2d c,
                                      int relu, uint32_t outputs)
{
    const uint32_t plane = c.out_height * c.out_width, filter_size = tp_filter_size(c);
    for (uint32_t oy = 0U; oy < c.out_height; ++oy) {
        for (uint32_t ox = 0U; ox < c.out_width;) {
            if (TP_INLINE_KERNELS && ox + 4U <= c.out_width && tp_windows_inside(oy, ox, oy, ox + 3U, c)) {
                const float *start = tp_window_start(x, oy, ox, c);
                conv2d_four(start, filter, bias, y, c, relu, outputs < 4U ? outputs : 4U);
                if (outputs > 4U) {
                    conv2d_four(start, filter + 4U * filter_size, bias != NULL ? bias + 4 : NULL, y + 4U * plane, c, relu,
                                outputs - 4U);
                }
                ox += 4U;
                y += 4;
            } else {
                conv2d_position(x, filter, bias, y, oy, ox, c, relu, outputs);
                ++ox;
                ++y;
            }
        }
    }
}

TP_KERNEL void tp_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                 int relu)
{
#if TP_WIDE_KERNELS
    if (tp_wide_fits_forward(c)) {
        tp_wide_fwd(x, weight, bias, y, c, relu);
        return;
    }
#endif
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
