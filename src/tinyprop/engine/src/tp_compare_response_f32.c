/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Takes in what a layer answers on one of the samples of a look: memory[samples * channels * positions] holds what it
 * answered in the look before, each channel of norm 1 over all samples, and is overwritten by what it answers now. Behind it
 * lie four facts of each channel. For tp_judge_responses_f32 the last two are, of the samples so far, whether anything was
 * not zero before, and the sum of the products of now and before. What is not finite counts as zero. */
TP_KERNEL void tp_compare_response_f32(const float *y, uint32_t channels, uint32_t positions, uint32_t sample,
                                       uint32_t samples, float *memory)
{
    float *before = memory + sample * channels * positions;
    float *seen = memory + (samples * positions + 2U) * channels;
    float *product = seen + channels;
    TP_COUNT(looks, channels * positions);
    TP_ROLLED for (uint32_t channel = 0U; channel < channels; ++channel) {
        float sum = sample > 0U ? product[channel] : 0.0f;
        float any = sample > 0U ? seen[channel] : 0.0f;
        TP_ROLLED for (uint32_t i = 0U; i < positions; ++i, ++before, ++y) {
            const float now = tp_magnitude_bits(*y) < 0x7f800000U ? *y : 0.0f;
            sum += now * *before;
            if (tp_magnitude_bits(*before) != 0U) {
                any = 1.0f;
            }
            *before = now;
        }
        product[channel] = sum;
        seen[channel] = any;
    }
}
