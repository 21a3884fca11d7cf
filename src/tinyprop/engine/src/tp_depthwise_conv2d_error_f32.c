/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_correlate.h"
#include "tp_kernels.h"

/* tp_conv2d_error_f32 for one input and one output channel a group, strides up to 4, no pool.
 *
 * Every error gathers its products, zero or not: scattered, a product reads and writes an error. Errors that are a stride
 * apart, a phase of a row, meet the same taps, and their deltas are neighbours: each phase is a correlation of stride 1 with
 * the taps it meets, backwards. More than four phases are the general kernel's.
 *
 * Sums: over (oy, ox), ascending, which is (ky, kx) descending. Scratch: none.
 */

/* Along one axis, what errors n, n + stride, ... meet: `taps` taps, of which the last, `tap`, meets output `first`; each
 * one `tap_step` before meets the output `output_step` behind. */
typedef struct tp_phase {
    uint32_t taps, tap, tap_step, output_step;
    int32_t first;
} tp_phase;

#define TP_BEYOND(tap) ((tap) * dilation % stride == beyond)

/* The first tap that is so many inputs beyond a multiple of the stride, up to 4; 4 if there is none. Written out, so that a
 * compiler knows it where shapes are literals. */
TP_ALWAYS_INLINE uint32_t error_phase_tap(uint32_t beyond, uint32_t stride, uint32_t dilation)
{
    return TP_BEYOND(0U) ? 0U : TP_BEYOND(1U) ? 1U : TP_BEYOND(2U) ? 2U : TP_BEYOND(3U) ? 3U : 4U;
}

#undef TP_BEYOND

/* Taps from one to the next that is beyond a multiple of the stride by as much. */
TP_ALWAYS_INLINE uint32_t error_phase_period(uint32_t stride, uint32_t dilation)
{
    return dilation % stride == 0U ? 1U : 2U * dilation % stride == 0U ? 2U : stride;
}

TP_ALWAYS_INLINE tp_phase error_phase_of(uint32_t n, uint32_t stride, uint32_t pad, uint32_t kernel, uint32_t dilation)
{
    const uint32_t beyond = (n + pad) % stride, tap = error_phase_tap(beyond, stride, dilation);
    const uint32_t period = error_phase_period(stride, dilation);
    tp_phase p = {0U, tap, period, period * dilation / stride, 0};
    if (tap < 4U && tap < kernel) {
        p.taps = (kernel - 1U - tap) / p.tap_step + 1U;
        p.tap += (p.taps - 1U) * p.tap_step;
        p.first = ((int32_t)(n + pad) - (int32_t)(p.tap * dilation)) / (int32_t)stride;
    }
    return p;
}

/* The errors n, n + stride, ... of a row, n a literal in inlined kernels; lines of the deltas, weights[ky][0] of the first. */
TP_ALWAYS_INLINE void error_phase_columns(tp_lines lines, float *error, tp_conv2d c, uint32_t n, tp_phase rows)
{
    const tp_phase p = error_phase_of(n, c.stride_width, c.pad_width, c.kernel_width, c.dilation_width);
    const tp_results results = {error + n, c.stride_width, 0, 0, 0.0f};
    const tp_correlation g = {(c.in_width - n + c.stride_width - 1U) / c.stride_width, p.taps != 0U ? p.taps : 1U, p.first,
                              1U, p.output_step, -(int32_t)p.tap_step, c.out_width, rows.output_step * c.out_width,
                              -(int32_t)(rows.tap_step * c.kernel_width)};
    if (n < c.in_width) {
        lines.weights += p.tap;
        lines.count = p.taps != 0U ? lines.count : 0U;
        tp_correlate(lines, g, 0.0f, results);
    }
}

TP_ALWAYS_INLINE void error_phase_row(const float *delta, const float *filter, float *error, tp_conv2d c, uint32_t iy)
{
    const tp_phase rows = error_phase_of(iy % c.stride_height, c.stride_height, c.pad_height, c.kernel_height,
                                         c.dilation_height);
    const tp_taps t = tp_taps_from(rows.first + (int32_t)(iy / c.stride_height), rows.taps, rows.output_step, c.out_height);
    tp_lines lines = {delta, filter, t.last - t.first};
    if (lines.count != 0U) {
        lines.line += (uint32_t)(t.start + (int32_t)(t.first * rows.output_step)) * c.out_width;
        lines.weights += (rows.tap - t.first * rows.tap_step) * c.kernel_width;
    }
    if (TP_INLINE_KERNELS) {
        error_phase_columns(lines, error, c, 0U, rows);
        if (c.stride_width > 1U) {
            error_phase_columns(lines, error, c, 1U, rows);
        }
        if (c.stride_width > 2U) {
            error_phase_columns(lines, error, c, 2U, rows);
        }
        if (c.stride_width > 3U) {
            error_phase_columns(lines, error, c, 3U, rows);
        }
    } else {
        for (uint32_t n = 0U; n < c.stride_width; ++n) {
            error_phase_columns(lines, error, c, n, rows);
        }
    }
}

TP_KERNEL void tp_depthwise_conv2d_error_f32(const float *x, const float *delta, const float *weight, float *error,
                                             tp_conv2d c, int mask_input)
{
    const uint32_t plane = c.in_height * c.in_width;
    for (uint32_t channel = 0U; channel < c.in_channels; ++channel) {
        for (uint32_t iy = 0U; iy < c.in_height; ++iy) {
            error_phase_row(delta, weight, error + channel * plane + iy * c.in_width, c, iy);
        }
        delta += c.out_height * c.out_width;
        weight += c.kernel_height * c.kernel_width;
    }
    TP_COUNT(macs_backward, c.in_channels * tp_all_taps_inside(c));
    if (mask_input) {
        tp_relu_bwd_f32(error, x, c.in_channels * plane);
    }
}
