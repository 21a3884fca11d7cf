/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_conv2d_tile.h"
#include "tp_kernels.h"
#include "tp_wide_backward.h"

/* Weights and bias of a convolution of any geometry after one step; delta, argmax and p as in tp_conv2d_error_f32.
 * Each gradient sums over py, px, ascending, then weight -= rate * gradient. gradient: room for one filter
 * [group inputs][kh][kw]; bias may be NULL.
 */
/* gradient += d times a window inside the image, whose first input is at start. */
TP_ALWAYS_INLINE void conv2d_update_inside(const float *start, float *gradient, float d, tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width;
    for (uint32_t ci = 0U; ci < tp_group_inputs(c); ++ci, start += plane) {
        const float *line = start;
        for (uint32_t ky = 0U; ky < c.kernel_height; ++ky, line += c.dilation_height * c.in_width) {
            tp_add_line(gradient, 1U, line, c.dilation_width, d, c.kernel_width);
            gradient += c.kernel_width;
        }
    }
    TP_COUNT(macs_backward, tp_filter_size(c));
}

TP_KERNEL void tp_conv2d_update_f32(const float *x, const float *delta, const uint8_t *argmax, float *weight,
                                    float *bias, float *gradient, float rate, tp_conv2d c, tp_pool p, int skip_zeros)
{
#if TP_WIDE_KERNELS
    if ((p.height == 1U || p.height == 2U) && p.width == p.height && tp_wide_fits_update(c)) {
        const tp_wide_deltas deltas = tp_wide_deltas_of(delta, argmax, c, p.height, 0);
        tp_wide_update(x, deltas, weight, bias, rate, c, skip_zeros);
        return;
    }
#endif
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const uint32_t filter_size = tp_filter_size(c), group_inputs = tp_group_inputs(c);
    const uint32_t plane = c.in_height * c.in_width;
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        const float *inputs = x + tp_group_start(co, c);
        float *filter = weight + co * filter_size;
        float bias_gradient = 0.0f;
        for (uint32_t i = 0U; i < filter_size; ++i) {
            gradient[i] = 0.0f;
        }
        for (uint32_t position = 0U; position < rows * columns; ++position) {
            float d = delta[co * rows * columns + position];
            uint32_t code = argmax != NULL ? argmax[co * rows * columns + position] : 0U;
            if (skip_zeros && d == 0.0f) {
                continue;
            }
            bias_gradient += d;
            const uint32_t oy = position / columns * p.height + code / p.width;
            const uint32_t ox = position % columns * p.width + code % p.width;
            if (tp_windows_inside(oy, ox, oy, ox, c)) {
                conv2d_update_inside(tp_window_start(inputs, oy, ox, c), gradient, d, c);
                continue;
            }
            tp_taps ty = tp_taps_y(oy, c), tx = tp_taps_x(ox, c);
            const uint32_t count = tx.last - tx.first;
            for (uint32_t ci = 0U; ci < group_inputs; ++ci) {
                for (uint32_t ky = ty.first; ky < ty.last; ++ky) {
                    const float *line = inputs + ci * plane + tp_tap_line(ty, ky, c);
                    float *taps = gradient + (ci * c.kernel_height + ky) * c.kernel_width;
                    if (count == c.kernel_width) { /* most of them, a literal */
                        tp_add_line(taps, 1U, line + tx.start, c.dilation_width, d, c.kernel_width);
                    } else if (count != 0U) {
                        tp_add_line(taps + tx.first, 1U, line + tp_tap_column(tx, tx.first, c), c.dilation_width, d,
                                    count);
                    }
                }
            }
            TP_COUNT(macs_backward, group_inputs * (ty.last - ty.first) * count);
        }
        for (uint32_t i = 0U; i < filter_size; ++i) {
            filter[i] -= rate * gradient[i];
        }
        if (bias != NULL) {
            bias[co] -= rate * bias_gradient;
        }
    }
}
