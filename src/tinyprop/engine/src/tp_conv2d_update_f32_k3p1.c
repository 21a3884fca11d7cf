/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_nine_gradients.h"
#include "tp_three_by_three.h"

/* tp_conv2d_update_f32 for a 3 by 3 kernel, padding 1, stride 1 or 2, one group, no pool.
 *
 * Few deltas: those of one output channel move to its front and a list says where their windows lie; nine running sums of
 * each of two input channels pass along it in registers. An entry says which borders its window crosses, so that taps on
 * the padding are left out without a test per tap. Many: the window slides along the rows (tp_nine_gradients.h).
 *
 * Sums: over (oy, ox), ascending.
 */
#define TP_EACH_TAP(M, ci) \
    M(ci, 0) M(ci, 1) M(ci, 2) M(ci, 3) M(ci, 4) M(ci, 5) M(ci, 6) M(ci, 7) M(ci, 8)
#define TP_START(ci, tap) float g##ci##tap = 0.0f;

#define TP_TAP(ci, tap, borders, dy, dx) \
    if (channels > (ci) && !(edges & (borders))) { \
        g##ci##tap += d * at[(int32_t)((ci) * plane) + (dy) * width + (dx)]; \
    }

#define TP_TAPS TP_NINE_TAPS(TP_TAP, 0) TP_NINE_TAPS(TP_TAP, 1)

#define TP_CASE(borders) \
    case (borders): { \
        enum { edges = (borders) }; /* a literal: taps on the padding vanish */ \
        TP_TAPS \
        break; \
    }

#define TP_UPDATE(ci, tap) \
    if (channels > (ci)) { \
        taps[9 * (ci) + (tap)] -= rate * g##ci##tap; \
    }

/* `channels` input channels, a literal of at most 2, of the filter at taps. windows: closed by TP_LIST_END. */
TP_ALWAYS_INLINE void conv2d_update3x3_taps(const float *x, const float *kept, const tp_window *windows, float *taps,
                                            float rate, tp_conv2d c, uint32_t channels)
{
    const int32_t width = (int32_t)c.in_width;
    const uint32_t plane = c.in_height * c.in_width;
    TP_EACH_TAP(TP_START, 0) TP_EACH_TAP(TP_START, 1)
    for (;; ++kept, ++windows) {
        for (; *windows <= TP_OFFSET_MASK; ++kept, ++windows) { /* inside the image: most of them */
            enum { edges = 0 };
            const float d = *kept;
            const float *at = x + *windows;
            TP_TAPS
        }
        if (*windows == TP_LIST_END) {
            break;
        }
        const float d = *kept;
        const float *at = x + (*windows & TP_OFFSET_MASK);
        switch (*windows >> TP_EDGES_SHIFT) {
            TP_EACH_BORDER(TP_CASE)
        default:
            break;
        }
    }
    TP_EACH_TAP(TP_UPDATE, 0) TP_EACH_TAP(TP_UPDATE, 1)
}

#undef TP_EACH_TAP
#undef TP_START
#undef TP_TAP
#undef TP_TAPS
#undef TP_CASE
#undef TP_UPDATE

/* Moves the deltas of one output channel to its front, in the order of their positions, and lists their windows;
 * returns how many, and their sum. */
TP_ALWAYS_INLINE uint32_t conv2d_update3x3_list(float *delta, tp_window *windows, float *sum, tp_conv2d c)
{
    const float *next = delta;
    uint32_t kept = 0U;
    *sum = 0.0f;
    for (uint32_t oy = 0U; oy < c.out_height; ++oy) {
        for (uint32_t ox = 0U; ox < c.out_width; ++ox) {
            const float d = *next++;
            if (d == 0.0f) {
                continue;
            }
            const uint32_t edges = tp_edges3x3(oy, ox, c);
            delta[kept] = d;
            windows[kept] = (oy * c.stride_height * c.in_width + ox * c.stride_width) | edges << TP_EDGES_SHIFT;
            TP_COUNT(macs_backward, tp_taps_within(edges) * c.in_channels);
            ++kept;
            *sum += d;
        }
    }
    windows[kept] = TP_LIST_END;
    return kept;
}

/* Few deltas. */
TP_ALWAYS_INLINE void conv2d_update3x3_listed(const float *x, float *delta, float *weight, float *bias,
                                              tp_window *windows, float rate, tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width;
    for (uint32_t co = 0U; co < c.out_channels; ++co, delta += c.out_height * c.out_width) {
        float sum;
        float *taps = weight + co * c.in_channels * 9U;
        uint32_t ci = 0U;
        if (conv2d_update3x3_list(delta, windows, &sum, c) == 0U) {
            continue;
        }
        for (; ci + 2U <= c.in_channels; ci += 2U) {
            conv2d_update3x3_taps(x + ci * plane, delta, windows, taps + ci * 9U, rate, c, 2U);
        }
        if (c.in_channels % 2U != 0U) {
            conv2d_update3x3_taps(x + ci * plane, delta, windows, taps + ci * 9U, rate, c, 1U);
        }
        if (bias != NULL) {
            bias[co] -= rate * sum;
        }
    }
}

/* Every position of `outputs` output channels, a literal of 1 or 2. */
TP_ALWAYS_INLINE void conv2d_update3x3_slide(const float *x, const float *delta, float *weight, float rate, tp_conv2d c,
                                             uint32_t outputs)
{
    const float *end = weight + c.in_channels * 9U;
    for (float *taps = weight; taps != end; taps += 9, x += c.in_height * c.in_width) {
        float sums[18] = {0.0f};
        tp_nine_gradients(sums, delta, x, c, outputs);
        for (uint32_t tap = 0U; tap < 9U; ++tap) {
            taps[tap] -= rate * sums[tap];
            if (outputs > 1U) {
                taps[c.in_channels * 9U + tap] -= rate * sums[9U + tap];
            }
        }
    }
}

/* Every delta, zero or not. */
TP_ALWAYS_INLINE void conv2d_update3x3_all(const float *x, const float *delta, float *weight, float *bias, float rate,
                                           tp_conv2d c)
{
    const uint32_t plane = c.out_height * c.out_width, filter_size = c.in_channels * 9U;
    const uint32_t pair = TP_INLINE_KERNELS ? 2U : 1U;
    uint32_t co = 0U;
    for (; co + pair <= c.out_channels; co += pair) {
        conv2d_update3x3_slide(x, delta + co * plane, weight + co * filter_size, rate, c, pair);
    }
    if (TP_INLINE_KERNELS && c.out_channels % 2U != 0U) {
        conv2d_update3x3_slide(x, delta + co * plane, weight + co * filter_size, rate, c, 1U);
    }
    if (bias != NULL) {
        tp_update_channel_bias_f32(bias, delta, rate, c.out_channels, plane);
    }
}

/* kept: non-zeros of delta, TP_UNCOUNTED, or all of delta: then zeros are computed too. windows: room for the positions of
 * one channel and one more. delta is spent. */
TP_KERNEL void tp_conv2d_update_f32_k3p1(const float *x, float *delta, float *weight, float *bias, tp_window *windows,
                                         float rate, tp_conv2d c, uint32_t kept)
{
    const uint32_t size = c.out_channels * c.out_height * c.out_width;
    if (tp_windows_pay(tp_counted(kept, delta, size), size)) {
        conv2d_update3x3_listed(x, delta, weight, bias, windows, rate, c);
    } else {
        conv2d_update3x3_all(x, delta, weight, bias, rate, c);
    }
}
