/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide.h"

/* Zeroes the error wherever the ReLU's output y was zero, in place. What left a ReLU is zero exactly if its bits are,
 * which an integer compare sees sooner. */
TP_KERNEL void tp_relu_bwd_f32(float *error, const float *y, uint32_t size)
{
#if TP_WIDE_KERNELS
    for (uint32_t i = 0U; i < size; ++i) {
        error[i] = tp_bits_of(y[i]) == 0U ? 0.0f : error[i];
    }
    return;
#endif
    const uint32_t fours = size - size % 4U;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        if (tp_bits_of(y[i]) == 0U) {
            error[i] = 0.0f;
        }
        if (tp_bits_of(y[i + 1U]) == 0U) {
            error[i + 1U] = 0.0f;
        }
        if (tp_bits_of(y[i + 2U]) == 0U) {
            error[i + 2U] = 0.0f;
        }
        if (tp_bits_of(y[i + 3U]) == 0U) {
            error[i + 3U] = 0.0f;
        }
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        if (tp_bits_of(y[i]) == 0U) {
            error[i] = 0.0f;
        }
    }
}
