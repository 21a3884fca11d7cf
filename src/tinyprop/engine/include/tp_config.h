/* SPDX-License-Identifier: Apache-2.0 */
/* How the kernels are compiled. Two ways, same results bit for bit:
 *   TP_INLINE_KERNELS 1  a generated network includes the kernels and inlines them with its literal shapes (fast);
 *   TP_INLINE_KERNELS 0  one generic body of each kernel is linked and shared by all layers (small).
 */
#ifndef TP_CONFIG_H
#define TP_CONFIG_H

/* A fused multiply-add rounds once where we round twice: results would differ from core to core. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#ifndef TP_INLINE_KERNELS
#define TP_INLINE_KERNELS 0
#endif

#if defined(__GNUC__)
#define TP_ALWAYS_INLINE static inline __attribute__((always_inline))
#define TP_NOINLINE static __attribute__((noinline, unused))
#define TP_MAY_ALIAS __attribute__((may_alias))
#else
#define TP_ALWAYS_INLINE static inline
#define TP_NOINLINE static
#define TP_MAY_ALIAS
#endif

#if TP_INLINE_KERNELS
#define TP_KERNEL TP_ALWAYS_INLINE
#else
#define TP_KERNEL
#endif

#endif
