/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_dense_error_f32 where the inputs left a ReLU and only their bits are left (tp_relu_pack_f32). */
TP_KERNEL void tp_dense_error_f32_packed(float *error, const float *delta, const uint8_t *mask, const float *weight,
                                         uint32_t inputs, uint32_t outputs, int skip_zeros)
{
    const float *row = weight;
    for (uint32_t i = 0U; i < inputs; ++i, row += outputs) {
        const int alive = tp_mask_bit(mask, i);
        float e = 0.0f;
        if (alive || !skip_zeros) {
            for (uint32_t j = 0U; j < outputs; ++j) {
                e += row[j] * delta[j];
            }
            TP_COUNT(macs_backward, outputs);
        }
        error[i] = alive ? e : 0.0f;
    }
}
