/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_conv2d_update_f32 for a 3 by 3 kernel, stride 1, padding 1, pool 2 by 2:
 *
 *     weight[co][ci] -= rate * sum over kept deltas of co of delta * (window of x[ci] around its place)
 *     bias[co]       -= rate * sum over kept deltas of co of delta
 *
 * The deltas of one output channel become a list; nine running sums of each of two input channels pass along it in
 * registers. An entry says on which borders its window lies, so that taps on the padding are left out without a test
 * per tap.
 *
 * Sums: over the positions (py, px), ascending. argmax: as tp_packed_place reads it.
 */
enum { TP_TOP = 1, TP_BOTTOM = 2, TP_LEFT = 4, TP_RIGHT = 8 };

#define TP_EACH_TAP(M, c) M(c, 0) M(c, 1) M(c, 2) M(c, 3) M(c, 4) M(c, 5) M(c, 6) M(c, 7) M(c, 8)
#define TP_START(c, tap) float g##c##tap = 0.0f;

/* A tap whose row and column lie beyond these borders, on the window centred at `at`. */
#define TP_TAP(c, tap, borders, dy, dx) \
    if (!((edges) & (borders))) { \
        g##c##tap += d * at[(int32_t)((c) * plane) + (dy) * width + (dx)]; \
    }

#define TP_WINDOW(c) \
    if (channels > (c)) { \
        TP_TAP(c, 0, TP_TOP | TP_LEFT, -1, -1) \
        TP_TAP(c, 1, TP_TOP, -1, 0) \
        TP_TAP(c, 2, TP_TOP | TP_RIGHT, -1, 1) \
        TP_TAP(c, 3, TP_LEFT, 0, -1) \
        TP_TAP(c, 4, 0, 0, 0) \
        TP_TAP(c, 5, TP_RIGHT, 0, 1) \
        TP_TAP(c, 6, TP_BOTTOM | TP_LEFT, 1, -1) \
        TP_TAP(c, 7, TP_BOTTOM, 1, 0) \
        TP_TAP(c, 8, TP_BOTTOM | TP_RIGHT, 1, 1) \
    }

/* edges and channels are literals here: what lies on the padding vanishes. */
#define TP_CASE(borders) \
    case (borders): { \
        enum { edges = (borders) }; \
        TP_WINDOW(0) TP_WINDOW(1) \
        break; \
    }

#define TP_UPDATE(c, tap) \
    if (channels > (c)) { \
        taps[9 * (c) + (tap)] -= rate * g##c##tap; \
    }

/* `channels` input channels, a literal of at most 2, of the filter at taps. */
TP_ALWAYS_INLINE void conv2d_update_taps(const float *x, const tp_kept_at *kept, uint32_t count, float *taps, float rate,
                                         tp_conv2d c, uint32_t channels)
{
    const int32_t width = (int32_t)c.in_width;
    const uint32_t plane = c.in_height * c.in_width;
    TP_EACH_TAP(TP_START, 0) TP_EACH_TAP(TP_START, 1)
    for (const tp_kept_at *entry = kept; entry < kept + count; ++entry) {
        const float d = entry->value;
        const float *at = x + entry->offset;
        switch (entry->edges) { /* opposite borders never meet in an image that a pool of 2 by 2 fits in */
            TP_CASE(0)
            TP_CASE(TP_TOP)
            TP_CASE(TP_BOTTOM)
            TP_CASE(TP_LEFT)
            TP_CASE(TP_RIGHT)
            TP_CASE(TP_TOP | TP_LEFT)
            TP_CASE(TP_TOP | TP_RIGHT)
            TP_CASE(TP_BOTTOM | TP_LEFT)
            TP_CASE(TP_BOTTOM | TP_RIGHT)
        default:
            break;
        }
    }
    TP_EACH_TAP(TP_UPDATE, 0) TP_EACH_TAP(TP_UPDATE, 1)
}

#undef TP_EACH_TAP
#undef TP_START
#undef TP_TAP
#undef TP_WINDOW
#undef TP_CASE
#undef TP_UPDATE

/* Lists the deltas of one output channel in the order of their positions; returns how many, and their sum. */
TP_ALWAYS_INLINE uint32_t conv2d_update_list(const float *delta, const uint8_t *argmax, tp_kept_at *kept, float *sum,
                                             tp_conv2d c, int skip_zeros)
{
    /* The borders that a window can cross from each place in the pool's window. */
    static const uint8_t facing[4] = {TP_TOP | TP_LEFT, TP_TOP | TP_RIGHT, TP_BOTTOM | TP_LEFT, TP_BOTTOM | TP_RIGHT};
    const uint32_t rows = c.out_height / 2U, columns = c.out_width / 2U;
    tp_kept_at *entry = kept;
    *sum = 0.0f;
    for (uint32_t py = 0U; py < rows; ++py, argmax += tp_packed_bytes(columns)) {
        const uint32_t row_edges = (py == 0U ? TP_TOP : 0U) | (2U * py + 2U == c.in_height ? TP_BOTTOM : 0U);
        for (uint32_t px = 0U; px < columns; ++px) {
            const float d = *delta++;
            if (skip_zeros && d == 0.0f) {
                continue;
            }
            const uint32_t place = tp_packed_place(argmax, px);
            const uint32_t edges = row_edges | (px == 0U ? TP_LEFT : 0U) | (2U * px + 2U == c.in_width ? TP_RIGHT : 0U);
            entry->value = d;
            entry->offset = (uint16_t)((2U * py + place / 2U) * c.in_width + 2U * px + place % 2U);
            entry->edges = (uint16_t)(edges & facing[place]);
            TP_COUNT(macs_backward, (entry->edges & (TP_TOP | TP_BOTTOM) ? 2U : 3U)
                                        * (entry->edges & (TP_LEFT | TP_RIGHT) ? 2U : 3U) * c.in_channels);
            ++entry;
            *sum += d;
        }
    }
    return (uint32_t)(entry - kept);
}

/* kept: room for one channel's pooled positions. */
TP_KERNEL void tp_conv2d_update_f32_k3p1w2(const float *x, const float *delta, const uint8_t *argmax, float *weight,
                                           float *bias, tp_kept_at *kept, float rate, tp_conv2d c, int skip_zeros)
{
    const uint32_t pooled = (c.out_height / 2U) * (c.out_width / 2U), plane = c.in_height * c.in_width;
    const uint32_t places = (c.out_height / 2U) * tp_packed_bytes(c.out_width / 2U);
    for (uint32_t co = 0U; co < c.out_channels; ++co, delta += pooled, argmax += places) {
        float sum;
        const uint32_t count = conv2d_update_list(delta, argmax, kept, &sum, c, skip_zeros);
        float *taps = weight + co * c.in_channels * 9U;
        uint32_t ci = 0U;
        if (count == 0U) {
            continue;
        }
        for (; ci + 2U <= c.in_channels; ci += 2U) {
            conv2d_update_taps(x + ci * plane, kept, count, taps + ci * 9U, rate, c, 2U);
        }
        if (c.in_channels % 2U != 0U) {
            conv2d_update_taps(x + ci * plane, kept, count, taps + ci * 9U, rate, c, 1U);
        }
        if (bias != NULL) {
            bias[co] -= rate * sum;
        }
    }
}
