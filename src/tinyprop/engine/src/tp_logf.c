/* SPDX-License-Identifier: Apache-2.0 */
/* log(x) = k ln 2 + log(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); with s = f / (2 + f),
 * log(1 + f) = 2 atanh(s) = f - s (f - R), where R = 2/3 s^2 + 2/5 s^4 + 2/7 s^6 nearly. */
#include "tp_math.h"

TP_KERNEL float tp_logf(float x)
{
    if (x == 0.0f) {
        return -tp_float_of(TP_BITS_INF);
    }
    if (!(x > 0.0f)) {
        return tp_float_of(TP_BITS_NAN);
    }
    if (tp_bits_of(x) == TP_BITS_INF) {
        return x;
    }
    const int subnormal = x < 0x1p-126f;
    const uint32_t bits = tp_bits_of(subnormal ? x * 0x1p+25f : x);

    /* Counting the exponent from sqrt(1/2) puts the mantissa into [sqrt(1/2), sqrt(2)). */
    const uint32_t from_root = bits - 0x3f3504f3U;
    const int32_t k = (int32_t)(from_root >> 23) - (bits < 0x3f3504f3U ? 512 : 0) - (subnormal ? 25 : 0);
    const float f = tp_float_of((from_root & 0x007fffffU) + 0x3f3504f3U) - 1.0f;

    const float s = f / (2.0f + f);
    const float z = s * s;
    float r = 0x1.31e678p-2f;
    r = r * z + 0x1.995e9cp-2f;
    r = r * z + 0x1.55557ap-1f;
    r = r * z;
    return (float)k * 0x1.62e4p-1f + (f - (s * (f - r) - (float)k * 0x1.7f7d1cp-20f));
}
