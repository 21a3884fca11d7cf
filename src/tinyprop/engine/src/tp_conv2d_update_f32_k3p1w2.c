/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide_backward.h"
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

/* The taps t0, t1, t2 of one row of a window; line: under the middle one. edges is a literal: what is on the padding
 * vanishes. */
#define TP_LINE(c, borders, dy, t0, t1, t2) \
    if (channels > (c) && !(edges & (borders))) { \
        const float *line = at + (int32_t)((c) * plane) + (dy) * width; \
        if (edges & TP_EDGE_LEFT) { \
            const tp_run2 v = tp_load2(line); \
            g##c##t1 += d * v.v[0]; \
            g##c##t2 += d * v.v[1]; \
        } else if (edges & TP_EDGE_RIGHT) { \
            const tp_run2 v = tp_load2(line - 1); \
            g##c##t0 += d * v.v[0]; \
            g##c##t1 += d * v.v[1]; \
        } else { \
            const tp_run3 v = tp_load3(line - 1); \
            g##c##t0 += d * v.v[0]; \
            g##c##t1 += d * v.v[1]; \
            g##c##t2 += d * v.v[2]; \
        } \
    }
#define TP_WINDOW(c) \
    TP_LINE(c, TP_EDGE_TOP, -1, 0, 1, 2) TP_LINE(c, 0, 0, 3, 4, 5) TP_LINE(c, TP_EDGE_BOTTOM, 1, 6, 7, 8)

#define TP_CASE(borders) \
    case (borders): { \
        enum { edges = (borders) }; \
        TP_WINDOW(0) TP_WINDOW(1) \
        break; \
    }

#define TP_LEARN(c, tap) w.v[tap] -= rate * g##c##tap;
#define TP_UPDATE(c) \
    if (channels > (c)) { \
        tp_run9 w = tp_load9(taps); \
        TP_EACH_TAP(TP_LEARN, c) \
        taps = tp_store9(taps, w); \
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
            TP_WINDOW(0) TP_WINDOW(1)
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
    TP_UPDATE(0) TP_UPDATE(1)
}

#undef TP_EACH_TAP
#undef TP_START
#undef TP_LINE
#undef TP_WINDOW
#undef TP_CASE
#undef TP_LEARN
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
#if TP_WIDE_KERNELS
    if (tp_wide_fits_update(c)) {
        const tp_wide_deltas deltas = tp_wide_deltas_of(delta, argmax, c, 2U, 1);
        tp_wide_update(x, deltas, weight, bias, rate, c, skip_zeros);
        return;
    }
#endif
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
