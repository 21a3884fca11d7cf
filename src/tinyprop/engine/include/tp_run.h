/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: a few neighbouring floats, from memory to registers and back, in one instruction where the core has one.
 *
 * A multiply-add on a core without vectors is two instructions, and its weight is loaded by a third. Arm's FPU can load
 * and store neighbours together (VLDM, VSTM), in fewer instructions and fewer cycles; compilers find that by chance
 * only, so these few lines ask for it. The rest of the engine is plain C, and so is this file for every other core, or
 * with TP_PORTABLE defined. The same values move either way: results are the same.
 *
 *     tp_run8 run = tp_load8(from);   the floats from[0] ... from[7], as run.v[0] ... run.v[7]
 *     tp_load8_beside(from)           the same, while another run is in use
 *     tp_next8(&from)                 as tp_load8, and `from` goes on to what lies behind
 *     to = tp_store8(to, run);        writes them; returns what lies behind
 *     tp_clear8(to);                  to[0] ... to[7] become zero
 *     tp_next_pair(&from)             the bits of two floats, in core registers; `from` goes on
 *     tp_count_below(n, bar, bits)    n + 1 if bits, the sign shifted out, is below the bar, else n
 */
#ifndef TP_RUN_H
#define TP_RUN_H

#include "tp_config.h"
#include "tp_math.h"

#include <stdint.h>

#if defined(__GNUC__) && defined(__arm__) && defined(__ARM_FP) && !defined(__SOFTFP__) && !defined(TP_PORTABLE)
#define TP_BLOCK_TRANSFER 1
#else
#define TP_BLOCK_TRANSFER 0
#endif

/* A for the first float of a run, M for each other one: (i, its register, its register in a run beside another). */
#define TP_RUN_2(A, M) A(0, "s16", "s24") M(1, "s17", "s25")
#define TP_RUN_3(A, M) TP_RUN_2(A, M) M(2, "s18", "s26")
#define TP_RUN_4(A, M) TP_RUN_3(A, M) M(3, "s19", "s27")
#define TP_RUN_5(A, M) TP_RUN_4(A, M) M(4, "s20", "s28")
#define TP_RUN_6(A, M) TP_RUN_5(A, M) M(5, "s21", "s29")
#define TP_RUN_7(A, M) TP_RUN_6(A, M) M(6, "s22", "s30")
#define TP_RUN_8(A, M) TP_RUN_7(A, M) M(7, "s23", "s31")
#define TP_RUN_9(A, M) TP_RUN_8(A, M) M(8, "s24", "")

/* `sum` is finished where this stands: put off until it is needed, its terms would crowd the registers. */
#if TP_BLOCK_TRANSFER
#define TP_SETTLE(sum) __asm__ volatile("" : "+t"(sum))
#else
#define TP_SETTLE(sum) ((void)0)
#endif

#if TP_BLOCK_TRANSFER
#define TP_RUN_HERE(i, here, beside) register float r##i __asm__(here);
#define TP_RUN_BESIDE(i, here, beside) register float r##i __asm__(beside);
#define TP_RUN_FILLED(i, here, beside) register float r##i __asm__(here) = run.v[i];
#define TP_RUN_RESULT(i, here, beside) "=t"(r##i)
#define TP_RUN_NEXT_RESULT(i, here, beside) , "=t"(r##i)
#define TP_RUN_ARGUMENT(i, here, beside) "t"(r##i)
#define TP_RUN_NEXT_ARGUMENT(i, here, beside) , "t"(r##i)
#define TP_RUN_VALUE(i, here, beside) r##i
#define TP_RUN_NEXT_VALUE(i, here, beside) , r##i

