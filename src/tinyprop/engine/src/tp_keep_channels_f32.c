/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Zeroes all but the k channels of largest sum of |delta|, of equal ones the first, and returns how many entries of
 * them are not zero; or keeps all where k is so large that a selection would not pay, and returns as many as there are.
 * k is low + (high - low) * loss / largest loss so far, which `state` remembers, of the channels; at least one.
 * sums[channels] is overwritten. */
TP_KERNEL uint32_t tp_keep_channels_f32(float *delta, uint32_t channels, uint32_t positions, float low, float high,
                                        float loss, float *sums, tp_layer_state *state)
{
    if (loss > state->y_max) {
        state->y_max = loss;
    }
    const float ratio = state->y_max > 0.0f ? loss / state->y_max : 0.0f;
    const float wanted = low + (high - low) * ratio;
    const float share = wanted < high ? wanted : high;
    TP_ROLLED for (uint32_t channel = 0U; channel < channels; ++channel) {
        sums[channel] = tp_abs_sum_f32(delta + channel * positions, positions);
    }
    TP_COUNT(looks, channels * positions);
    tp_layer_state largest_sum = {0.0f}; /* is of no interest: the share is fixed */
    const uint32_t stay = tp_keep_ratio_f32(sums, channels, channels, share, share, 1.0f, 1U, &largest_sum, NULL,
                                            channels, 1U, 1U, 0);
    if (stay == channels) {
        return channels * positions;
    }
    TP_COUNT(looks, channels * positions);
    uint32_t kept = 0U;
    TP_ROLLED for (uint32_t channel = 0U; channel < channels; ++channel, delta += positions) {
        if (tp_magnitude_bits(sums[channel]) != 0U) {
            kept += tp_keep_all_f32(delta, positions);
            continue;
        }
        TP_ROLLED for (uint32_t i = 0U; i < positions; ++i) {
            delta[i] = 0.0f;
        }
    }
    return kept;
}
