/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide_pointwise.h"

/* tp_conv2d_fwd_f32 for one tap, stride 1, no padding: y[co][p] = bias[co] + sum over ci of weight[co][ci] * x[ci][p].
 *
 * Four positions of four output channels stay in registers while the input channels pass by.
 *
 * Sums: bias, then ci ascending. Scratch: none.
 */
#define TP_EACH_POSITION(M, o) M(o, 0) M(o, 1) M(o, 2) M(o, 3)
#define TP_START(o, p) float s##o##p = outputs > (o) && bias != NULL ? bias[o] : 0.0f;
#define TP_LOAD(unused, p) const float v##p = positions > (p) ? x[p] : 0.0f;
#define TP_ADD(o, p) \
    if (positions > (p)) { \
        s##o##p += w * v##p; \
    }
#define TP_CHANNEL(o) \
    if (outputs > (o)) { \
        const float w = filter[(o) * c.in_channels]; \
        TP_EACH_POSITION(TP_ADD, o) \
    }
#define TP_STORE(o, p) \
    if (outputs > (o) && positions > (p)) { \
        y[(o) * plane + (p)] = relu && !(s##o##p > 0.0f) ? 0.0f : s##o##p; \
    }

/* `positions` positions of `outputs` channels, literals of at most 4. */
TP_ALWAYS_INLINE void pointwise_block(const float *x, const float *filter, const float *bias, float *y, tp_conv2d c,
                                      int relu, uint32_t positions, uint32_t outputs)
{
    const uint32_t plane = c.in_height * c.in_width;
    const float *end = filter + c.in_channels;
    TP_EACH_POSITION(TP_START, 0) TP_EACH_POSITION(TP_START, 1) TP_EACH_POSITION(TP_START, 2) TP_EACH_POSITION(TP_START, 3)
    TP_ROLLED for (; filter != end; ++filter, x += plane) {
        TP_EACH_POSITION(TP_LOAD, 0)
        TP_CHANNEL(0) TP_CHANNEL(1) TP_CHANNEL(2) TP_CHANNEL(3)
    }
    TP_EACH_POSITION(TP_STORE, 0) TP_EACH_POSITION(TP_STORE, 1) TP_EACH_POSITION(TP_STORE, 2) TP_EACH_POSITION(TP_STORE, 3)
}

#undef TP_EACH_POSITION
#undef TP_START
#undef TP_LOAD
#undef TP_ADD
#undef TP_CHANNEL
#undef TP_STORE

/* All positions of `outputs` channels, a literal of at most 4. */
TP_ALWAYS_INLINE void pointwise_channels(const float *x, const float *filter, const float *bias, float *y, tp_conv2d c,
                                         int relu, uint32_t outputs)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 4U : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? plane % 4U : 0U; /* a literal either way */
    uint32_t p = 0U;
    for (; p + block <= plane; p += block) {
        pointwise_block(x + p, filter, bias, y + p, c, relu, block, outputs);
    }
    if (rest != 0U) {
        pointwise_block(x + p, filter, bias, y + p, c, relu, rest, outputs);
    }
}

TP_KERNEL void tp_pointwise_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                           int relu)
{
#if TP_WIDE_KERNELS
    if (tp_wide_fits_pointwise(c)) {
        const tp_wide_product m = {x, weight, c.in_channels, c.in_height * c.in_width, c.in_channels, 1U};
        tp_wide_products(m, bias, NULL, y, relu, c.out_channels);
        TP_COUNT(macs_forward, c.in_channels * c.out_channels * c.in_height * c.in_width);
        return;
    }
#endif
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 4U : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.out_channels % 4U : 0U;
    uint32_t co = 0U;
    for (; co + block <= c.out_channels; co += block) {
        pointwise_channels(x, weight + co * c.in_channels, bias != NULL ? bias + co : NULL, y + co * plane, c, relu,
                           block);
    }
    if (rest != 0U) {
        pointwise_channels(x, weight + co * c.in_channels, bias != NULL ? bias + co : NULL, y + co * plane, c, relu, rest);
    }
    TP_COUNT(macs_forward, c.in_channels * c.out_channels * plane);
}
