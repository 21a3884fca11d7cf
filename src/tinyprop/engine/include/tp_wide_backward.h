/* SPDX-License-Identifier: Apache-2.0 */
/* What a convolution sends down and what its weights learn, eight input channels at a time, from the deltas that are
 * kept; with a pool of 2 by 2 behind it or without one.
 *
 * Sums: errors over (py, px, dy, dx, co), gradients over (py, px), ascending, as in the plain kernels.
 */
#ifndef TP_WIDE_BACKWARD_H
#define TP_WIDE_BACKWARD_H

#include "tp_wide.h"

#if TP_WIDE_KERNELS

TP_ALWAYS_INLINE int tp_wide_fits_error(tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.in_channels);
    return tp_wide_fits(c, channels, c.out_channels * c.kernel_height * c.kernel_width * channels)
           && c.out_channels < TP_WIDE_LIST / 4U;
}

/* Input channels as the gradients read them: one alone stays as it is. */
TP_ALWAYS_INLINE uint32_t tp_wide_inputs(tp_conv2d c)
{
    return c.in_channels == 1U ? 1U : tp_wide_up(c.in_channels);
}

TP_ALWAYS_INLINE int tp_wide_fits_update(tp_conv2d c)
{
    return tp_wide_fits(c, tp_wide_inputs(c), 0U) && c.out_height * c.out_width < TP_WIDE_LIST;
}

/* A delta and what it meets: the offset of its filter, or of its window. */
typedef struct tp_wide_kept {
    float value;
    uint32_t offset;
} tp_wide_kept;

/* Where deltas are. argmax: a byte each, packed, or NULL without a pool; pool: 1 or 2, its height and width. */
typedef struct tp_wide_deltas {
    const float *delta;
    const uint8_t *argmax;
    uint32_t pool, rows, columns;
    int packed;
} tp_wide_deltas;

TP_ALWAYS_INLINE tp_wide_deltas tp_wide_deltas_of(const float *delta, const uint8_t *argmax, tp_conv2d c, uint32_t pool,
                                                  int packed)
{
    return (tp_wide_deltas){delta, argmax, pool, c.out_height / pool, c.out_width / pool, packed};
}

/* The place in its pool, dy * 2 + dx, of what channel co sent on from position (py, px). */
TP_ALWAYS_INLINE uint32_t tp_wide_place(tp_wide_deltas d, uint32_t co, uint32_t py, uint32_t px)
{
    const uint32_t row = co * d.rows + py;
    return d.argmax == NULL ? 0U
           : d.packed       ? tp_packed_place(d.argmax + row * tp_packed_bytes(d.columns), px)
                            : d.argmax[row * d.columns + px];
}

/* Rows of taps, all columns, that are done together: as many as fit into the registers. */
TP_ALWAYS_INLINE uint32_t tp_wide_rows(tp_conv2d c)
{
    const uint32_t rows = 10U / c.kernel_width;
    return rows < 1U ? 1U : rows < c.kernel_height ? rows : c.kernel_height;
}

#define TP_WIDE_SUMS 10U

/* `rows` rows of taps, a literal: what one vector of input channels at `at` is sent. taps: of the first of these rows. */
TP_ALWAYS_INLINE void tp_wide_spread(float *at, const float *taps, const tp_wide_kept *kept, const tp_wide_kept *end,
                                     tp_conv2d c, uint32_t rows)
{
    const uint32_t channels = tp_wide_up(c.in_channels), line = tp_wide_width(c) * channels, k = c.kernel_width;
    tp_lanes sums[TP_WIDE_SUMS];
    for (uint32_t i = 0U; i < rows * k; ++i) {
        sums[i] = tp_lanes_load(at + i / k * line + i % k * channels);
    }
    for (; kept != end; ++kept) {
        const tp_lanes d = tp_lanes_all(kept->value);
        const float *w = taps + kept->offset;
        for (uint32_t i = 0U; i < rows * k; ++i) {
            sums[i] += tp_lanes_load(w + i * channels) * d;
        }
    }
    for (uint32_t i = 0U; i < rows * k; ++i) {
        tp_lanes_store(at + i / k * line + i % k * channels, sums[i]);
    }
}

