/* SPDX-License-Identifier: Apache-2.0 */
/* e^x = 2^n * e^r with n = round(x / ln 2) and |r| <= ln(2) / 2; e^r is a polynomial of degree 6. */
#include "tp_math.h"

TP_KERNEL float tp_expf(float x)
{
    const uint32_t magnitude = tp_magnitude_bits(x);
    if (magnitude > tp_bits_of(87.0f) && magnitude > tp_bits_of(x < 0.0f ? 104.0f : 89.0f)) { /* overflow, underflow, NaN */
        return magnitude > TP_BITS_INF ? tp_float_of(TP_BITS_NAN) : x < 0.0f ? 0.0f : tp_float_of(TP_BITS_INF);
    }
    /* |x| from the very bits that were compared: that it fits an integer shows in these lines alone. */
    const int32_t rounded = (int32_t)(tp_float_of(magnitude) * 0x1.715476p+0f + 0.5f);
    const int32_t negative = (int32_t)(tp_bits_of(x) >> 31);
    const int32_t n = (rounded ^ -negative) + negative; /* x < 0 ? -rounded : rounded */

    /* ln 2 in two parts: the first has 15 bits, so its product with n is exact. */
    const float r = (x - (float)n * 0x1.62e4p-1f) - (float)n * 0x1.7f7d1cp-20f;

    float q = 0x1.6a2352p-10f;
    q = q * r + 0x1.123a6cp-7f;
    q = q * r + 0x1.5558f4p-5f;
    q = q * r + 0x1.555490p-3f;
    q = q * r + 0x1.fffffcp-2f;
    const float e = 1.0f + (r + r * r * q);

    if (magnitude <= tp_bits_of(87.0f)) {
        return tp_float_of(tp_bits_of(e) + ((uint32_t)n << 23)); /* e * 2^n, a normal number: exact */
    }
    /* Two exact halves of 2^n: one alone is out of range near overflow, and would round twice near underflow. */
    const int32_t half = n / 2;
    return e * tp_power_of_two(half) * tp_power_of_two(n - half);
}
