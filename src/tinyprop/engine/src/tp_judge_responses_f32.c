/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Behind a look, when tp_compare_response_f32 has taken in every sample: brings each channel's answers to norm 1, and
 * makes of their similarity to those before its four facts, of which the third says whether it is at equilibrium:
 *
 *     distance = 1 - similarity;  velocity = (distance before - distance) - mu * velocity before
 *     settled = |velocity| < eps
 *
 * first: there is nothing before, and nobody is settled. */
TP_KERNEL void tp_judge_responses_f32(uint32_t channels, uint32_t positions, uint32_t samples, float eps, float mu,
                                      int first, float *memory)
{
    const uint32_t stored = channels * positions;
    float *distance = memory + samples * stored;
    float *velocity = distance + channels;
    float *settled = velocity + channels;
    const float *product = settled + channels;
    TP_COUNT(looks, samples * stored);
    TP_ROLLED for (uint32_t channel = 0U; channel < channels; ++channel) {
        float *own = memory + channel * positions;
        float squares = 0.0f;
        TP_ROLLED for (uint32_t sample = 0U; sample < samples; ++sample) {
            TP_ROLLED for (uint32_t i = 0U; i < positions; ++i) {
                const float now = own[sample * stored + i];
                squares += now * now;
            }
        }
        const float norm = tp_sqrtf(squares);
        const int answers = norm > 0.0f && tp_magnitude_bits(norm) < 0x7f800000U;
        float alike = tp_magnitude_bits(settled[channel]) == 0U ? 1.0f : 0.0f;
        if (answers) {
            alike = product[channel] / norm;
        }
        TP_ROLLED for (uint32_t sample = 0U; sample < samples; ++sample) {
            TP_ROLLED for (uint32_t i = 0U; i < positions; ++i) {
                float *now = &own[sample * stored + i];
                *now = answers ? *now / norm : 0.0f;
            }
        }
        const float apart = 1.0f - alike;
        const float moved = (distance[channel] - apart) - mu * velocity[channel];
        distance[channel] = first ? 0.0f : apart;
        velocity[channel] = first ? 0.0f : moved;
        settled[channel] = !first && (moved < 0.0f ? -moved : moved) < eps ? 1.0f : 0.0f;
    }
}
