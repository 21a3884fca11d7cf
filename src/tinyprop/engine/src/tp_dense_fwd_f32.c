/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Up to sixteen outputs at a time stay in registers while the inputs pass by, two a turn; a zero input costs one test.
 * `width` is a literal: the accumulators beyond it vanish.
 */
#define TP_DENSE_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_DENSE_START(j) float a##j = width > (j) && bias != NULL ? bias[j] : 0.0f;
#define TP_DENSE_ADD(j) \
    if (width > (j)) { \
        a##j += xi * weights[j]; \
    }
#define TP_DENSE_ROW(input, row) \
    { \
        const float xi = (input); \
        const float *weights = (row); \
        if (!skip_zeros || xi != 0.0f) { \
            TP_DENSE_EACH(TP_DENSE_ADD) \
            TP_COUNT(macs_forward, width); \
        } \
    }
#define TP_DENSE_STORE(j) \
    if (width > (j)) { \
        y[j] = relu && !(a##j > 0.0f) ? 0.0f : a##j; \
    }

TP_ALWAYS_INLINE void tp_dense_fwd_f32_block(const float *x, const float *weight, const float *bias, float *y,
                                             uint32_t inputs, uint32_t outputs, int relu, int skip_zeros,
                                             uint32_t width)
{
    TP_DENSE_EACH(TP_DENSE_START)
    const float *row = weight;
    const uint32_t pairs = inputs & ~1U;
    for (uint32_t i = 0U; i < pairs; i += 2U, row += 2U * outputs) {
        TP_DENSE_ROW(x[i], row)
        TP_DENSE_ROW(x[i + 1U], row + outputs)
    }
    if (inputs % 2U != 0U) {
        TP_DENSE_ROW(x[pairs], row)
    }
    TP_DENSE_EACH(TP_DENSE_STORE)
}

#undef TP_DENSE_START
#undef TP_DENSE_ADD
#undef TP_DENSE_ROW
#undef TP_DENSE_STORE

/* y[outputs] = bias + sum over inputs of x[i] * weight[i][.], inputs ascending, then ReLU if asked; bias may be NULL. */
TP_KERNEL void tp_dense_fwd_f32(const float *x, const float *weight, const float *bias, float *y, uint32_t inputs,
                                uint32_t outputs, int relu, int skip_zeros)
{
    const uint32_t block = TP_INLINE_KERNELS ? 16U : 4U;
    const uint32_t rest = TP_INLINE_KERNELS ? outputs % 16U : 1U; /* a literal either way */
    uint32_t o = 0U;
    for (; o + block <= outputs; o += block) {
        tp_dense_fwd_f32_block(x, weight + o, bias != NULL ? bias + o : NULL, y + o, inputs, outputs, relu,
                               skip_zeros, block);
    }
    if (rest != 0U) {
        for (; o < outputs; o += rest) {
            tp_dense_fwd_f32_block(x, weight + o, bias != NULL ? bias + o : NULL, y + o, inputs, outputs, relu,
                                   skip_zeros, rest);
        }
    }
}
