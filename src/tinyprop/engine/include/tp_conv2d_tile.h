/* SPDX-License-Identifier: Apache-2.0 */
/* Four outputs of up to four channels at a time, from windows of any geometry that lie inside the image: an input and a
 * weight, once loaded, serve four sums each.
 *
 * Sums: bias, then (ci, ky, kx) ascending.
 */
#ifndef TP_CONV2D_TILE_H
#define TP_CONV2D_TILE_H

#include "tp_window.h"

/* Whether the windows of the outputs from (oy, ox) to (last_y, last_x) lie inside the image. */
TP_ALWAYS_INLINE int tp_windows_inside(uint32_t oy, uint32_t ox, uint32_t last_y, uint32_t last_x, tp_conv2d c)
{
    const uint32_t reach_y = tp_reach_y(c), reach_x = tp_reach_x(c);
    return oy * c.stride_height >= c.pad_height && last_y * c.stride_height + reach_y <= c.in_height + c.pad_height
           && ox * c.stride_width >= c.pad_width && last_x * c.stride_width + reach_x <= c.in_width + c.pad_width;
}

/* The input under tap 0 of the window of (oy, ox), which lies inside; x: the first channel of the group. */
TP_ALWAYS_INLINE const float *tp_window_start(const float *x, uint32_t oy, uint32_t ox, tp_conv2d c)
{
    return x + (oy * c.stride_height - c.pad_height) * c.in_width + (ox * c.stride_width - c.pad_width);
}

/* Along more than one tap clang would add an index to the start of each filter again and again, so it walks with a pointer
 * along each; gcc is better at that by itself. */
#if defined(__clang__)
#define TP_WALKS (c.kernel_width > 1U)
#else
#define TP_WALKS 0
#endif

TP_ALWAYS_INLINE float tp_tile_next(const float **taps)
{
    const float weight = *(*taps)++;
    TP_OPAQUE(*taps);
    return weight;
}

#define TP_EACH_PLACE(M, o) M(o, 0) M(o, 1) M(o, 2) M(o, 3)
#define TP_EACH_SUM(M) TP_EACH_PLACE(M, 0) TP_EACH_PLACE(M, 1) TP_EACH_PLACE(M, 2) TP_EACH_PLACE(M, 3)
#define TP_START(o, p) float s##o##p = outputs > (o) && bias != NULL ? bias[o] : 0.0f;
#define TP_FILTER(unused, p) \
    const float *taps##p = filter + (outputs > (p) ? (p) * filter_size : 0U); \
    (void)taps##p;
#define TP_LOAD(unused, p) \
    const float v##p = at[(p) % 2U * right + (p) / 2U * further]; \
    const float w##p = outputs <= (p) ? 0.0f : TP_WALKS ? tp_tile_next(&taps##p) : taps0[(p) * filter_size];
#define TP_ADD(o, p) \
    if (outputs > (o)) { \
        s##o##p += w##o * v##p; \
    }
#define TP_FINISH(o, p) sums[4 * (o) + (p)] = s##o##p;

/* sums[4 * o + p] of `outputs` channels, a literal of at most 4, and the outputs p at start + p % 2 * right + p / 2 *
 * further. filter[outputs][group inputs][kh][kw]. */
TP_ALWAYS_INLINE void tp_conv2d_tile(const float *start, const float *filter, const float *bias, float sums[16],
                                     uint32_t right, uint32_t further, tp_conv2d c, uint32_t outputs)
{
    const uint32_t channels = tp_group_inputs(c), filter_size = tp_filter_size(c);
    TP_EACH_PLACE(TP_FILTER, 0)
    TP_EACH_SUM(TP_START)
    for (uint32_t ci = 0U; ci < channels; ++ci, start += c.in_height * c.in_width) {
        for (uint32_t ky = 0U; ky < c.kernel_height; ++ky) {
            const float *at = start + ky * c.dilation_height * c.in_width;
            TP_ROLLED for (const float *end = taps0 + c.kernel_width; taps0 != end; taps0 += !TP_WALKS, at += c.dilation_width) {
                TP_EACH_PLACE(TP_LOAD, 0)
                TP_EACH_SUM(TP_ADD)
            }
        }
    }
    TP_COUNT(macs_forward, 4U * outputs * filter_size);
    TP_EACH_SUM(TP_FINISH)
}

#undef TP_EACH_PLACE
#undef TP_EACH_SUM
#undef TP_START
#undef TP_WALKS
#undef TP_FILTER
#undef TP_LOAD
#undef TP_ADD
#undef TP_FINISH

#endif
