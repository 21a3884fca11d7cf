/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_SQUARE(i) squares += run.v[i] * run.v[i];
#define TP_SQUARE_8 \
    const tp_run8 run = tp_next8(&delta); \
    TP_SQUARE(0) TP_SQUARE(1) TP_SQUARE(2) TP_SQUARE(3) TP_SQUARE(4) TP_SQUARE(5) TP_SQUARE(6) TP_SQUARE(7)

/* The L2 norm of delta: the square root of its squares, added in ascending order. No looks are counted: those who ask for
 * it count them. */
TP_KERNEL float tp_norm_f32(const float *delta, uint32_t size)
{
    float squares = 0.0f;
    TP_EIGHTS(size, TP_SQUARE_8)
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        squares += *delta * *delta;
    }
    return tp_sqrtf(squares);
}

#undef TP_SQUARE_8
#undef TP_SQUARE
