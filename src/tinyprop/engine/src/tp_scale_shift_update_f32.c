/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* weight[c] -= rate * (inverse[c] * sum of (x[c][p] - mean[c]) * delta[c][p]); bias[c] -= rate * sum of delta[c][p].
 *
 * Sums: over p, ascending. Scratch: none. */
TP_KERNEL void tp_scale_shift_update_f32(const float *x, const float *delta, float *weight, float *bias,
                                         const float *mean, const float *inverse, float rate, uint32_t channels,
                                         uint32_t positions, int skip_zeros)
{
    for (uint32_t channel = 0U; channel < channels; ++channel) {
        float spread = 0.0f, total = 0.0f;
        for (uint32_t p = 0U; p < positions; ++p) {
            if (!skip_zeros || delta[p] != 0.0f) {
                spread += (x[p] - mean[channel]) * delta[p];
                total += delta[p];
                TP_COUNT(macs_backward, 1U);
            }
        }
        weight[channel] -= rate * (spread * inverse[channel]);
        if (bias != NULL) {
            bias[channel] -= rate * total;
        }
        x += positions;
        delta += positions;
    }
}
