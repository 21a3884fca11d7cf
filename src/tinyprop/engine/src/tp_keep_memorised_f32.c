/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Adds residual[size] to what of delta is not zero, zeroes all but the k largest, k = ratio * n + 1/2 and at least one, as
 * tp_keep_ratio_f32 does, and returns how many are kept. Of those that are not, `share` is in residual afterwards; of those
 * that are, zero. Where delta was zero residual stays as it was. What is not finite is forgotten. */
TP_KERNEL uint32_t tp_keep_memorised_f32(float *delta, uint32_t size, uint32_t n, float ratio, float share,
                                         float *residual, const uint8_t *argmax, uint32_t row, uint32_t pool_height,
                                         uint32_t pool_width, int packed)
{
    TP_COUNT(looks, size);
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        if (tp_magnitude_bits(delta[i]) != 0U) {
            const float sum = delta[i] + residual[i];
            const float left = share * sum;
            delta[i] = sum;
            residual[i] = tp_magnitude_bits(left) < 0x7f800000U ? left : 0.0f;
        }
    }
    tp_layer_state largest_sum = {0.0f}; /* is of no interest: the share is fixed */
    const uint32_t kept = tp_keep_ratio_f32(delta, size, n, ratio, ratio, 1.0f, 1U, &largest_sum, argmax, row,
                                            pool_height, pool_width, packed);
    TP_COUNT(looks, size);
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        if (tp_magnitude_bits(delta[i]) != 0U) {
            residual[i] = 0.0f;
        }
    }
    return kept;
}
