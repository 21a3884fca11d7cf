/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Scales delta down to the L2 norm `largest` where it is above. Order of the sum: squares, ascending. */
TP_KERNEL void tp_clip_f32(float *delta, uint32_t size, float largest)
{
    float squares = 0.0f;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        squares += delta[i] * delta[i];
    }
    const float norm = tp_sqrtf(squares);
    if (norm > largest) {
        const float scale = largest / norm;
        TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
            delta[i] *= scale;
        }
    }
}
