/* SPDX-License-Identifier: Apache-2.0 */
/* How the kernels are compiled. Two ways, same results bit for bit:
 *   TP_INLINE_KERNELS 1  a generated network includes the kernels and inlines them with its literal shapes (fast);
 *   TP_INLINE_KERNELS 0  one generic body of each kernel is linked and shared by all layers (small).
 */
#ifndef TP_CONFIG_H
#define TP_CONFIG_H

#include <float.h>
#include <limits.h>

/* A fused multiply-add rounds once where we round twice: results would differ from core to core. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
/* Blocked kernels fill the registers; moving loads ahead of their use would push accumulators out to the stack. */
#pragma GCC optimize("no-schedule-insns")
/* Neither may additions be put off until the next run of weights (tp_run.h) is loaded over their operands. */
#pragma GCC optimize("no-tree-ter")
#endif

/* Bit for bit needs float32 as IEEE 754 has it, rounded at every operation, and no sum reordered. */
#if CHAR_BIT != 8 || FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MAX_EXP != 128
#error "tinyprop: this core needs 8-bit bytes and float as IEEE 754 binary32"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "tinyprop: floats are computed in a wider type; on x86 compile with -msse2 -mfpmath=sse"
#endif
#if defined(__FAST_MATH__)
#error "tinyprop: compile without -ffast-math and -Ofast, which reorder sums"
#endif

#ifndef TP_INLINE_KERNELS
#define TP_INLINE_KERNELS 0
#endif

#if defined(__GNUC__)
#define TP_ALWAYS_INLINE static inline __attribute__((always_inline, unused))
#define TP_NOINLINE static __attribute__((noinline, unused))
#define TP_MAY_ALIAS __attribute__((may_alias))
#else
#define TP_ALWAYS_INLINE static inline
#define TP_NOINLINE static
#define TP_MAY_ALIAS
#endif

/* Before a loop that is unrolled by hand as far as it pays: more copies would only be code. */
#if defined(__clang__)
#define TP_ROLLED _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__) && __GNUC__ >= 8
#define TP_ROLLED _Pragma("GCC unroll 1")
#else
#define TP_ROLLED
#endif

/* `eight`, once for each eight of `size`, a literal: of short vectors in inlined kernels the turns of a loop are dearer than
 * their code. */
#define TP_IS_SHORT(size) (TP_INLINE_KERNELS && (size) <= 32U)
#define TP_EIGHTS_OF_SHORT(size, eight) \
    if ((size) >= 8U) { \
        eight \
    } \
    if ((size) >= 16U) { \
        eight \
    } \
    if ((size) >= 24U) { \
        eight \
    } \
    if ((size) >= 32U) { \
        eight \
    }
#define TP_EIGHTS(size, eight) \
    if (TP_IS_SHORT(size)) { \
        TP_EIGHTS_OF_SHORT(size, eight) \
    } else { \
        TP_ROLLED for (uint32_t left = (size) / 8U; left != 0U; --left) { \
            eight \
        } \
    }

/* A condition of which compilers believe too easily that it does not hold. */
#if defined(__GNUC__) && !defined(__FRAMAC__) /* which analyses what C says */
#define TP_OFTEN(condition) __builtin_expect((condition), 1)
#else
#define TP_OFTEN(condition) (condition)
#endif

/* At the end of a branch hardly ever taken, which a compiler for Arm would make a choice executed every time. */
#if defined(__GNUC__) && defined(__arm__)
#define TP_SELDOM __asm__ volatile("")
#else
#define TP_SELDOM ((void)0)
#endif

/* What compilers shall not know to be the same value as before, lest they compute from it beforehand. */
#if defined(__GNUC__) && !defined(__FRAMAC__)
#define TP_OPAQUE(word) __asm__("" : "+r"(word))
#define TP_IN_MEMORY(object) __asm__ volatile("" : : "r"(object) : "memory")
#else
#define TP_OPAQUE(word) ((void)0)
#define TP_IN_MEMORY(object) ((void)0)
#endif

#if TP_INLINE_KERNELS
#define TP_KERNEL TP_ALWAYS_INLINE
#else
#define TP_KERNEL
#endif

#endif
