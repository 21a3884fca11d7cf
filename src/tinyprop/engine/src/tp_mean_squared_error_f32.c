/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_TERM(i) \
    o.v[i] -= t.v[i]; \
    sum += o.v[i] * o.v[i]; \
    o.v[i] *= scale;

/* Loss of one sample; outputs[size] becomes its error, 2 (o - target) / size, in place.
 *
 *     loss = sum_i (o_i - target_i)^2 / size
 */
TP_KERNEL float tp_mean_squared_error_f32(float *outputs, const float *target, uint32_t size)
{
    const float scale = 2.0f / (float)size;
    float sum = 0.0f;
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left, target += 8) {
        const tp_run8 t = tp_load8_beside(target);
        tp_run8 o = tp_load8(outputs);
        TP_TERM(0) TP_TERM(1) TP_TERM(2) TP_TERM(3) TP_TERM(4) TP_TERM(5) TP_TERM(6) TP_TERM(7)
        outputs = tp_store8(outputs, o);
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++outputs, ++target) {
        const float distance = *outputs - *target;
        sum += distance * distance;
        *outputs = distance * scale;
    }
    return sum / (float)size;
}

#undef TP_TERM
