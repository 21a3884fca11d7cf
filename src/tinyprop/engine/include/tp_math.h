/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions of float32 that give the same bits on every compiler, core and C library.
 *
 * They use only IEEE + - * / and integer operations, in one fixed order; `tinyprop.ir.elementary` is the same
 * arithmetic in NumPy. Subnormal numbers are honoured; every NaN returned is the quiet NaN 0x7fc00000. */
#ifndef TP_MATH_H
#define TP_MATH_H

#include "tp_config.h"

#include <stdint.h>

/* e^x, within 2 ulp. +inf above 88.72, 0 below -103.97. */
TP_KERNEL float tp_expf(float x);

/* Natural logarithm, within 2 ulp. logf(0) = -inf, NaN below 0. */
TP_KERNEL float tp_logf(float x);

/* Square root, correctly rounded. NaN below 0; sqrtf(-0) = -0. */
TP_KERNEL float tp_sqrtf(float x);

/* 1 / (1 + e^-x), within 3 ulp; 0 below -103.97, where it is the exponential. */
TP_KERNEL float tp_sigmoidf(float x);

/* Hyperbolic tangent, within 2 ulp; tanhf(-0) = 0. */
TP_KERNEL float tp_tanhf(float x);

#define TP_THIRD 0x1.555556p-2f
#define TP_SIXTH 0x1.555556p-3f

/* (x + 3) / 6 between 0 and 1: the hard sigmoid, and what hard swish multiplies x by. */
static inline float tp_ramp(float x)
{
    const float raised = x + 3.0f > 0.0f ? x + 3.0f : 0.0f;
    return (raised < 6.0f ? raised : 6.0f) * TP_SIXTH;
}

/* The bits of a float32 as an integer, and back. */
static inline uint32_t tp_bits_of(float x)
{
    union { float f; uint32_t u; } both = { .f = x };
    return both.u;
}

static inline float tp_float_of(uint32_t bits)
{
    union { uint32_t u; float f; } both = { .u = bits };
    return both.f;
}

/* Whether x is +0, what a ReLU makes of what it stops. -0 is not: computing with it is as good as leaving it out, and a
 * comparison of floats, which would find both, takes an instruction more. */
static inline int tp_is_plus_zero(float x)
{
    return tp_bits_of(x) == 0U;
}

/* |x| as an integer: magnitudes order alike either way, and an integer compare is cheap. */
static inline uint32_t tp_magnitude_bits(float x)
{
    return tp_bits_of(x) & 0x7fffffffU;
}

/* |x|, -0 included. */
static inline float tp_absolute(float x)
{
#if defined(__GNUC__) && defined(__ARM_FP)
    return __builtin_fabsf(x); /* one instruction where there is an FPU; the other way round compilers miss it */
#else
    return tp_float_of(tp_magnitude_bits(x));
#endif
}

/* 2^n for n in [-126, 127]. */
static inline float tp_power_of_two(int32_t n)
{
    return tp_float_of((uint32_t)(n + 127) << 23);
}

#define TP_BITS_INF 0x7f800000U
#define TP_BITS_NAN 0x7fc00000U

#endif
