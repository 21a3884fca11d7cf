/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Counts a step in memory[0], behind which the samples lie that the network is looked at with; as long as one of them is
 * missing, x is the next. */
TP_KERNEL void tp_take_sample_f32(float *memory, const float *x, uint32_t inputs, uint32_t samples)
{
    if (memory[0] >= 0.0f && memory[0] < (float)samples) {
        float *next = memory + 1U + (uint32_t)memory[0] * inputs;
        TP_ROLLED for (uint32_t i = 0U; i < inputs; ++i) {
            next[i] = x[i];
        }
    }
    memory[0] += 1.0f;
}
