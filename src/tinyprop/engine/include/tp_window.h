/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a convolution's window that lies inside the image: what every generic convolution kernel shares. */
#ifndef TP_WINDOW_H
#define TP_WINDOW_H

#include "tp_kernels.h"

/* Taps [first, last) of a window whose tap 0 lies at `start` (negative: in the padding). */
typedef struct tp_taps {
    int32_t start;
    uint32_t first, last;
} tp_taps;

/* start: what tap 0 reads of `size` inputs, which is padding below 0. */
TP_ALWAYS_INLINE tp_taps tp_taps_from(int32_t start, uint32_t kernel, uint32_t dilation, uint32_t size)
{
    tp_taps taps = {start, 0U, kernel};
    const int32_t room = (int32_t)size - taps.start;
    if (taps.start < 0) {
        taps.first = ((uint32_t)-taps.start + dilation - 1U) / dilation;
    }
    if (room < (int32_t)(dilation * (kernel - 1U) + 1U)) {
        taps.last = room < 0 ? 0U : ((uint32_t)room + dilation - 1U) / dilation;
    }
    if (taps.first > taps.last) {
        taps.first = taps.last;
    }
    return taps;
}

TP_ALWAYS_INLINE tp_taps tp_taps_inside(uint32_t output, uint32_t stride, uint32_t pad, uint32_t kernel,
                                        uint32_t dilation, uint32_t size)
{
    return tp_taps_from((int32_t)(output * stride) - (int32_t)pad, kernel, dilation, size);
}

TP_ALWAYS_INLINE tp_taps tp_taps_y(uint32_t oy, tp_conv2d c)
{
    return tp_taps_inside(oy, c.stride_height, c.pad_height, c.kernel_height, c.dilation_height, c.in_height);
}

TP_ALWAYS_INLINE tp_taps tp_taps_x(uint32_t ox, tp_conv2d c)
{
    return tp_taps_inside(ox, c.stride_width, c.pad_width, c.kernel_width, c.dilation_width, c.in_width);
}

/* Rows and columns from the first tap of a window to its last, both included. */
TP_ALWAYS_INLINE uint32_t tp_reach_y(tp_conv2d c)
{
    return c.dilation_height * (c.kernel_height - 1U) + 1U;
}

TP_ALWAYS_INLINE uint32_t tp_reach_x(tp_conv2d c)
{
    return c.dilation_width * (c.kernel_width - 1U) + 1U;
}

/* Taps inside the image over `outputs` positions of one axis. */
TP_ALWAYS_INLINE uint32_t tp_sum_of_taps_y(uint32_t outputs, tp_conv2d c)
{
    uint32_t taps = 0U;
    for (uint32_t oy = 0U; oy < outputs; ++oy) {
        taps += tp_taps_y(oy, c).last - tp_taps_y(oy, c).first;
    }
    return taps;
}

TP_ALWAYS_INLINE uint32_t tp_sum_of_taps_x(uint32_t outputs, tp_conv2d c)
{
    uint32_t taps = 0U;
    for (uint32_t ox = 0U; ox < outputs; ++ox) {
        taps += tp_taps_x(ox, c).last - tp_taps_x(ox, c).first;
    }
    return taps;
}

/* Taps inside the image over all positions of one channel. */
TP_ALWAYS_INLINE uint32_t tp_all_taps_inside(tp_conv2d c)
{
    return tp_sum_of_taps_y(c.out_height, c) * tp_sum_of_taps_x(c.out_width, c);
}

/* Offset in a plane of the input of row `ky`, tap 0 of its columns may be left of it. */
TP_ALWAYS_INLINE uint32_t tp_tap_line(tp_taps ty, uint32_t ky, tp_conv2d c)
{
    return (uint32_t)(ty.start + (int32_t)(ky * c.dilation_height)) * c.in_width;
}

/* Column of the input under tap `kx`, which is inside. */
TP_ALWAYS_INLINE uint32_t tp_tap_column(tp_taps tx, uint32_t kx, tp_conv2d c)
{
    return (uint32_t)(tx.start + (int32_t)(kx * c.dilation_width));
}

/* Input channels that one output channel reads, and the weights of its filter. */
TP_ALWAYS_INLINE uint32_t tp_group_inputs(tp_conv2d c)
{
    return c.in_channels / c.groups;
}

TP_ALWAYS_INLINE uint32_t tp_filter_size(tp_conv2d c)
{
    return tp_group_inputs(c) * c.kernel_height * c.kernel_width;
}

/* Offset in the input of the first channel that output channel co reads. */
TP_ALWAYS_INLINE uint32_t tp_group_start(uint32_t co, tp_conv2d c)
{
    return co / (c.out_channels / c.groups) * tp_group_inputs(c) * c.in_height * c.in_width;
}

/* How many output channels, which read the same inputs, a general kernel computes at a time: 1 to 8. */
TP_ALWAYS_INLINE uint32_t tp_outputs_block(tp_conv2d c)
{
    const uint32_t of_group = c.out_channels / c.groups;
    return !TP_INLINE_KERNELS ? 1U : of_group < 8U ? of_group : 8U;
}

#define TP_EACH_OUTPUT(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define TP_START(o) float s##o = outputs > (o) && bias != NULL ? bias[o] : 0.0f;
#define TP_ADD(o) \
    if (outputs > (o)) { \
        s##o += taps[(o) * filter_size + kx] * v; \
    }
#define TP_FINISH(o) sums[o] = s##o;

