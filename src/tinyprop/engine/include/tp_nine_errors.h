/* SPDX-License-Identifier: Apache-2.0 */
/* What a 3 by 3 convolution sends down from one position: nine errors of two input channels at a time stay in registers
 * while the deltas of that position pass by as a list. Shared by the kernels with and without a pool behind them.
 */
#ifndef TP_NINE_ERRORS_H
#define TP_NINE_ERRORS_H

#include "tp_window.h"

#define TP_LOAD(ci, tap, borders, dy, dx) \
    float e##ci##tap = channels > (ci) && !(edges & (borders)) ? at[(int32_t)((ci) * plane) + (dy) * width + (dx)] : 0.0f;

#define TP_SPREAD(ci, tap, borders, dy, dx) \
    if (channels > (ci) && !(edges & (borders))) { \
        e##ci##tap += taps.v[tap] * d; \
    }

#define TP_STORE(ci, tap, borders, dy, dx) \
    if (channels > (ci) && !(edges & (borders))) { \
        at[(int32_t)((ci) * plane) + (dy) * width + (dx)] = e##ci##tap; \
    }

/* `channels` input channels at one position; edges and channels are literals. at: the error under the window's centre. */
TP_ALWAYS_INLINE void tp_nine_errors_taps(float *at, const float *weight, const tp_kept *kept, const tp_kept *end,
                                          tp_conv2d c, uint32_t edges, uint32_t channels)
{
    const int32_t width = (int32_t)c.in_width;
    const uint32_t plane = c.in_height * c.in_width;
    TP_NINE_TAPS(TP_LOAD, 0) TP_NINE_TAPS(TP_LOAD, 1)
    do {
        const float d = kept->value;
        const float *filter = weight + kept->offset;
        {
            const tp_run9 taps = tp_load9(filter);
            TP_NINE_TAPS(TP_SPREAD, 0)
        }
        if (channels > 1U) {
            const tp_run9 taps = tp_load9(filter + 9);
            TP_NINE_TAPS(TP_SPREAD, 1)
        }
    } while (++kept != end);
    TP_NINE_TAPS(TP_STORE, 0) TP_NINE_TAPS(TP_STORE, 1)
}

#undef TP_LOAD
#undef TP_SPREAD
#undef TP_STORE

/* All input channels at one position; edges is a literal. */
TP_ALWAYS_INLINE void tp_nine_errors_window(float *at, const float *weight, const tp_kept *kept, const tp_kept *end,
                                            tp_conv2d c, uint32_t edges)
{
    const uint32_t plane = c.in_height * c.in_width;
    uint32_t ci = 0U;
    for (; ci + 2U <= c.in_channels; ci += 2U, at += 2U * plane, weight += 18) {
        tp_nine_errors_taps(at, weight, kept, end, c, edges, 2U);
    }
    if (c.in_channels % 2U != 0U) {
        tp_nine_errors_taps(at, weight, kept, end, c, edges, 1U);
    }
}

#define TP_CASE(edges) \
    case (edges): \
        tp_nine_errors_window(at, weight, kept, end, c, (edges)); \
        break;

/* The same where edges is known only as the kernel runs. The list is not empty. */
TP_ALWAYS_INLINE void tp_nine_errors_at(float *at, const float *weight, const tp_kept *kept, const tp_kept *end,
                                        tp_conv2d c, uint32_t edges)
{
    switch (edges) {
        TP_EACH_BORDER(TP_CASE)
    default:
        tp_nine_errors_window(at, weight, kept, end, c, 0U);
        break;
    }
}

#undef TP_CASE

#endif
