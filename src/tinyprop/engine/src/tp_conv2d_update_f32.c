/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_conv2d_tile.h"
#include "tp_filter_tile.h"
#include "tp_kernels.h"
#include "tp_wide_backward.h"

/* Weights and bias of a convolution of any geometry after one step; delta, argmax and p as in tp_conv2d_error_f32.
 * Each gradient sums over py, px, ascending, then weight -= rate * gradient. bias may be NULL.
 *
 * The kept deltas of one output channel become a list, piece by piece; gradients, a few at a time, stay in registers while it
 * passes by (tp_filter_tile.h). Where tiles do not serve, each delta is added along the lines of its window.
 */

/* What has not been listed yet of one output channel. */
typedef struct tp_unlisted {
    const float *delta;
    const uint8_t *argmax;
    uint32_t py, px; /* where they stand */
    float sum;       /* of what was kept before */
} tp_unlisted;

/* Appends a delta at output (oy, ox) to a list; returns its end. */
TP_ALWAYS_INLINE tp_kept_at *conv2d_update_append(tp_kept_at *kept, float d, uint32_t oy, uint32_t ox, tp_conv2d c)
{
    const tp_place place = tp_place_of(oy, ox, c);
    TP_COUNT(macs_backward, place.taps * tp_group_inputs(c));
    if (place.taps == 0U) {
        return kept;
    }
    kept->value = d;
    if (place.crosses) {
        kept->window = ((uint32_t)place.mask & TP_MASK_LOW) | TP_CROSSING;
        ++kept;
        kept->value = tp_float_of((uint32_t)(place.mask >> TP_MASK_LOW_TAPS));
    }
    kept->window = (uint32_t)place.start;
    return kept + 1;
}

/* Entries for all positions of a channel, `positions`, and an end, were they in one list. */
TP_ALWAYS_INLINE uint32_t conv2d_update_entries(uint32_t positions, tp_conv2d c)
{
    return (tp_windows_never_cross(c) ? 1U : 2U) * positions + 1U;
}

/* Lists kept deltas until the list is full or all are done; returns its end. */
TP_ALWAYS_INLINE tp_kept_at *conv2d_update_windows(tp_unlisted *left, tp_kept_at *kept, tp_conv2d c, tp_pool p, int skip_zeros)
{
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const int bounded = conv2d_update_entries(rows * columns, c) > TP_LISTED_WINDOWS;
    const tp_kept_at *full = kept + (bounded ? TP_LISTED_WINDOWS - 2U : 0U); /* no room for a crossing one and the end */
    for (; left->py < rows; ++left->py) {
        for (; left->px < columns; ++left->px) {
            if (bounded && kept >= full) {
                return kept;
            }
            const float d = *left->delta++;
            const uint32_t code = left->argmax != NULL ? *left->argmax++ : 0U;
            if (!skip_zeros || d != 0.0f) {
                const uint32_t oy = left->py * p.height + code / p.width, ox = left->px * p.width + code % p.width;
                kept = conv2d_update_append(kept, d, oy, ox, c);
                left->sum += d;
            }
        }
        left->px = 0U;
    }
    return kept;
}

/* One output channel. */
TP_ALWAYS_INLINE void conv2d_update_tiles(const float *x, const float *delta, const uint8_t *argmax, float *filter, float *bias,
                                          float *gradient, float rate, tp_conv2d c, tp_pool p, int skip_zeros)
{
    tp_kept_at *kept = (tp_kept_at *)(void *)(gradient + tp_filter_size(c));
    tp_unlisted left = {delta, argmax, 0U, 0U, 0.0f};
    int begun = 0, last;
    do {
        tp_kept_at *end = conv2d_update_windows(&left, kept, c, p, skip_zeros);
        end->window = TP_LISTED_END;
        last = left.py == c.out_height / p.height;
        if (begun || end != kept) {
            tp_filter_gradients(x, kept, filter, gradient, rate, c, begun, last);
            begun = 1;
        }
    } while (!last);
    if (bias != NULL) {
        *bias -= rate * left.sum;
    }
}

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

/* The same, delta by delta. */
TP_ALWAYS_INLINE void conv2d_update_lines(const float *inputs, const float *delta, const uint8_t *argmax, float *filter,
                                          float *bias, float *gradient, float rate, tp_conv2d c, tp_pool p, int skip_zeros)
{
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const uint32_t filter_size = tp_filter_size(c), group_inputs = tp_group_inputs(c);
    const uint32_t plane = c.in_height * c.in_width;
    float bias_gradient = 0.0f;
    for (uint32_t i = 0U; i < filter_size; ++i) {
        gradient[i] = 0.0f;
    }
    for (uint32_t position = 0U; position < rows * columns; ++position) {
        float d = delta[position];
        uint32_t code = argmax != NULL ? argmax[position] : 0U;
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
        *bias -= rate * bias_gradient;
    }
}

/* gradient: room for one filter [group inputs][kh][kw] and, behind it, a list of windows: TP_LISTED_WINDOWS, or twice the
 * positions of a channel and an end where that is less. */
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
    const uint32_t pooled = (c.out_height / p.height) * (c.out_width / p.width);
    for (uint32_t co = 0U; co < c.out_channels; ++co, weight += tp_filter_size(c), delta += pooled) {
        const float *inputs = x + tp_group_start(co, c);
        float *of_channel = bias != NULL ? bias + co : NULL;
        if (tp_tiles_serve(c)) {
            conv2d_update_tiles(inputs, delta, argmax, weight, of_channel, gradient, rate, c, p, skip_zeros);
        } else {
            conv2d_update_lines(inputs, delta, argmax, weight, of_channel, gradient, rate, c, p, skip_zeros);
        }
        argmax += argmax != NULL ? pooled : 0U;
    }
}
