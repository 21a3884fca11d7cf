/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_nine_errors.h"
#include "tp_three_by_three.h"

/* tp_conv2d_error_f32 for a 3 by 3 kernel, padding 1, stride 1 or 2, one group, no pool.
 *
 * All deltas of one position reach the same nine errors: these, of two input channels, stay in registers while the
 * deltas pass by as a list. What lies on the padding is known when the window is compiled (edges).
 *
 * Sums: over (oy, ox, co), ascending.
 */

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
                tp_nine_errors_at(at, weight, kept, end, c, edges);
                TP_COUNT(macs_backward, tp_taps_within(edges) * c.in_channels * (uint32_t)(end - kept));
            }
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, errors);
    }
}
