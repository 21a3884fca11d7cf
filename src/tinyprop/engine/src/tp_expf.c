/* SPDX-License-Identifier: Apache-2.0 */
/* e^x = 2^n * e^r with n = round(x / ln 2) and |r| <= ln(2) / 2; e^r is a polynomial of degree 6. */
#include "tp_math.h"

/* Beyond +-87: NaN, overflow, underflow, and what lies between. */
TP_ALWAYS_INLINE int expf_is_special(float x, float *result)
{
    if (x != x) {
        *result = tp_float_of(TP_BITS_NAN);
    } else if (x > 89.0f) {
        *result = tp_float_of(TP_BITS_INF);
    } else if (x < -104.0f) {
        *result = 0.0f;
    } else {
        return 0;
    }
    return 1;
}

TP_KERNEL float tp_expf(float x)
{
    const int usual = tp_magnitude_bits(x) <= tp_bits_of(87.0f);
    float special;
    if (!usual && expf_is_special(x, &special)) {
        return special;
    }
    const int32_t n = (int32_t)(x * 0x1.715476p+0f + (x < 0.0f ? -0.5f : 0.5f));

    /* ln 2 in two parts: the first has 15 bits, so its product with n is exact. */
    const float r = (x - (float)n * 0x1.62e4p-1f) - (float)n * 0x1.7f7d1cp-20f;

    float q = 0x1.6a2352p-10f;
    q = q * r + 0x1.123a6cp-7f;
    q = q * r + 0x1.5558f4p-5f;
    q = q * r + 0x1.555490p-3f;
    q = q * r + 0x1.fffffcp-2f;
    const float e = 1.0f + (r + r * r * q);

    if (usual) {
        return e * tp_power_of_two(n); /* a normal number: exact */
    }
    /* Two exact halves of 2^n: one alone is out of range near overflow, and would round twice near underflow. */
    const int32_t half = n / 2;
    return e * tp_power_of_two(half) * tp_power_of_two(n - half);
}