/* All taps and input channels of one window. */
TP_ALWAYS_INLINE void tp_wide_spread_window(float *at, const float *taps, const tp_wide_kept *kept,
                                            const tp_wide_kept *end, tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.in_channels), line = tp_wide_width(c) * channels;
    const uint32_t rows = tp_wide_rows(c), rest = c.kernel_height % rows, of_row = c.kernel_width * channels;
    for (uint32_t ci = 0U; ci < channels; ci += TP_LANES) {
        uint32_t ky = 0U;
        for (; ky + rows <= c.kernel_height; ky += rows) {
            tp_wide_spread(at + ky * line + ci, taps + ky * of_row + ci, kept, end, c, rows);
        }
        if (rest != 0U) {
            tp_wide_spread(at + ky * line + ci, taps + ky * of_row + ci, kept, end, c, rest);
        }
    }
}

/* Lists the deltas of one position by their place; counts them. */
TP_ALWAYS_INLINE void tp_wide_list(tp_wide_deltas d, uint32_t py, uint32_t px, tp_wide_kept listed[4][TP_WIDE_LIST / 4U],
                                   uint32_t count[4], tp_conv2d c, int skip_zeros)
{
    const uint32_t filter = c.kernel_height * c.kernel_width * tp_wide_up(c.in_channels);
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        const float value = d.delta[(co * d.rows + py) * d.columns + px];
        const uint32_t place = tp_wide_place(d, co, py, px);
        listed[place][count[place]] = (tp_wide_kept){value, co * filter};
        count[place] += !skip_zeros || value != 0.0f ? 1U : 0U; /* without a branch that nobody can foresee */
    }
}

/* to[co][ky][kx][ci] from weight[co][ci][ky][kx]. */
TP_ALWAYS_INLINE void tp_wide_turned_filters(float *to, const float *weight, tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.in_channels), taps = c.kernel_height * c.kernel_width;
    for (uint32_t co = 0U; co < c.out_channels; ++co, weight += c.in_channels * taps) {
        for (uint32_t tap = 0U; tap < taps; ++tap, to += channels) {
            for (uint32_t ci = 0U; ci < channels; ++ci) {
                to[ci] = ci < c.in_channels ? weight[ci * taps + tap] : 0.0f;
            }
        }
    }
}

/* error[ci][y][x] from field[y][x][ci], where the ReLU that x left lets it pass; x is NULL where none masks. */
TP_ALWAYS_INLINE void tp_wide_errors(float *error, const float *field, const float *x, tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.in_channels), plane = c.in_height * c.in_width;
    for (uint32_t ci = 0U; ci < c.in_channels; ++ci) {
        for (uint32_t iy = 0U; iy < c.in_height; ++iy) {
            const float *line = field + ((iy + c.pad_height) * tp_wide_width(c) + c.pad_width) * channels + ci;
            for (uint32_t ix = 0U; ix < c.in_width; ++ix) {
                const uint32_t at = ci * plane + iy * c.in_width + ix;
                const float sum = line[ix * channels];
                error[at] = x != NULL && tp_bits_of(x[at]) == 0U ? 0.0f : sum;
            }
        }
    }
}

