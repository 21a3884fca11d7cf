/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_correlate.h"
#include "tp_kernels.h"

/* tp_conv2d_update_f32 for one input and one output channel a group, no pool: the gradients of a row of the filter are the
 * sum of rows of the image, each correlated with a row of deltas. Zeros among the deltas are computed too: a test costs as
 * much as what it saves of a row of taps.
 *
 * Sums: over (oy, ox), ascending. Scratch: none.
 */
TP_KERNEL void tp_depthwise_conv2d_update_f32(const float *x, const float *delta, float *weight, float *bias, float rate,
                                              tp_conv2d c)
{
    const uint32_t outputs = c.out_height * c.out_width;
    const tp_correlation g = {c.kernel_width, c.out_width, -(int32_t)c.pad_width, c.dilation_width, c.stride_width, 1,
                              c.in_width, c.stride_height * c.in_width, (int32_t)c.out_width};
    for (uint32_t channel = 0U; channel < c.out_channels; ++channel) {
        const float *image = x + channel * c.in_height * c.in_width, *deltas = delta + channel * outputs;
        for (uint32_t ky = 0U; ky < c.kernel_height; ++ky, weight += c.kernel_width) {
            const int32_t start = (int32_t)(ky * c.dilation_height) - (int32_t)c.pad_height;
            const tp_taps ty = tp_taps_from(start, c.out_height, c.stride_height, c.in_height);
            const tp_results row = {weight, 1U, 0, 1, rate};
            tp_lines lines = {image, deltas + ty.first * c.out_width, ty.last - ty.first};
            if (lines.count != 0U) {
                lines.line += (uint32_t)(ty.start + (int32_t)(ty.first * c.stride_height)) * c.in_width;
            }
            tp_correlate(lines, g, 0.0f, row);
        }
    }
    TP_COUNT(macs_backward, c.out_channels * tp_all_taps_inside(c));
    if (bias != NULL) {
        tp_update_channel_bias_f32(bias, delta, rate, c.out_channels, outputs);
    }
}
