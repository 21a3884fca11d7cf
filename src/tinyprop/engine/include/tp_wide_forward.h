/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution forward, eight or sixteen output channels of four positions at a time, with or without a pool of 2 by 2.
 *
 * Sums: bias, then (ci, ky, kx) ascending, as in the plain kernels.
 */
#ifndef TP_WIDE_FORWARD_H
#define TP_WIDE_FORWARD_H

#include "tp_wide.h"

#if TP_WIDE_KERNELS

TP_ALWAYS_INLINE int tp_wide_fits_forward(tp_conv2d c)
{
    return tp_wide_fits(c, c.in_channels, c.in_channels * c.kernel_height * c.kernel_width * tp_wide_up(c.out_channels));
}

/* What a tile reads: maps[ci][y][x] with their border; taps[ci][ky][kx][co] and bias[co], channels filled up. */
typedef struct tp_wide_source {
    const float *maps, *taps, *bias;
} tp_wide_source;

/* to[ci][ky][kx][co] from weight[co][ci][ky][kx]. */
TP_ALWAYS_INLINE void tp_wide_filters(float *to, const float *weight, tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.out_channels), filter_size = tp_filter_size(c);
    for (uint32_t tap = 0U; tap < filter_size; ++tap, to += channels, ++weight) {
        for (uint32_t co = 0U; co < channels; ++co) {
            to[co] = co < c.out_channels ? weight[co * filter_size] : 0.0f;
        }
    }
}

TP_ALWAYS_INLINE void tp_wide_biases(float *to, const float *bias, tp_conv2d c)
{
    for (uint32_t co = 0U; co < tp_wide_up(c.out_channels); ++co) {
        to[co] = co < c.out_channels && bias != NULL ? bias[co] : 0.0f;
    }
}

/* sums[p][v] of four windows at starts[p] and `vectors` vectors of channels, a literal of 1 or 2, from channel `first`. */
TP_ALWAYS_INLINE void tp_wide_tile(tp_wide_source s, const uint32_t starts[4], uint32_t first, tp_lanes sums[4][2],
                                   tp_conv2d c, uint32_t vectors)
{
    const uint32_t width = tp_wide_width(c), plane = tp_wide_height(c) * width, channels = tp_wide_up(c.out_channels);
    const float *taps = s.taps + first, *map = s.maps;
    tp_lanes a[4], b[4];
    for (uint32_t p = 0U; p < 4U; ++p) {
        a[p] = tp_lanes_load(s.bias + first);
        b[p] = vectors > 1U ? tp_lanes_load(s.bias + first + TP_LANES) : a[p];
    }
    for (uint32_t ci = 0U; ci < c.in_channels; ++ci, map += plane) {
        for (uint32_t ky = 0U; ky < c.kernel_height; ++ky) {
            for (uint32_t kx = 0U; kx < c.kernel_width; ++kx, taps += channels) {
                const float *at = map + ky * width + kx;
                const tp_lanes w = tp_lanes_load(taps), next = vectors > 1U ? tp_lanes_load(taps + TP_LANES) : w;
                for (uint32_t p = 0U; p < 4U; ++p) {
                    const tp_lanes v = tp_lanes_all(at[starts[p]]);
                    a[p] += w * v;
                    if (vectors > 1U) {
                        b[p] += next * v;
                    }
                }
            }
        }
    }
    for (uint32_t p = 0U; p < 4U; ++p) {
        sums[p][0] = a[p];
        sums[p][1] = b[p];
    }
}

/* Four positions at a time; the last four may overlap those before, and compute the same again. */
TP_ALWAYS_INLINE void tp_wide_channels(tp_wide_source s, float *y, uint32_t first, tp_conv2d c, int relu,
                                       uint32_t vectors)
{
    const uint32_t positions = c.out_height * c.out_width;
    for (uint32_t n = 0U; n < positions; n += 4U) {
        uint32_t starts[4], at[4];
        tp_lanes sums[4][2];
        for (uint32_t p = 0U; p < 4U; ++p) {
            at[p] = n + p < positions ? n + p : positions - 1U;
            starts[p] = at[p] / c.out_width * c.stride_height * tp_wide_width(c) + at[p] % c.out_width * c.stride_width;
        }
        tp_wide_tile(s, starts, first, sums, c, vectors);
        for (uint32_t p = 0U; p < 4U; ++p) {
            for (uint32_t v = 0U; v < vectors; ++v) {
                const tp_lanes result = relu ? tp_lanes_relu(sums[p][v]) : sums[p][v];
                for (uint32_t lane = 0U; lane < TP_LANES; ++lane) {
                    const uint32_t co = first + v * TP_LANES + lane;
                    if (co < c.out_channels) {
                        y[co * positions + at[p]] = result[lane];
                    }
                }
            }
        }
    }
}

