/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Up to sixteen outputs at a time stay in registers while the inputs pass by, four a turn; a zero input costs one test.
 * `width`, how many they are, is a literal.
 */
#define TP_TERM(i) sums[i] += xi * w.v[i];

/* xi times the `width` weights of a row, in the runs that make up the binary number `width`; returns what lies behind. */
TP_ALWAYS_INLINE const float * dense_fwd_row(float sums[16], float xi, const float *row, uint32_t width)
{
    for (uint32_t left = width & 24U; left != 0U; left -= 8U, sums += 8) {
        const tp_run8 w = tp_next8(&row);
        TP_TERM(0) TP_TERM(1) TP_TERM(2) TP_TERM(3) TP_TERM(4) TP_TERM(5) TP_TERM(6) TP_TERM(7)
    }
    if ((width & 4U) != 0U) {
        const tp_run4 w = tp_load4(row);
        TP_TERM(0) TP_TERM(1) TP_TERM(2) TP_TERM(3)
        row += 4;
        sums += 4;
    }
    if ((width & 2U) != 0U) {
        const tp_run2 w = tp_load2(row);
        TP_TERM(0) TP_TERM(1)
        row += 2;
        sums += 2;
    }
    if ((width & 1U) != 0U) {
        *sums += xi * *row;
        ++row;
    }
    return row;
}

#undef TP_TERM

#define TP_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_START(j) sums[j] = width > (j) && bias != NULL ? bias[j] : 0.0f;
#define TP_FINISH(j) \
    if (width > (j)) { \
        y[j] = relu && !(sums[j] > 0.0f) ? 0.0f : sums[j]; \
    }
#define TP_ROW(input, bits) \
    if (TP_OFTEN(!skip_zeros || (bits) != 0U)) { \
        row = dense_fwd_row(sums, input, row, width) + (outputs - width); \
        TP_COUNT(macs_forward, width); \
    } else { \
        row += outputs; \
    }

TP_ALWAYS_INLINE void dense_fwd_block(const float *x, const float *weight, const float *bias, float *y,
                                      uint32_t inputs, uint32_t outputs, int relu, int skip_zeros, uint32_t width)
{
    float sums[16];
    TP_EACH(TP_START)
    const float *row = weight, *bits = x;
    TP_ROLLED for (uint32_t left = inputs / 4U; left != 0U; --left) {
        tp_pair a = {1U, 1U}, b = {1U, 1U};
        if (skip_zeros) {
            a = tp_next_pair(&bits);
            b = tp_next_pair(&bits);
        }
        const tp_run4 in = tp_next4_beside(&x);
        TP_ROW(in.v[0], a.first) TP_ROW(in.v[1], a.second) TP_ROW(in.v[2], b.first) TP_ROW(in.v[3], b.second)
    }
    TP_ROLLED for (uint32_t left = inputs % 4U; left != 0U; --left, ++x) {
        TP_ROW(*x, tp_bits_of(*x))
    }
    TP_EACH(TP_FINISH)
}

#undef TP_EACH
#undef TP_START
#undef TP_FINISH
#undef TP_ROW

/* y[outputs] = bias + sum over inputs of x[i] * weight[i][.], inputs ascending, then ReLU if asked; bias may be NULL. */
TP_KERNEL void tp_dense_fwd_f32(const float *x, const float *weight, const float *bias, float *y, uint32_t inputs,
                                uint32_t outputs, int relu, int skip_zeros)
{
    const uint32_t block = TP_INLINE_KERNELS ? 16U : 8U;
    const uint32_t rest = TP_INLINE_KERNELS ? outputs % 16U : 1U; /* a literal either way */
    uint32_t o = 0U;
    for (; o + block <= outputs; o += block) {
        dense_fwd_block(x, weight + o, bias != NULL ? bias + o : NULL, y + o, inputs, outputs, relu, skip_zeros, block);
    }
    if (rest != 0U) {
        for (; o < outputs; o += rest) {
            dense_fwd_block(x, weight + o, bias != NULL ? bias + o : NULL, y + o, inputs, outputs, relu, skip_zeros,
                            rest);
        }
    }
}
