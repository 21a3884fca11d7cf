/* SPDX-License-Identifier: Apache-2.0 */
/* Square root, by one instruction where Arm's FPU has it, which rounds correctly, else by integer digits: 25 bits of the
 * root, the last one decides the rounding. No tie can occur, since the square of a number that ends in that half bit has
 * more digits than a float32. */
#include "tp_run.h"

TP_KERNEL float tp_sqrtf(float x)
{
    if (!(x >= 0.0f)) {
        return tp_float_of(TP_BITS_NAN);
    }
#if TP_BLOCK_TRANSFER
    float root_of_x;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root_of_x) : "t"(x));
    return root_of_x;
#else
    const uint32_t bits = tp_bits_of(x);
    if (x == 0.0f || bits == TP_BITS_INF) {
        return x;
    }
    int32_t exponent = (int32_t)(bits >> 23);
    uint32_t rest = bits & 0x007fffffU;
    if (exponent == 0) { /* subnormal: shift the leading one to where a normal number has it */
        exponent = 1;
        while ((rest & 0x00800000U) == 0U) {
            rest <<= 1;
            exponent -= 1;
        }
    }
    rest |= 0x00800000U;
    exponent -= 127;
    if (exponent % 2 != 0) { /* an even exponent halves exactly */
        rest <<= 1;
        exponent -= 1;
    }

    /* Invariant: `rest` is what (root)^2 still lacks, scaled up by one bit a digit; `twice` is two times the root. */
    rest <<= 1;
    uint32_t root = 0U;
    uint32_t twice = 0U;
    for (uint32_t digit = 0x01000000U; digit != 0U; digit >>= 1) {
        const uint32_t trial = twice + digit;
        if (trial <= rest) {
            twice = trial + digit;
            rest -= trial;
            root += digit;
        }
        rest <<= 1;
    }
    const uint32_t rounded = (root >> 1) + (root & 1U);
    return tp_float_of((uint32_t)(exponent / 2 + 126) * 0x00800000U + rounded);
#endif
}
