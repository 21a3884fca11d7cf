/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* weight -= rate * direction; direction may be weight itself, which then decays (and no weight becomes -0). Four elements
 * a turn: the loop costs almost as much as the arithmetic. */
TP_KERNEL void tp_descend_f32(float *weight, const float *direction, float rate, uint32_t size)
{
    const uint32_t fours = size & ~3U;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        weight[i] -= rate * direction[i];
        weight[i + 1U] -= rate * direction[i + 1U];
        weight[i + 2U] -= rate * direction[i + 2U];
        weight[i + 3U] -= rate * direction[i + 3U];
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        weight[i] -= rate * direction[i];
    }
}
