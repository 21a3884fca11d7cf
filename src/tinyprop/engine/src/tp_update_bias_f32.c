/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* bias[index[j]] -= rate * delta[j] (index NULL: bias[j]); a layer without a bias has NULL. */
TP_KERNEL void tp_update_bias_f32(float *bias, const float *delta, const tp_index *index, float rate, uint32_t size)
{
    if (bias == NULL) {
        return;
    }
    TP_ROLLED for (uint32_t j = 0U; j < size; ++j) {
        bias[index != NULL ? index[j] : j] -= rate * delta[j];
    }
}
