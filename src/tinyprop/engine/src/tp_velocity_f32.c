/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_VELOCITY_CARRY(i) \
    { \
        const float carried = momentum * velocity[i]; \
        velocity[i] = weight != NULL ? carried + decay * weight[i] : carried; \
    }

/* velocity = momentum * velocity + decay * weight, to which an update kernel at rate -1 then adds the gradient exactly.
 * weight NULL: no decay. Four elements a turn: the loop costs almost as much as the arithmetic. */
TP_KERNEL void tp_velocity_f32(float *velocity, const float *weight, float momentum, float decay, uint32_t size)
{
    const uint32_t fours = size & ~3U;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        TP_VELOCITY_CARRY(i)
        TP_VELOCITY_CARRY(i + 1U)
        TP_VELOCITY_CARRY(i + 2U)
        TP_VELOCITY_CARRY(i + 3U)
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        TP_VELOCITY_CARRY(i)
    }
}

#undef TP_VELOCITY_CARRY
