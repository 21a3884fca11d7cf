/* SPDX-License-Identifier: Apache-2.0 */
/* tanh |x| = 1 - 2 / (e^2|x| + 1); below 0.55, where that would cancel, |x| + |x|^3 q(x^2) with q fitted (Lawson's
 * iteration on the relative error, 1.1e-9 before rounding of the coefficients). */
#include "tp_math.h"

TP_KERNEL float tp_tanhf(float x)
{
    const float t = x < 0.0f ? -x : x;
    float y;
    if (t < 0.55f) {
        const float z = t * t;
        float q = -0x1.9b2faep-8f;
        q = q * z + 0x1.593ceep-6f;
        q = q * z - 0x1.b92878p-5f;
        q = q * z + 0x1.110d26p-3f;
        q = q * z - 0x1.55554ap-2f;
        y = t + t * (z * q);
    } else {
        y = 1.0f - 2.0f / (tp_expf(2.0f * t) + 1.0f);
    }
    return x < 0.0f ? -y : y;
}
