/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_three_by_three.h"

/* tp_conv2d_error_f32 for a 3 by 3 kernel, padding 1, stride 1 or 2, one group, no pool.
 *
 * All deltas of one position reach the same nine errors: these, of two input channels, stay in registers while the
 * deltas pass by as a list. What lies on the padding is known when the window is compiled (edges).
 *
 * Sums: over (oy, ox, co), ascending.
 */
#define TP_LOAD(ci, tap, borders, dy, dx) \
    float e##ci##tap = channels > (ci) && !(edges & (borders)) ? at[(int32_t)((ci) * plane) + (dy) * width + (dx)] : 0.0f;

#define TP_SPREAD(ci, tap, borders, dy, dx) \
    if (channels > (ci) && !(edges & (borders))) { \
        e##ci##tap += taps[9 * (ci) + (tap)] * d; \
    }

#define TP_STORE(ci, tap, borders, dy, dx) \
    if (channels > (ci) && !(edges & (borders))) { \
        at[(int32_t)((ci) * plane) + (dy) * width + (dx)] = e##ci##tap; \
    }

/* `channels` input channels at one position; edges and channels are literals. at: the error under the window's centre. */
TP_ALWAYS_INLINE void conv2d_error3x3_taps(float *at, const float *weight, const tp_kept *kept, const tp_kept *end,
                                           tp_conv2d c, uint32_t edges, uint32_t channels)
{
    const int32_t width = (int32_t)c.in_width;
    const uint32_t plane = c.in_height * c.in_width;
    TP_NINE_TAPS(TP_LOAD, 0) TP_NINE_TAPS(TP_LOAD, 1)
    do {
        const float d = kept->value;
        const float *taps = weight + kept->offset;
        TP_NINE_TAPS(TP_SPREAD, 0) TP_NINE_TAPS(TP_SPREAD, 1)
    } while (++kept != end);
    TP_NINE_TAPS(TP_STORE, 0) TP_NINE_TAPS(TP_STORE, 1)
}

#undef TP_LOAD
#undef TP_SPREAD
#undef TP_STORE

/* All input channels at one position; edges is a literal. */
TP_ALWAYS_INLINE void conv2d_error3x3_window(float *at, const float *weight, const tp_kept *kept, const tp_kept *end,
                                             tp_conv2d c, uint32_t edges)
{
    const uint32_t plane = c.in_height * c.in_width;
    uint32_t ci = 0U;
    for (; ci + 2U <= c.in_channels; ci += 2U, at += 2U * plane, weight += 18) {
        conv2d_error3x3_taps(at, weight, kept, end, c, edges, 2U);
    }
    if (c.in_channels % 2U != 0U) {
        conv2d_error3x3_taps(at, weight, kept, end, c, edges, 1U);
    }
}

#define TP_CASE(edges) \
    case (edges): \
        conv2d_error3x3_window(at, weight, kept, end, c, (edges)); \
        break;

TP_ALWAYS_INLINE void conv2d_error3x3_at(float *at, const float *weight, const tp_kept *kept, const tp_kept *end,
                                         tp_conv2d c, uint32_t edges)
{
    switch (edges) {
        TP_EACH_BORDER(TP_CASE)
    default:
        conv2d_error3x3_window(at, weight, kept, end, c, 0U);
        break;
    }
}

#undef TP_CASE

/* Lists the deltas of one position, channel ascending; returns the end of the list. */
TP_ALWAYS_INLINE const tp_kept *conv2d_error3x3_list(const float *delta, tp_kept *kept, tp_conv2d c, int skip_zeros)
{
    TP_ROLLED for (uint32_t offset = 0U; offset < c.out_channels * c.in_channels * 9U; offset += c.in_channels * 9U) {
        if (!skip_zeros || *delta != 0.0f) {
            kept->value = *delta;
            kept->offset = offset;
            ++kept;
        }
        delta += c.out_height * c.out_width;
    }
    return kept;
}

/* kept: room for out_channels entries. */
TP_KERNEL void tp_conv2d_error_f32_k3p1(const float *x, const float *delta, const float *weight, float *error,
                                        tp_kept *kept, tp_conv2d c, int mask_input, int skip_zeros)
{
    const uint32_t errors = c.in_channels * c.in_height * c.in_width;
    for (uint32_t i = 0U; i < errors; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t oy = 0U; oy < c.out_height; ++oy) {
        float *at = error + oy * c.stride_height * c.in_width;
        for (uint32_t ox = 0U; ox < c.out_width; ++ox, ++delta, at += c.stride_width) {
            const tp_kept *end = conv2d_error3x3_list(delta, kept, c, skip_zeros);
            if (end != kept) {
                const uint32_t edges = tp_edges3x3(oy, ox, c);
                conv2d_error3x3_at(at, weight, kept, end, c, edges);
                TP_COUNT(macs_backward, tp_taps_within(edges) * c.in_channels * (uint32_t)(end - kept));
            }
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, errors);
    }
}
