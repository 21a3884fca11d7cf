/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* x[size] as tp_rfft_f32 leaves it becomes |X[0]|^2 ... |X[size / 2]|^2 in its first size / 2 + 1 places: the square of
 * the real part plus that of the imaginary one; its square root if asked. */
TP_KERNEL void tp_power_f32(float *x, uint32_t size, int root)
{
    const uint32_t last = size / 2U;
    const float highest = x[1] * x[1];
    x[0] = x[0] * x[0];
    for (uint32_t k = 1U; k < last; ++k) {
        x[k] = x[2U * k] * x[2U * k] + x[2U * k + 1U] * x[2U * k + 1U];
    }
    x[last] = highest;
    if (root) {
        for (uint32_t k = 0U; k <= last; ++k) {
            x[k] = tp_sqrtf(x[k]);
        }
    }
}
