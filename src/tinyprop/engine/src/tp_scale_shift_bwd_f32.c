/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_scale_shift_error_f32 and tp_scale_shift_update_f32 in one pass: delta becomes the error of the input, in place,
 * scaled by the weight as it was before the update.
 *
 * Sums: over the positions of a channel, ascending. Scratch: none. */
TP_KERNEL void tp_scale_shift_bwd_f32(const float *x, float *delta, float *weight, float *bias, const float *mean,
                                      const float *inverse, float rate, uint32_t channels, uint32_t positions,
                                      int mask_input, int skip_zeros)
{
    for (uint32_t channel = 0U; channel < channels; ++channel) {
        const float middle = mean[channel], scale = weight[channel] * inverse[channel];
        const uint32_t first = channel * positions;
        float spread = 0.0f, total = 0.0f;
        for (uint32_t p = first; p < first + positions; ++p) {
            const float d = delta[p];
            if (!skip_zeros || d != 0.0f) {
                spread += (x[p] - middle) * d;
                total += d;
                delta[p] = d * scale;
                TP_COUNT(macs_backward, 2U);
            }
        }
        weight[channel] -= rate * (spread * inverse[channel]);
        if (bias != NULL) {
            bias[channel] -= rate * total;
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(delta, x, channels * positions);
    }
}
