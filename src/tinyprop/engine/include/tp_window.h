/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a convolution's window that lies inside the image: what every generic convolution kernel shares. */
#ifndef TP_WINDOW_H
#define TP_WINDOW_H

#include "tp_kernels.h"

/* Taps [first, last) of a window that starts at `start` (negative: in the padding). */
typedef struct tp_taps {
    int32_t start;
    uint32_t first, last;
} tp_taps;

TP_ALWAYS_INLINE tp_taps tp_taps_inside(uint32_t output, uint32_t stride, uint32_t pad, uint32_t kernel,
                                        uint32_t size)
{
    tp_taps taps = {(int32_t)(output * stride) - (int32_t)pad, 0U, kernel};
    int32_t room = (int32_t)size - taps.start;
    if (taps.start < 0) {
        taps.first = (uint32_t)-taps.start;
    }
    if (room < (int32_t)kernel) {
        taps.last = room < 0 ? 0U : (uint32_t)room;
    }
    if (taps.first > taps.last) {
        taps.first = taps.last;
    }
    return taps;
}

TP_ALWAYS_INLINE tp_taps tp_taps_y(uint32_t oy, tp_conv2d c)
{
    return tp_taps_inside(oy, c.stride_height, c.pad_height, c.kernel_height, c.in_height);
}

TP_ALWAYS_INLINE tp_taps tp_taps_x(uint32_t ox, tp_conv2d c)
{
    return tp_taps_inside(ox, c.stride_width, c.pad_width, c.kernel_width, c.in_width);
}

/* One output of a convolution: start + sum over channel, ky, kx, ascending. filter[in_channels][kh][kw]. */
TP_ALWAYS_INLINE float tp_conv2d_output(const float *x, const float *filter, float start, uint32_t oy, uint32_t ox,
                                        tp_conv2d c)
{
    tp_taps ty = tp_taps_y(oy, c);
    tp_taps tx = tp_taps_x(ox, c);
    float sum = start;
    for (uint32_t ci = 0U; ci < c.in_channels; ++ci) {
        for (uint32_t ky = ty.first; ky < ty.last; ++ky) {
            const float *line = x + (ci * c.in_height + (uint32_t)(ty.start + (int32_t)ky)) * c.in_width;
            const float *taps = filter + (ci * c.kernel_height + ky) * c.kernel_width;
            for (uint32_t kx = tx.first; kx < tx.last; ++kx) {
                sum += taps[kx] * line[tx.start + (int32_t)kx];
            }
        }
    }
    TP_COUNT(macs_forward, c.in_channels * (ty.last - ty.first) * (tx.last - tx.first));
    return sum;
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