/* `outputs` channels, a literal of at most 8, at one position: bias + sum over channel, ky, kx, ascending. x: the first
 * channel of their group; filter[outputs][group inputs][kh][kw]. */
TP_ALWAYS_INLINE void tp_conv2d_outputs(const float *x, const float *filter, const float *bias, float sums[8],
                                        uint32_t oy, uint32_t ox, tp_conv2d c, uint32_t outputs)
{
    const tp_taps ty = tp_taps_y(oy, c), tx = tp_taps_x(ox, c);
    const uint32_t channels = tp_group_inputs(c), plane = c.in_height * c.in_width, filter_size = tp_filter_size(c);
    TP_EACH_OUTPUT(TP_START)
    for (uint32_t ci = 0U; ci < channels; ++ci) {
        for (uint32_t ky = ty.first; ky < ty.last; ++ky) {
            const float *line = x + ci * plane + tp_tap_line(ty, ky, c);
            const float *taps = filter + (ci * c.kernel_height + ky) * c.kernel_width;
            TP_ROLLED for (uint32_t kx = tx.first; kx < tx.last; ++kx) {
                const float v = line[tp_tap_column(tx, kx, c)];
                TP_EACH_OUTPUT(TP_ADD)
            }
        }
    }
    TP_COUNT(macs_forward, outputs * channels * (ty.last - ty.first) * (tx.last - tx.first));
    TP_EACH_OUTPUT(TP_FINISH)
}

#undef TP_EACH_OUTPUT
#undef TP_START
#undef TP_ADD
#undef TP_FINISH

/* to[k * to_step] += from[k * from_step] * factor for the taps of one line. */
TP_ALWAYS_INLINE void tp_add_line(float *to, uint32_t to_step, const float *from, uint32_t from_step, float factor,
                                  uint32_t taps)
{
    for (uint32_t k = 0U; k < taps; ++k) {
        to[k * to_step] += from[k * from_step] * factor;
    }
}

/* The rest serves the kernels for 3 by 3 taps, padding 1, behind a pool of 2 by 2: which borders of the image a window
 * crosses. Opposite borders never meet in an image that a pool of 2 by 2 fits in. */
#define TP_EDGE_TOP 1U
#define TP_EDGE_BOTTOM 2U
#define TP_EDGE_LEFT 4U
#define TP_EDGE_RIGHT 8U

/* The window of a tp_kept_at: offset of the centre | edges << TP_EDGES_SHIFT, or TP_LIST_END behind the last one. */
#define TP_EDGES_SHIFT 16U
#define TP_OFFSET_MASK 0xffffU
#define TP_LIST_END ((uint32_t)(TP_EDGE_TOP | TP_EDGE_BOTTOM) << TP_EDGES_SHIFT)

/* All borders and corners, for a switch. */
#define TP_EACH_BORDER(M) \
    M(TP_EDGE_TOP) M(TP_EDGE_BOTTOM) M(TP_EDGE_LEFT) M(TP_EDGE_RIGHT) \
    M(TP_EDGE_TOP | TP_EDGE_LEFT) M(TP_EDGE_TOP | TP_EDGE_RIGHT) \
    M(TP_EDGE_BOTTOM | TP_EDGE_LEFT) M(TP_EDGE_BOTTOM | TP_EDGE_RIGHT)

/* M(c, tap, borders that leave it out, dy, dx) for the taps of channel c. */
#define TP_NINE_TAPS(M, c) \
    M(c, 0, TP_EDGE_TOP | TP_EDGE_LEFT, -1, -1) M(c, 1, TP_EDGE_TOP, -1, 0) M(c, 2, TP_EDGE_TOP | TP_EDGE_RIGHT, -1, 1) \
    M(c, 3, TP_EDGE_LEFT, 0, -1) M(c, 4, 0, 0, 0) M(c, 5, TP_EDGE_RIGHT, 0, 1) \
    M(c, 6, TP_EDGE_BOTTOM | TP_EDGE_LEFT, 1, -1) M(c, 7, TP_EDGE_BOTTOM, 1, 0) M(c, 8, TP_EDGE_BOTTOM | TP_EDGE_RIGHT, 1, 1)

/* Borders that windows around the four inputs of a pooled position can cross. */
TP_ALWAYS_INLINE uint32_t tp_edges_of_pool(uint32_t py, uint32_t px, tp_conv2d c)
{
    return (py == 0U ? TP_EDGE_TOP : 0U) | (2U * py + 2U == c.in_height ? TP_EDGE_BOTTOM : 0U)
           | (px == 0U ? TP_EDGE_LEFT : 0U) | (2U * px + 2U == c.in_width ? TP_EDGE_RIGHT : 0U);
}

/* Those of them that place dy * 2 + dx is next to. */
TP_ALWAYS_INLINE uint32_t tp_edges_facing(uint32_t place)
{
    static const uint8_t facing[4] = {TP_EDGE_TOP | TP_EDGE_LEFT, TP_EDGE_TOP | TP_EDGE_RIGHT, TP_EDGE_BOTTOM | TP_EDGE_LEFT, TP_EDGE_BOTTOM | TP_EDGE_RIGHT};
    return facing[place];
}

/* Taps of one channel inside the image. */
TP_ALWAYS_INLINE uint32_t tp_taps_within(uint32_t edges)
{
    return (edges & (TP_EDGE_TOP | TP_EDGE_BOTTOM) ? 2U : 3U) * (edges & (TP_EDGE_LEFT | TP_EDGE_RIGHT) ? 2U : 3U);
}

#endif
