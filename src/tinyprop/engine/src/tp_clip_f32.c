/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Scales delta down to the L2 norm `largest` where it is above. */
TP_KERNEL void tp_clip_f32(float *delta, uint32_t size, float largest)
{
    const float norm = tp_norm_f32(delta, size);
    if (norm > largest) {
        const float scale = largest / norm;
        TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
            delta[i] *= scale;
        }
    }
}
