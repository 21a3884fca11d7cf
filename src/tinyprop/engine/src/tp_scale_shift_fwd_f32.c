/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Batch norm with fixed statistics, y[c][p] = x[c][p] * scale + shift with scale = weight[c] * inverse[c] and
 * shift = bias[c] - mean[c] * scale; weight and bias NULL: 1 and 0. y may be x.
 *
 * inverse[c] is 1 / sqrt(variance + eps). Sums: none. Scratch: none. */
TP_KERNEL void tp_scale_shift_fwd_f32(const float *x, const float *weight, const float *bias, const float *mean,
                                      const float *inverse, float *y, uint32_t channels, uint32_t positions, int relu)
{
    for (uint32_t channel = 0U; channel < channels; ++channel) {
        const float scale = weight != NULL ? weight[channel] * inverse[channel] : inverse[channel];
        const float shift = (bias != NULL ? bias[channel] : 0.0f) - mean[channel] * scale;
        for (uint32_t p = 0U; p < positions; ++p) {
            const float sum = x[p] * scale + shift;
            y[p] = relu && !(sum > 0.0f) ? 0.0f : sum;
        }
        x += positions;
        y += positions;
    }
    TP_COUNT(macs_forward, channels * positions);
}