#define TP_DEFINE_LOAD(n, name, pinned, registers) \
    TP_ALWAYS_INLINE tp_run##n name(const float *from) \
    { \
        TP_RUN_##n(pinned, pinned) \
        __asm__("vldmia %[from], {" registers "}" \
                : TP_RUN_##n(TP_RUN_RESULT, TP_RUN_NEXT_RESULT) \
                : [from] "r"(from), "m"(*(const tp_run##n *)from)); \
        const tp_run##n run = {{TP_RUN_##n(TP_RUN_VALUE, TP_RUN_NEXT_VALUE)}}; \
        return run; \
    }
#define TP_DEFINE_NEXT(n, name, pinned, registers) \
    TP_ALWAYS_INLINE tp_run##n name(const float **from) \
    { \
        TP_RUN_##n(pinned, pinned) \
        const float *here = *from; \
        __asm__("vldmia %[here]!, {" registers "}" \
                : TP_RUN_##n(TP_RUN_RESULT, TP_RUN_NEXT_RESULT), [here] "+r"(here) \
                : "m"(*(const tp_run##n *)*from)); \
        *from = here; \
        const tp_run##n run = {{TP_RUN_##n(TP_RUN_VALUE, TP_RUN_NEXT_VALUE)}}; \
        return run; \
    }
#define TP_DEFINE_STORE(n, registers) \
    TP_ALWAYS_INLINE float *tp_store##n(float *to, tp_run##n run) \
    { \
        TP_RUN_##n(TP_RUN_FILLED, TP_RUN_FILLED) \
        __asm__("vstmia %[to]!, {" registers "}" \
                : [to] "+r"(to), "=m"(*(tp_run##n *)to) \
                : TP_RUN_##n(TP_RUN_ARGUMENT, TP_RUN_NEXT_ARGUMENT)); \
        return to; \
    }
#else
#define TP_RUN_GET(i, here, beside) run.v[i] = from[i];
#define TP_RUN_PUT(i, here, beside) to[i] = run.v[i];
#define TP_DEFINE_LOAD(n, name, pinned, registers) \
    TP_ALWAYS_INLINE tp_run##n name(const float *from) \
    { \
        tp_run##n run; \
        TP_RUN_##n(TP_RUN_GET, TP_RUN_GET) \
        return run; \
    }
#define TP_DEFINE_NEXT(n, name, pinned, registers) \
    TP_ALWAYS_INLINE tp_run##n name(const float **from) \
    { \
        const tp_run##n run = tp_load##n(*from); \
        *from += (n); \
        return run; \
    }
#define TP_DEFINE_STORE(n, registers) \
    TP_ALWAYS_INLINE float *tp_store##n(float *to, tp_run##n run) \
    { \
        TP_RUN_##n(TP_RUN_PUT, TP_RUN_PUT) \
        return to + (n); \
    }
#endif

typedef struct TP_MAY_ALIAS tp_run2 {
    float v[2];
} tp_run2;
typedef struct TP_MAY_ALIAS tp_run3 {
    float v[3];
} tp_run3;
typedef struct TP_MAY_ALIAS tp_run4 {
    float v[4];
} tp_run4;
typedef struct TP_MAY_ALIAS tp_run5 {
    float v[5];
} tp_run5;
typedef struct TP_MAY_ALIAS tp_run6 {
    float v[6];
} tp_run6;
typedef struct TP_MAY_ALIAS tp_run7 {
    float v[7];
} tp_run7;
typedef struct TP_MAY_ALIAS tp_run8 {
    float v[8];
} tp_run8;
typedef struct TP_MAY_ALIAS tp_run9 {
    float v[9];
} tp_run9;

TP_DEFINE_LOAD(2, tp_load2, TP_RUN_HERE, "s16-s17")
TP_DEFINE_LOAD(3, tp_load3, TP_RUN_HERE, "s16-s18")
TP_DEFINE_LOAD(4, tp_load4, TP_RUN_HERE, "s16-s19")
TP_DEFINE_LOAD(5, tp_load5, TP_RUN_HERE, "s16-s20")
TP_DEFINE_LOAD(6, tp_load6, TP_RUN_HERE, "s16-s21")
TP_DEFINE_LOAD(7, tp_load7, TP_RUN_HERE, "s16-s22")
TP_DEFINE_LOAD(8, tp_load8, TP_RUN_HERE, "s16-s23")
TP_DEFINE_LOAD(9, tp_load9, TP_RUN_HERE, "s16-s24")
TP_DEFINE_LOAD(3, tp_load3_beside, TP_RUN_BESIDE, "s24-s26")
TP_DEFINE_LOAD(8, tp_load8_beside, TP_RUN_BESIDE, "s24-s31")
TP_DEFINE_NEXT(4, tp_next4_beside, TP_RUN_BESIDE, "s24-s27")
TP_DEFINE_NEXT(8, tp_next8, TP_RUN_HERE, "s16-s23")
TP_DEFINE_STORE(2, "s16-s17")
TP_DEFINE_STORE(3, "s16-s18")
TP_DEFINE_STORE(4, "s16-s19")
TP_DEFINE_STORE(5, "s16-s20")
TP_DEFINE_STORE(6, "s16-s21")
TP_DEFINE_STORE(7, "s16-s22")
TP_DEFINE_STORE(8, "s16-s23")
TP_DEFINE_STORE(9, "s16-s24")

#define TP_RUN_INTO(i, here, beside) v[i] = run.v[i];

#define TP_EACH_RUN(M) M(9) M(8) M(7) M(6) M(5) M(4) M(3) M(2)
#define TP_LOAD_SIZE(n) \
    if (size == (n)) { \
        const tp_run##n run = tp_load##n(from); \
        TP_RUN_##n(TP_RUN_INTO, TP_RUN_INTO) \
    }
#define TP_OUT_OF(i, here, beside) v[i],
#define TP_STORE_SIZE(n) \
    if (size == (n)) { \
        const tp_run##n run = {{TP_RUN_##n(TP_OUT_OF, TP_OUT_OF)}}; \
        (void)tp_store##n(to, run); \
    }

/* v[0] ... v[size - 1] from neighbours in memory; size is a literal of 1 to 9. */
TP_ALWAYS_INLINE void tp_load_run(float v[9], const float *from, uint32_t size)
{
    TP_EACH_RUN(TP_LOAD_SIZE)
    if (size == 1U) {
        v[0] = from[0];
    }
}

/* The same, the others zero; size is a literal of at most 9. */
TP_ALWAYS_INLINE void tp_load_line(float v[9], const float *from, uint32_t size)
{
    for (uint32_t i = size; i < 9U; ++i) {
        v[i] = 0.0f;
    }
    tp_load_run(v, from, size);
}

/* The other way. */
TP_ALWAYS_INLINE void tp_store_run(float *to, const float v[9], uint32_t size)
{
    TP_EACH_RUN(TP_STORE_SIZE)
    if (size == 1U) {
        to[0] = v[0];
    }
}

#undef TP_EACH_RUN
#undef TP_LOAD_SIZE
#undef TP_OUT_OF
#undef TP_STORE_SIZE

TP_ALWAYS_INLINE void tp_clear8(float *to)
{
#if TP_BLOCK_TRANSFER && defined(__thumb2__) /* the older instruction set stores two different registers only */
    __asm__("strd %[zero], %[zero], [%[to]]\n\tstrd %[zero], %[zero], [%[to], #8]\n\t"
            "strd %[zero], %[zero], [%[to], #16]\n\tstrd %[zero], %[zero], [%[to], #24]"
            : "=m"(*(tp_run8 *)to)
            : [zero] "r"(0U), [to] "r"(to));
#else
    for (uint32_t i = 0U; i < 8U; ++i) {
        to[i] = 0.0f;
    }
#endif
}

typedef struct tp_pair {
    uint32_t first, second;
} tp_pair;

TP_ALWAYS_INLINE tp_pair tp_next_pair(const float **from)
{
    tp_pair pair;
#if TP_BLOCK_TRANSFER
    const float *here = *from;
    __asm__("ldrd %[first], %[second], [%[here]], #8"
            : [first] "=r"(pair.first), [second] "=r"(pair.second), [here] "+r"(here)
            : "m"(*(const tp_run2 *)*from));
    *from = here;
#else
    pair.first = tp_bits_of((*from)[0]);
    pair.second = tp_bits_of((*from)[1]);
    *from += 2;
#endif
    return pair;
}

/* bar > 0. On Arm the comparison's carry is added: compilers make a choice of it, an instruction more. */
TP_ALWAYS_INLINE uint32_t tp_count_below(uint32_t n, uint32_t bar, uint32_t bits)
{
#if TP_BLOCK_TRANSFER
    __asm__("cmp %[last], %[bits], lsl #1\n\tadc %[n], %[n], #0"
            : [n] "+r"(n)
            : [last] "r"(bar - 1U), [bits] "r"(bits)
            : "cc");
    return n;
#else
    return n + (bits << 1 < bar ? 1U : 0U);
#endif
}

#undef TP_RUN_INTO
#undef TP_DEFINE_NEXT
#undef TP_DEFINE_LOAD
#undef TP_DEFINE_STORE

#endif
