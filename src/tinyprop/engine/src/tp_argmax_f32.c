/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Index of the largest value; the lower index wins a tie. */
TP_KERNEL uint32_t tp_argmax_f32(const float *x, uint32_t size)
{
    uint32_t best = 0U;
    float largest = x[0];
    for (uint32_t i = 1U; i < size; ++i) {
        if (x[i] > largest) {
            largest = x[i];
            best = i;
        }
    }
    return best;
}
