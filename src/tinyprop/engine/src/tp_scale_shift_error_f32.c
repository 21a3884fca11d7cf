/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* error[c][p] = delta[c][p] * weight[c] * inverse[c], the product of the last two first; weight NULL: 1. error may be
 * delta. Zeros are multiplied like all others: a test costs as much. mask_input: zero where x, a ReLU's output, is.
 *
 * Sums: none. Scratch: none. */
TP_KERNEL void tp_scale_shift_error_f32(const float *x, const float *delta, const float *weight, const float *inverse,
                                        float *error, uint32_t channels, uint32_t positions, int mask_input)
{
    for (uint32_t channel = 0U; channel < channels; ++channel) {
        const float scale = weight != NULL ? weight[channel] * inverse[channel] : inverse[channel];
        const uint32_t first = channel * positions;
        for (uint32_t p = first; p < first + positions; ++p) {
            error[p] = delta[p] * scale;
        }
    }
    TP_COUNT(macs_backward, channels * positions);
    if (mask_input) {
        tp_relu_bwd_f32(error, x, channels * positions);
    }
}