/* x: NULL where no ReLU masks. */
TP_ALWAYS_INLINE void tp_wide_error(const float *x, tp_wide_deltas d, const float *weight, float *error, tp_conv2d c,
                                    int skip_zeros)
{
    const uint32_t channels = tp_wide_up(c.in_channels);
    float field[TP_WIDE_ROOM], taps[TP_WIDE_ROOM];
    tp_wide_kept listed[4][TP_WIDE_LIST / 4U];
    for (uint32_t i = 0U; i < tp_wide_height(c) * tp_wide_width(c) * channels; ++i) {
        field[i] = 0.0f;
    }
    tp_wide_turned_filters(taps, weight, c);
    for (uint32_t py = 0U; py < d.rows; ++py) {
        for (uint32_t px = 0U; px < d.columns; ++px) {
            uint32_t count[4] = {0U, 0U, 0U, 0U};
            tp_wide_list(d, py, px, listed, count, c, skip_zeros);
            for (uint32_t place = 0U; place < d.pool * d.pool; ++place) {
                const uint32_t oy = d.pool * py + place / 2U, ox = d.pool * px + place % 2U;
                const tp_wide_kept *kept = listed[place];
                if (count[place] != 0U) {
                    float *at = field + (oy * c.stride_height * tp_wide_width(c) + ox * c.stride_width) * channels;
                    tp_wide_spread_window(at, taps, kept, kept + count[place], c);
                    TP_COUNT(macs_backward, tp_wide_taps_at(oy, ox, c) * c.in_channels * count[place]);
                }
            }
        }
    }
    tp_wide_errors(error, field, x, c);
}

/* `rows` rows of taps, a literal: the gradients of one vector of input channels; maps[y][x][ci], from that vector on. */
TP_ALWAYS_INLINE void tp_wide_gather(const float *maps, const tp_wide_kept *kept, const tp_wide_kept *end, float *weight,
                                     float rate, tp_conv2d c, uint32_t rows, uint32_t inputs)
{
    const uint32_t channels = tp_wide_up(c.in_channels), line = tp_wide_width(c) * channels, k = c.kernel_width;
    const uint32_t taps = c.kernel_height * k;
    tp_lanes sums[TP_WIDE_SUMS];
    for (uint32_t i = 0U; i < rows * k; ++i) {
        sums[i] = tp_lanes_all(0.0f);
    }
    for (; kept != end; ++kept) {
        const tp_lanes d = tp_lanes_all(kept->value);
        const float *at = maps + kept->offset;
        for (uint32_t i = 0U; i < rows * k; ++i) {
            sums[i] += d * tp_lanes_load(at + i / k * line + i % k * channels);
        }
    }
    for (uint32_t i = 0U; i < rows * k; ++i) {
        for (uint32_t lane = 0U; lane < TP_LANES; ++lane) {
            if (lane < inputs) {
                weight[lane * taps + i] -= rate * sums[i][lane];
            }
        }
    }
}

/* One input channel alone: lanes are neighbouring taps, eight at most, of `rows` rows, a literal; maps[y][x]. */
TP_ALWAYS_INLINE void tp_wide_gather_one(const float *maps, const tp_wide_kept *kept, const tp_wide_kept *end,
                                         float *weight, float rate, tp_conv2d c, uint32_t rows)
{
    tp_lanes sums[TP_WIDE_SUMS];
    for (uint32_t i = 0U; i < rows; ++i) {
        sums[i] = tp_lanes_all(0.0f);
    }
    for (; kept != end; ++kept) {
        const tp_lanes d = tp_lanes_all(kept->value);
        for (uint32_t i = 0U; i < rows; ++i) {
            sums[i] += d * tp_lanes_load(maps + kept->offset + i * tp_wide_width(c));
        }
    }
    for (uint32_t i = 0U; i < rows; ++i) {
        for (uint32_t kx = 0U; kx < c.kernel_width; ++kx) {
            weight[i * c.kernel_width + kx] -= rate * sums[i][kx];
        }
    }
}

