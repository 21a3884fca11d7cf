/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_correlate.h"
#include "tp_kernels.h"

/* tp_conv2d_fwd_f32 for one input and one output channel a group: a row of outputs is the sum of rows of the image, each
 * correlated with a row of the filter. Rows of the filter that fall on the padding are not visited.
 *
 * Sums: bias, then (ky, kx) ascending. Scratch: none.
 */
TP_KERNEL void tp_depthwise_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                           int relu)
{
    const uint32_t line_step = c.dilation_height * c.in_width;
    const tp_correlation g = {c.out_width, c.kernel_width, -(int32_t)c.pad_width, c.stride_width, c.dilation_width, 1,
                              c.in_width, line_step, (int32_t)c.kernel_width};
    for (uint32_t channel = 0U; channel < c.out_channels; ++channel) {
        const float start = bias != NULL ? bias[channel] : 0.0f;
        for (uint32_t oy = 0U; oy < c.out_height; ++oy, y += c.out_width) {
            const tp_taps ty = tp_taps_y(oy, c);
            const tp_results row = {y, 1U, relu, 0, 0.0f};
            tp_lines lines = {x, weight + ty.first * c.kernel_width, ty.last - ty.first};
            if (lines.count != 0U) {
                lines.line += tp_tap_line(ty, ty.first, c);
            }
            tp_correlate(lines, g, start, row);
        }
        x += c.in_height * c.in_width;
        weight += c.kernel_height * c.kernel_width;
    }
    TP_COUNT(macs_forward, c.out_channels * tp_all_taps_inside(c));
}
