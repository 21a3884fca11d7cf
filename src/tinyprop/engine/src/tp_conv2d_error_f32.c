/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide_backward.h"
#include "tp_window.h"

/* error[in] of a convolution of any geometry from its delta, stored where the pool behind it looked: entry
 * [co][py][px] stands at output (py * p.height + dy, px * p.width + dx), argmax = dy * p.width + dx. Without a pool
 * p is 1 by 1 and argmax NULL. Each error sums over py, px, argmax, co, ascending. With mask_input x left a ReLU.
 */
TP_KERNEL void tp_conv2d_error_f32(const float *x, const float *delta, const uint8_t *argmax, const float *weight,
                                   float *error, tp_conv2d c, tp_pool p, int mask_input, int skip_zeros)
{
#if TP_WIDE_KERNELS
    if ((p.height == 1U || p.height == 2U) && p.width == p.height && tp_wide_fits_error(c)) {
        const tp_wide_deltas deltas = tp_wide_deltas_of(delta, argmax, c, p.height, 0);
        tp_wide_error(mask_input ? x : NULL, deltas, weight, error, c, skip_zeros);
        return;
    }
#endif
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const uint32_t group_inputs = tp_group_inputs(c), plane = c.in_height * c.in_width;
    for (uint32_t i = 0U; i < c.in_channels * c.in_height * c.in_width; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t position = 0U; position < rows * columns; ++position) {
        for (uint32_t code = 0U; code < p.height * p.width; ++code) {
            tp_taps ty = tp_taps_y(position / columns * p.height + code / p.width, c);
            tp_taps tx = tp_taps_x(position % columns * p.width + code % p.width, c);
            const uint32_t count = tx.last - tx.first;
            for (uint32_t co = 0U; co < c.out_channels; ++co) {
                float d = delta[co * rows * columns + position];
                if ((skip_zeros && d == 0.0f) || (argmax != NULL && argmax[co * rows * columns + position] != code)) {
                    continue;
                }
                const float *filter = weight + co * tp_filter_size(c);
                float *errors = error + tp_group_start(co, c);
                for (uint32_t ci = 0U; ci < group_inputs; ++ci) {
                    for (uint32_t ky = ty.first; ky < ty.last; ++ky) {
                        const float *taps = filter + (ci * c.kernel_height + ky) * c.kernel_width;
                        float *line = errors + ci * plane + tp_tap_line(ty, ky, c);
                        if (count == c.kernel_width) { /* most of them, a literal */
                            tp_add_line(line + tx.start, c.dilation_width, taps, 1U, d, c.kernel_width);
                        } else if (count != 0U) {
                            tp_add_line(line + tp_tap_column(tx, tx.first, c), c.dilation_width, taps + tx.first, 1U, d,
                                        count);
                        }
                    }
                }
                TP_COUNT(macs_backward, group_inputs * (ty.last - ty.first) * count);
            }
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, c.in_channels * c.in_height * c.in_width);
    }
}
