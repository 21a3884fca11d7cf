/* SPDX-License-Identifier: Apache-2.0 */
/* float32 division for cores without a floating-point unit, correctly rounded. It takes the place of the one in zig's
 * run-time library, which cuts subnormal quotients off where IEEE 754 rounds them; libgcc's needs no help. */
#include <stdint.h>

#define SIGN 0x80000000u
#define INF 0x7F800000u
#define QUIET_NAN 0x7FC00000u
#define HIDDEN_ONE 0x00800000u

#ifdef __ARM_EABI__
#define DIVIDE __aeabi_fdiv
#else
#define DIVIDE __divsf3
#endif

/* The name under which the compiler calls it. */
float DIVIDE(float numerator, float denominator);

typedef union word {
    float f;
    uint32_t u;
} word;

/* The significand of a finite magnitude above 0, its leading one at HIDDEN_ONE; *exponent as IEEE 754 biases it. */
static uint32_t significand(uint32_t magnitude, int32_t *exponent)
{
    *exponent = (int32_t)(magnitude >> 23);
    if (*exponent > 0) {
        return (magnitude & (HIDDEN_ONE - 1u)) | HIDDEN_ONE;
    }
    for (*exponent = 1; magnitude < HIDDEN_ONE; --*exponent) {
        magnitude <<= 1;
    }
    return magnitude;
}

/* n / d in [1, 2) with 25 fraction bits, of which the last says whether anything is missing. */
static uint32_t long_division(uint32_t n, uint32_t d)
{
    uint32_t quotient = 0u;
    for (int bit = 0; bit < 25; bit++) {
        quotient <<= 1;
        if (n >= d) {
            n -= d;
            quotient |= 1u;
        }
        n <<= 1;
    }
    return quotient << 1 | (n != 0u);
}

/* To the nearest, ties to even; what is too small for a normal number loses its low bits first. */
static uint32_t rounded(uint32_t quotient, int32_t exponent)
{
    if (exponent < 1) {
        const int32_t shift = exponent < -24 ? 26 : 1 - exponent;
        quotient = quotient >> shift | ((quotient & ((1u << shift) - 1u)) != 0u);
        exponent = 1;
    }
    const uint32_t bits = quotient >> 2, rest = quotient & 3u;
    return ((uint32_t)(exponent - 1) << 23) + bits + (rest + (bits & 1u) > 2u);
}

float DIVIDE(float numerator, float denominator)
{
    const word a = {numerator}, b = {denominator};
    const uint32_t sign = (a.u ^ b.u) & SIGN, n = a.u & ~SIGN, d = b.u & ~SIGN;
    word result;
    int32_t exponent, subtracted;
    if (n > INF || d > INF || (n == d && (n == 0u || n == INF))) {
        result.u = QUIET_NAN;
    } else if (n == INF || d == 0u) {
        result.u = sign | INF;
    } else if (n == 0u || d == INF) {
        result.u = sign;
    } else {
        uint32_t top = significand(n, &exponent), bottom = significand(d, &subtracted);
        exponent += 127 - subtracted;
        if (top < bottom) {
            top <<= 1;
            exponent--;
        }
        result.u = sign | (exponent > 254 ? INF : rounded(long_division(top, bottom), exponent));
    }
    return result.f;
}