TP_ALWAYS_INLINE void tp_wide_fwd(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c, int relu)
{
    float maps[TP_WIDE_ROOM], taps[TP_WIDE_ROOM], biases[TP_WIDE_ROOM / TP_LANES];
    const tp_wide_source s = {tp_wide_padded(c) ? maps : x, taps, biases};
    uint32_t co = 0U;
    if (tp_wide_padded(c)) {
        tp_wide_bordered(maps, x, c);
    }
    tp_wide_filters(taps, weight, c);
    tp_wide_biases(biases, bias, c);
    for (; co + 2U * TP_LANES <= tp_wide_up(c.out_channels); co += 2U * TP_LANES) {
        tp_wide_channels(s, y, co, c, relu, 2U);
    }
    if (co < c.out_channels) {
        tp_wide_channels(s, y, co, c, relu, 1U);
    }
    TP_COUNT(macs_forward, c.out_channels * c.in_channels * tp_sum_of_taps_y(c.out_height, c) * tp_sum_of_taps_x(c.out_width, c));
}

/* One row of pooled positions of `vectors` vectors of channels. argmax, NULL if it is not wanted: a byte each, or packed as
 * tp_packed_place reads it. */
TP_ALWAYS_INLINE void tp_wide_pool_row(tp_wide_source s, float *y, uint8_t *argmax, uint32_t py, uint32_t first,
                                       tp_conv2d c, int relu, int packed, uint32_t vectors)
{
    const uint32_t rows = c.out_height / 2U, columns = c.out_width / 2U;
    const uint32_t row_bytes = packed ? tp_packed_bytes(columns) : columns;
    tp_lane_bits held[2] = {{0}, {0}};
    for (uint32_t px = 0U; px < columns; ++px) {
        uint32_t starts[4];
        tp_lanes sums[4][2];
        for (uint32_t p = 0U; p < 4U; ++p) {
            starts[p] = (2U * py + p / 2U) * c.stride_height * tp_wide_width(c) + (2U * px + p % 2U) * c.stride_width;
        }
        tp_wide_tile(s, starts, first, sums, c, vectors);
        const uint32_t slot = packed ? px % 4U : 0U;
        for (uint32_t v = 0U; v < vectors; ++v) {
            tp_lanes best = sums[0][v];
            tp_lane_bits place = {0};
            for (int32_t p = 1; p < 4; ++p) {
                const tp_lane_bits larger = sums[p][v] > best;
                best = tp_lanes_where(larger, sums[p][v], best);
                place = (larger & p) | (~larger & place);
            }
            best = relu ? tp_lanes_relu(best) : best;
            held[v] = slot == 0U ? place : held[v] | place << (int32_t)(2U * slot);
            for (uint32_t lane = 0U; lane < TP_LANES; ++lane) {
                const uint32_t co = first + v * TP_LANES + lane;
                if (co < c.out_channels) {
                    y[(co * rows + py) * columns + px] = best[lane];
                    if (argmax != NULL && (!packed || slot == 3U || px + 1U == columns)) {
                        argmax[(co * rows + py) * row_bytes + (packed ? px / 4U : px)] = (uint8_t)held[v][lane];
                    }
                }
            }
        }
    }
}

TP_ALWAYS_INLINE void tp_wide_pool_fwd(const float *x, const float *weight, const float *bias, float *y, uint8_t *argmax,
                                       tp_conv2d c, int relu, int packed)
{
    float maps[TP_WIDE_ROOM], taps[TP_WIDE_ROOM], biases[TP_WIDE_ROOM / TP_LANES];
    const tp_wide_source s = {tp_wide_padded(c) ? maps : x, taps, biases};
    if (tp_wide_padded(c)) {
        tp_wide_bordered(maps, x, c);
    }
    tp_wide_filters(taps, weight, c);
    tp_wide_biases(biases, bias, c);
    for (uint32_t py = 0U; py < c.out_height / 2U; ++py) {
        uint32_t co = 0U;
        for (; co + 2U * TP_LANES <= tp_wide_up(c.out_channels); co += 2U * TP_LANES) {
            tp_wide_pool_row(s, y, argmax, py, co, c, relu, packed, 2U);
        }
        if (co < c.out_channels) {
            tp_wide_pool_row(s, y, argmax, py, co, c, relu, packed, 1U);
        }
    }
    TP_COUNT(macs_forward, c.out_channels * c.in_channels * tp_sum_of_taps_y(c.out_height & ~1U, c)
                               * tp_sum_of_taps_x(c.out_width & ~1U, c));
}
#endif

#endif
