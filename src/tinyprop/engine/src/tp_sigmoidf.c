/* SPDX-License-Identifier: Apache-2.0 */
/* 1 / (1 + e^-x), written so that the exponential never exceeds 1: nothing overflows, and small results keep all
 * their bits. */
#include "tp_math.h"

TP_KERNEL float tp_sigmoidf(float x)
{
    const float e = tp_expf(x < 0.0f ? x : -x);
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}
