/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_three_by_three.h"

/* tp_conv2d_error_f32 for a depthwise convolution, 3 by 3 taps, padding 1, stride 1 or 2, no pool.
 *
 * Every error gathers its products, zero or not: nine products an entry are too few to pay for reading and writing nine
 * errors. At stride 1 this is the forward convolution with the filter turned by 180 degrees. At stride 2 an error has
 * one, two or four products, by the parity of its row and column.
 *
 * Sums: over (oy, ox), ascending, which is the turned filter's order too. Scratch: none.
 */

/* A row of three taps, in registers: stores to the errors might change them in memory, for all the compiler knows. */
typedef struct tp_taps3 {
    float left, centre, right;
} tp_taps3;

TP_ALWAYS_INLINE tp_taps3 depthwise_error_taps(const float *filter)
{
    const tp_taps3 taps = {filter[0], filter[1], filter[2]};
    return taps;
}

/* Adds to the errors of columns 2 * ox and 2 * ox + 1 what the deltas at ox and ox + 1 send there. */
TP_ALWAYS_INLINE void depthwise_error_pair(float *even, float *odd, tp_taps3 taps, float here, float next)
{
    *even += taps.centre * here;
    *odd += taps.right * here;
    *odd += taps.left * next;
}

/* One row of errors from the row `upper` of deltas and, where both is set, a literal, the row behind it. */
TP_ALWAYS_INLINE void depthwise_error_row(float *error, const float *upper, const float *upper_filter,
                                          const float *lower_filter, tp_conv2d c, int both)
{
    const tp_taps3 upper_taps = depthwise_error_taps(upper_filter), lower_taps = depthwise_error_taps(lower_filter);
    const float *lower = upper + c.out_width, *last = upper + c.out_width - 1U;
    float here = *upper, below = both ? *lower : 0.0f;
    for (; upper != last; error += 2) {
        float even = 0.0f, odd = 0.0f;
        const float next = *++upper;
        depthwise_error_pair(&even, &odd, upper_taps, here, next);
        here = next;
        if (both) {
            const float next_below = *++lower;
            depthwise_error_pair(&even, &odd, lower_taps, below, next_below);
            below = next_below;
        }
        error[0] = even;
        error[1] = odd;
    }
    float even = 0.0f, odd = 0.0f;
    even += upper_taps.centre * here;
    odd += upper_taps.right * here;
    if (both) {
        even += lower_taps.centre * below;
        odd += lower_taps.right * below;
    }
    error[0] = even;
    if (c.in_width % 2U == 0U) {
        error[1] = odd;
    }
}

/* One channel at stride 2. */
TP_ALWAYS_INLINE void depthwise_error_stride_2(const float *delta, const float *filter, float *error, tp_conv2d c)
{
    for (uint32_t iy = 0U; iy < c.in_height; ++iy, error += c.in_width) {
        const float *upper = delta + iy / 2U * c.out_width;
        if (iy % 2U == 0U) {
            depthwise_error_row(error, upper, filter + 3, filter + 3, c, 0);
        } else if (iy + 1U < c.in_height) {
            depthwise_error_row(error, upper, filter + 6, filter, c, 1);
        } else {
            depthwise_error_row(error, upper, filter + 6, filter + 6, c, 0);
        }
    }
}

/* One channel at stride 1. */
TP_ALWAYS_INLINE void depthwise_error_stride_1(const float *delta, const float *filter, float *error, tp_conv2d c)
{
    float turned[9];
    for (uint32_t tap = 0U; tap < 9U; ++tap) {
        turned[tap] = filter[8U - tap];
    }
    tp_rows3x3(delta, turned, NULL, error, c, 1U, 0, 1U);
}

TP_KERNEL void tp_depthwise_conv2d_error_f32_k3p1(const float *x, const float *delta, const float *weight, float *error,
                                                  tp_conv2d c, int mask_input)
{
    const uint32_t plane = c.in_height * c.in_width;
    for (uint32_t channel = 0U; channel < c.in_channels; ++channel) {
        float *errors = error + channel * plane;
        if (c.stride_width == 1U) {
            depthwise_error_stride_1(delta, weight, errors, c);
        } else {
            depthwise_error_stride_2(delta, weight, errors, c);
        }
        delta += c.out_height * c.out_width;
        weight += 9;
    }
    TP_COUNT(macs_backward, c.in_channels * tp_macs3x3(c));
    if (mask_input) {
        tp_relu_bwd_f32(error, x, c.in_channels * plane);
    }
}
