/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

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
#define TP_EACH_TAP(M, c) M(c, 0) M(c, 1) M(c, 2) M(c, 3) M(c, 4) M(c, 5) M(c, 6) M(c, 7) M(c, 8)
#define TP_START(c, tap) float g##c##tap = 0.0f;

/* One tap of a window centred at `at`. */
#define TP_TAP(c, tap, borders, dy, dx) \
    if (channels > (c) && !(edges & (borders))) { \
        g##c##tap += d * at[(int32_t)((c) * plane) + (dy) * width + (dx)]; \
    }

#define TP_TAPS TP_NINE_TAPS(TP_TAP, 0) TP_NINE_TAPS(TP_TAP, 1)

#define TP_CASE(borders) \
    case (borders): { \
        enum { edges = (borders) }; /* a literal: taps on the padding vanish */ \
        TP_TAPS \
        break; \
    }

#define TP_UPDATE(c, tap) \
    if (channels > (c)) { \
        taps[9 * (c) + (tap)] -= rate * g##c##tap; \
    }

/* `channels` input channels, a literal of at most 2, of the filter at taps. kept: a list closed by TP_LIST_END. */
TP_ALWAYS_INLINE void conv2d_update_taps(const float *x, const tp_kept_at *kept, float *taps, float rate, tp_conv2d c,
                                         uint32_t channels)
{
    const int32_t width = (int32_t)c.in_width;
    const uint32_t plane = c.in_height * c.in_width;
    TP_EACH_TAP(TP_START, 0) TP_EACH_TAP(TP_START, 1)
    for (;; ++kept) {
        for (; kept->window <= TP_OFFSET_MASK; ++kept) { /* inside the image: most of them */
            enum { edges = 0 };
            const float d = kept->value;
            const float *at = x + kept->window;
            TP_TAPS
        }
        if (kept->window == TP_LIST_END) {
            break;
        }
        const float d = kept->value;
        const float *at = x + (kept->window & TP_OFFSET_MASK);
        switch (kept->window >> TP_EDGES_SHIFT) {
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

/* Lists the deltas of one output channel in the order of their positions; returns how many, and their sum. */
TP_ALWAYS_INLINE uint32_t conv2d_update_list(const float *delta, const uint8_t *argmax, tp_kept_at *kept, float *sum,
                                             tp_conv2d c, int skip_zeros)
{
    const uint32_t rows = c.out_height / 2U, columns = c.out_width / 2U;
    /* What each place of the pool adds to a window: its offset, and the borders that it can cross. */
    const uint32_t of_place[4] = {(TP_EDGE_TOP | TP_EDGE_LEFT) << TP_EDGES_SHIFT, 1U | (TP_EDGE_TOP | TP_EDGE_RIGHT) << TP_EDGES_SHIFT,
                                  c.in_width | (TP_EDGE_BOTTOM | TP_EDGE_LEFT) << TP_EDGES_SHIFT,
                                  (c.in_width + 1U) | (TP_EDGE_BOTTOM | TP_EDGE_RIGHT) << TP_EDGES_SHIFT};
    tp_kept_at *entry = kept;
    *sum = 0.0f;
    for (uint32_t py = 0U; py < rows; ++py, argmax += tp_packed_bytes(columns)) {
        for (uint32_t px = 0U; px < columns; ++px) {
            const float d = *delta++;
            if (skip_zeros && d == 0.0f) {
                continue;
            }
            const uint32_t crossed = tp_edges_of_pool(py, px, c) << TP_EDGES_SHIFT | TP_OFFSET_MASK;
            entry->value = d;
            entry->window = 2U * py * c.in_width + 2U * px + (of_place[tp_packed_place(argmax, px)] & crossed);
            TP_COUNT(macs_backward, tp_taps_within(entry->window >> TP_EDGES_SHIFT) * c.in_channels);
            ++entry;
            *sum += d;
        }
    }
    entry->window = TP_LIST_END;
    return (uint32_t)(entry - kept);
}

/* kept: room for one channel's pooled positions and one more. */
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
            conv2d_update_taps(x + ci * plane, kept, taps + ci * 9U, rate, c, 2U);
        }
        if (c.in_channels % 2U != 0U) {
            conv2d_update_taps(x + ci * plane, kept, taps + ci * 9U, rate, c, 1U);
        }
        if (bias != NULL) {
            bias[co] -= rate * sum;
        }
    }
}
