/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Zeroes the channels of delta that are settled, a flag for each, and returns how many entries of the others are not
 * zero. */
TP_KERNEL uint32_t tp_keep_moving_f32(float *delta, uint32_t channels, uint32_t positions, const float *settled)
{
    uint32_t kept = 0U;
    TP_COUNT(looks, channels);
    TP_ROLLED for (uint32_t channel = 0U; channel < channels; ++channel, delta += positions) {
        if (tp_magnitude_bits(settled[channel]) == 0U) {
            kept += tp_keep_all_f32(delta, positions);
            continue;
        }
        TP_ROLLED for (uint32_t i = 0U; i < positions; ++i) {
            delta[i] = 0.0f;
        }
    }
    return kept;
}
