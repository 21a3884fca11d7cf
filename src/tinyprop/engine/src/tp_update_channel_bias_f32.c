/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* bias[c] -= rate * sum over p, ascending, of delta[c][p]: the bias's part of a convolution's update, in the
 * same order. delta: as stored, that is pooled where a max pool is fused. Four positions a
 * turn: the loop costs as much as the addition. */
TP_KERNEL void tp_update_channel_bias_f32(float *bias, const float *delta, float rate, uint32_t channels, uint32_t plane)
{
    const uint32_t fours = plane & ~3U;
    for (uint32_t c = 0U; c < channels; ++c, delta += plane) {
        float sum = 0.0f;
        TP_ROLLED for (uint32_t p = 0U; p < fours; p += 4U) {
            sum += delta[p];
            sum += delta[p + 1U];
            sum += delta[p + 2U];
            sum += delta[p + 3U];
        }
        TP_ROLLED for (uint32_t p = fours; p < plane; ++p) {
            sum += delta[p];
        }
        bias[c] -= rate * sum;
    }
}
