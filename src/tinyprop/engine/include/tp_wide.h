/* SPDX-License-Identifier: Apache-2.0 */
/* Wide kernels: on cores with vector units convolutions compute eight results at a time, when TP_WIDE is defined.
 *
 * A lane is a result with its one accumulator, so each sums the same terms in the same order as the plain kernel: the
 * same bits. Two liberties are taken that change none of them: images are copied with a border of zeros, so that no
 * window needs to know where it lies, and feature maps and filters are turned so that what lanes read are neighbours.
 * Both take stack (up to 200 KiB), which is why TP_WIDE is for computers: the host engine defines it, firmware does not.
 * Counts are those of the plain kernel. Only kernels that are inlined are wide: shapes have to be literals.
 */
#ifndef TP_WIDE_H
#define TP_WIDE_H

#include "tp_kernels.h"
#include "tp_window.h"

#if defined(TP_WIDE) && TP_INLINE_KERNELS && defined(__GNUC__)
#define TP_WIDE_KERNELS 1
#else
#define TP_WIDE_KERNELS 0
#endif

#if TP_WIDE_KERNELS
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are passed to functions that are always inlined */

#define TP_LANES 8U
#define TP_WIDE_ROOM 16384U /* floats of one turned map or filter bank on the stack */
#define TP_WIDE_LIST 1024U  /* deltas of one channel */

typedef float tp_lanes __attribute__((vector_size(32)));
typedef int32_t tp_lane_bits __attribute__((vector_size(32)));
typedef struct __attribute__((packed, may_alias)) tp_lanes_anywhere {
    tp_lanes v __attribute__((aligned(4)));
} tp_lanes_anywhere;

TP_ALWAYS_INLINE tp_lanes tp_lanes_load(const float *from)
{
    return ((const tp_lanes_anywhere *)(const void *)from)->v;
}

TP_ALWAYS_INLINE void tp_lanes_store(float *to, tp_lanes v)
{
    ((tp_lanes_anywhere *)(void *)to)->v = v;
}

TP_ALWAYS_INLINE tp_lanes tp_lanes_all(float v)
{
    return (tp_lanes){v, v, v, v, v, v, v, v};
}

/* a where mask is set, else b; lanes of a mask are all ones or all zeros. */
TP_ALWAYS_INLINE tp_lanes tp_lanes_where(tp_lane_bits mask, tp_lanes a, tp_lanes b)
{
    return (tp_lanes)((mask & (tp_lane_bits)a) | (~mask & (tp_lane_bits)b));
}

TP_ALWAYS_INLINE tp_lanes tp_lanes_relu(tp_lanes v)
{
    return (tp_lanes)((tp_lane_bits)v & (v > tp_lanes_all(0.0f)));
}

/* Channels, filled up to whole vectors. */
TP_ALWAYS_INLINE uint32_t tp_wide_up(uint32_t channels)
{
    return (channels + TP_LANES - 1U) / TP_LANES * TP_LANES;
}

/* Inputs of one axis with the padding in front, and as much behind as windows reach into. */
TP_ALWAYS_INLINE uint32_t tp_wide_extent(uint32_t inputs, uint32_t pad, uint32_t outputs, uint32_t stride, uint32_t kernel)
{
    const uint32_t read = (outputs - 1U) * stride + kernel;
    return pad + inputs < read ? read : pad + inputs;
}

TP_ALWAYS_INLINE uint32_t tp_wide_height(tp_conv2d c)
{
    return tp_wide_extent(c.in_height, c.pad_height, c.out_height, c.stride_height, c.kernel_height);
}

TP_ALWAYS_INLINE uint32_t tp_wide_width(tp_conv2d c)
{
    return tp_wide_extent(c.in_width, c.pad_width, c.out_width, c.stride_width, c.kernel_width);
}

/* Whether windows read padding: else maps may stay where they are. */
TP_ALWAYS_INLINE int tp_wide_padded(tp_conv2d c)
{
    return tp_wide_height(c) != c.in_height || tp_wide_width(c) != c.in_width;
}

/* Floats of `channels` maps with their border, and the zeros behind them. */
TP_ALWAYS_INLINE uint32_t tp_wide_map_room(tp_conv2d c, uint32_t channels)
{
    return tp_wide_height(c) * tp_wide_width(c) * channels + TP_LANES;
}

/* Whether a convolution has one group, no gaps, and a turned map and filters that fit into their room. */
TP_ALWAYS_INLINE int tp_wide_fits(tp_conv2d c, uint32_t map_channels, uint32_t filters)
{
    return c.groups == 1U && c.dilation_height == 1U && c.dilation_width == 1U && c.kernel_width <= TP_LANES
           && tp_wide_map_room(c, map_channels) <= TP_WIDE_ROOM && filters <= TP_WIDE_ROOM;
}

/* Taps of the window of one output inside the image. */
TP_ALWAYS_INLINE uint32_t tp_wide_taps_at(uint32_t oy, uint32_t ox, tp_conv2d c)
{
    const tp_taps ty = tp_taps_y(oy, c), tx = tp_taps_x(ox, c);
    return (ty.last - ty.first) * (tx.last - tx.first);
}

/* to[channel][y][x]: the maps x with their border of zeros, and TP_LANES zeros behind them. */
TP_ALWAYS_INLINE void tp_wide_bordered(float *to, const float *x, tp_conv2d c)
{
    const uint32_t width = tp_wide_width(c), plane = tp_wide_height(c) * width;
    for (uint32_t i = 0U; i < tp_wide_map_room(c, c.in_channels); ++i) {
        to[i] = 0.0f;
    }
    for (uint32_t row = 0U; row < c.in_channels * c.in_height; ++row) {
        float *line = to + row / c.in_height * plane + (row % c.in_height + c.pad_height) * width + c.pad_width;
        for (uint32_t ix = 0U; ix < c.in_width; ++ix) {
            line[ix] = *x++;
        }
    }
}

/* to[y][x][channel]: the same, turned, channels filled up with zeros. */
TP_ALWAYS_INLINE void tp_wide_turned(float *to, const float *x, tp_conv2d c)
{
    const uint32_t channels = tp_wide_up(c.in_channels), width = tp_wide_width(c);
    const uint32_t plane = c.in_height * c.in_width;
    if (tp_wide_padded(c) || channels != c.in_channels) {
        for (uint32_t i = 0U; i < tp_wide_height(c) * width * channels; ++i) {
            to[i] = 0.0f;
        }
    }
    for (uint32_t iy = 0U; iy < c.in_height; ++iy) {
        float *line = to + ((iy + c.pad_height) * width + c.pad_width) * channels;
        for (uint32_t ix = 0U; ix < c.in_width; ++ix, ++x, line += channels) {
            for (uint32_t ci = 0U; ci < c.in_channels; ++ci) {
                line[ci] = x[ci * plane];
            }
        }
    }
}
#endif

#endif
