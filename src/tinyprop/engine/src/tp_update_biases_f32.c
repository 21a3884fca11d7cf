/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* bias[channel] -= rate * sum over position, ascending, of delta[channel][position]. */
TP_KERNEL void tp_update_biases_f32(float *bias, const float *delta, float rate, uint32_t channels, uint32_t plane)
{
    for (uint32_t channel = 0U; channel < channels; ++channel) {
        float sum = 0.0f;
        for (const float *end = delta + plane; delta != end; ++delta) {
            sum += *delta;
        }
        bias[channel] -= rate * sum;
    }
}
