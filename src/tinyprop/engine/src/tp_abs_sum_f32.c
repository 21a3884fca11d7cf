/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_ADD(i) sum += tp_absolute(run.v[i]);
#define TP_ADD_8 \
    const tp_run8 run = tp_next8(&delta); \
    TP_ADD(0) TP_ADD(1) TP_ADD(2) TP_ADD(3) TP_ADD(4) TP_ADD(5) TP_ADD(6) TP_ADD(7)

/* Y, the sum of |delta|, in ascending order. No looks are counted: the decision to skip, which needs it too, has none. */
TP_KERNEL float tp_abs_sum_f32(const float *delta, uint32_t size)
{
    float sum = 0.0f;
    TP_EIGHTS(size, TP_ADD_8)
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        sum += tp_absolute(*delta);
    }
    return sum;
}

#undef TP_ADD_8
#undef TP_ADD
