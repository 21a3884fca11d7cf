/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_filter_tile.h"
#include "tp_kernels.h"
#include "tp_wide_backward.h"
#include "tp_window.h"

/* error[in] of a convolution of any geometry from its delta, stored where the pool behind it looked: entry
 * [co][py][px] stands at output (py * p.height + dy, px * p.width + dx), argmax = dy * p.width + dx. Without a pool
 * p is 1 by 1 and argmax NULL. Each error sums over py, px, argmax, co, ascending. With mask_input x left a ReLU.
 *
 * All deltas of one window reach the same errors, which a few at a time stay in registers while the deltas pass by as a list
 * (tp_filter_tile.h). Where tiles do not serve, each delta is added along the lines of its window.
 */

/* Lists the deltas of one window, channel ascending; returns the end of the list. */
TP_ALWAYS_INLINE const tp_kept *conv2d_error_listed(const float *delta, const uint8_t *argmax, tp_kept *kept, uint32_t code,
                                                  tp_conv2d c, uint32_t plane, int skip_zeros)
{
    const uint32_t end = c.out_channels / c.groups * tp_filter_size(c);
    TP_ROLLED for (uint32_t offset = 0U; offset != end; offset += tp_filter_size(c), delta += plane) {
        if ((!skip_zeros || *delta != 0.0f) && (argmax == NULL || *argmax == code)) {
            kept->value = *delta;
            kept->offset = offset;
            ++kept;
        }
        argmax += argmax != NULL ? plane : 0U;
    }
    return kept;
}

/* What one group sends to its input channels, window by window. */
TP_ALWAYS_INLINE void conv2d_error_tiles(const float *delta, const uint8_t *argmax, const float *weight, float *error,
                                         tp_kept *kept, tp_conv2d c, tp_pool p, int skip_zeros)
{
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    for (uint32_t py = 0U; py < rows; ++py) {
        for (uint32_t px = 0U; px < columns; ++px, ++delta) {
            TP_ROLLED for (uint32_t code = 0U; code < p.height * p.width; ++code) {
                const tp_kept *end = conv2d_error_listed(delta, argmax, kept, code, c, rows * columns, skip_zeros);
                if (end == kept) {
                    continue;
                }
                const tp_place place = tp_place_of(py * p.height + code / p.width, px * p.width + code % p.width, c);
                if (place.taps != 0U) {
                    tp_window_errors(error, place, weight, kept, end, c);
                    TP_COUNT(macs_backward, place.taps * tp_group_inputs(c) * (uint32_t)(end - kept));
                }
            }
            argmax += argmax != NULL ? 1 : 0;
        }
    }
}

/* The same for all groups, delta by delta. */
TP_ALWAYS_INLINE void conv2d_error_lines(const float *delta, const uint8_t *argmax, const float *weight, float *error,
                                         tp_conv2d c, tp_pool p, int skip_zeros)
{
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const uint32_t group_inputs = tp_group_inputs(c), plane = c.in_height * c.in_width;
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
}

/* kept: room for the output channels of a group. */
TP_KERNEL void tp_conv2d_error_f32(const float *x, const float *delta, const uint8_t *argmax, const float *weight,
                                   float *error, tp_kept *kept, tp_conv2d c, tp_pool p, int mask_input, int skip_zeros)
{
#if TP_WIDE_KERNELS
    if ((p.height == 1U || p.height == 2U) && p.width == p.height && tp_wide_fits_error(c)) {
        const tp_wide_deltas deltas = tp_wide_deltas_of(delta, argmax, c, p.height, 0);
        tp_wide_error(mask_input ? x : NULL, deltas, weight, error, c, skip_zeros);
        return;
    }
#endif
    const uint32_t errors = c.in_channels * c.in_height * c.in_width;
    for (uint32_t i = 0U; i < errors; ++i) {
        error[i] = 0.0f;
    }
    if (tp_tiles_serve(c)) {
        const uint32_t of_group = c.out_channels / c.groups, deltas = of_group * (c.out_height / p.height) * (c.out_width / p.width);
        for (uint32_t co = 0U; co < c.out_channels; co += of_group, delta += deltas, weight += of_group * tp_filter_size(c)) {
            conv2d_error_tiles(delta, argmax, weight, error + tp_group_start(co, c), kept, c, p, skip_zeros);
            argmax += argmax != NULL ? deltas : 0U;
        }
    } else {
        conv2d_error_lines(delta, argmax, weight, error, c, p, skip_zeros);
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, errors);
    }
}