/* All gradients of one output channel, whose deltas are listed. */
TP_ALWAYS_INLINE void tp_wide_learn(const float *maps, const tp_wide_kept *kept, const tp_wide_kept *end, float *weight,
                                    float rate, tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.in_channels), line = tp_wide_width(c) * channels;
    const uint32_t rows = tp_wide_rows(c), rest = c.kernel_height % rows, taps = c.kernel_height * c.kernel_width;
    if (c.in_channels == 1U) {
        const uint32_t tens = c.kernel_height / TP_WIDE_SUMS * TP_WIDE_SUMS;
        for (uint32_t ky = 0U; ky < tens; ky += TP_WIDE_SUMS) {
            tp_wide_gather_one(maps + ky * tp_wide_width(c), kept, end, weight + ky * c.kernel_width, rate, c, TP_WIDE_SUMS);
        }
        tp_wide_gather_one(maps + tens * tp_wide_width(c), kept, end, weight + tens * c.kernel_width, rate, c,
                           c.kernel_height % TP_WIDE_SUMS);
        return;
    }
    for (uint32_t ci = 0U; ci < channels; ci += TP_LANES, maps += TP_LANES, weight += TP_LANES * taps) {
        const uint32_t inputs = c.in_channels - ci;
        uint32_t ky = 0U;
        for (; ky + rows <= c.kernel_height; ky += rows) {
            tp_wide_gather(maps + ky * line, kept, end, weight + ky * c.kernel_width, rate, c, rows, inputs);
        }
        if (rest != 0U) {
            tp_wide_gather(maps + ky * line, kept, end, weight + ky * c.kernel_width, rate, c, rest, inputs);
        }
    }
}

/* bias[co] -= rate * sum over its deltas, eight channels side by side: one sum waits for its last addition. */
TP_ALWAYS_INLINE void tp_wide_channel_biases(float *bias, const float *delta, float rate, uint32_t channels, uint32_t size)
{
    uint32_t co = 0U;
    for (; co + 8U <= channels; co += 8U, delta += 8U * size) {
        float sums[8] = {0.0f};
        for (uint32_t p = 0U; p < size; ++p) {
            for (uint32_t i = 0U; i < 8U; ++i) {
                sums[i] += delta[i * size + p];
            }
        }
        for (uint32_t i = 0U; i < 8U; ++i) {
            bias[co + i] -= rate * sums[i];
        }
    }
    for (; co < channels; ++co, delta += size) {
        float sum = 0.0f;
        for (uint32_t p = 0U; p < size; ++p) {
            sum += delta[p];
        }
        bias[co] -= rate * sum;
    }
}

/* bias may be NULL. */
TP_ALWAYS_INLINE void tp_wide_update(const float *x, tp_wide_deltas d, float *weight, float *bias, float rate, tp_conv2d c,
                                     int skip_zeros)
{
    const uint32_t channels = tp_wide_inputs(c);
    float maps[TP_WIDE_ROOM];
    tp_wide_kept kept[TP_WIDE_LIST];
    if (c.in_channels == 1U) {
        tp_wide_bordered(maps, x, c);
    } else {
        tp_wide_turned(maps, x, c);
    }
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        const float *delta = d.delta + co * d.rows * d.columns;
        uint32_t count = 0U;
        for (uint32_t py = 0U; py < d.rows; ++py) {
            for (uint32_t px = 0U; px < d.columns; ++px, ++delta) {
                const uint32_t place = tp_wide_place(d, co, py, px);
                const uint32_t oy = d.pool * py + place / 2U, ox = d.pool * px + place % 2U;
                const uint32_t at = oy * c.stride_height * tp_wide_width(c) + ox * c.stride_width;
                const uint32_t learns = !skip_zeros || *delta != 0.0f ? 1U : 0U;
                kept[count] = (tp_wide_kept){*delta, at * channels};
                count += learns;
                TP_COUNT(macs_backward, learns * c.in_channels * tp_wide_taps_at(oy, ox, c));
            }
        }
        tp_wide_learn(maps, kept, kept + count, weight + co * tp_filter_size(c), rate, c);
    }
    if (bias != NULL) {
        tp_wide_channel_biases(bias, d.delta, rate, c.out_channels, d.rows * d.columns);
    }
}
#endif

#endif
