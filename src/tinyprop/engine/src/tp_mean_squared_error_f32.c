/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Loss of one sample; outputs[size] becomes its error, 2 (o - target) / size, in place.
 *
 *     loss = sum_i (o_i - target_i)^2 / size
 */
TP_KERNEL float tp_mean_squared_error_f32(float *outputs, const float *target, uint32_t size)
{
    const float scale = 2.0f / (float)size;
    float sum = 0.0f;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        const float distance = outputs[i] - target[i];
        sum += distance * distance;
        outputs[i] = distance * scale;
    }
    return sum / (float)size;
}
