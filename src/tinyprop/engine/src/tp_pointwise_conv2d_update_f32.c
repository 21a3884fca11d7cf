/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_conv2d_update_f32 for one tap, stride 1, no padding:
 *
 *     weight[co][ci] -= rate * sum over p of delta[co][p] * x[ci][p]
 *     bias[co]       -= rate * sum over p of delta[co][p]
 *
 * The deltas of one output channel move to its front and a list says at which positions they stand; the gradients of up
 * to sixteen input channels pass along it in registers.
 *
 * Sums: over p, ascending.
 */
#define TP_EACH_GRADIENT(M) \
    M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_START(i) float g##i = 0.0f;
#define TP_ADD(i) \
    if (channels > (i)) { \
        g##i += d * at[(i) * plane]; \
    }
#define TP_UPDATE(i) \
    if (channels > (i)) { \
        weight[i] -= rate * g##i; \
    }

/* `channels` input channels, a literal of at most 16. */
TP_ALWAYS_INLINE void pointwise_update_block(const float *x, const float *kept, const tp_index *position, uint32_t count,
                                             float *weight, float rate, uint32_t plane, uint32_t channels)
{
    const float *end = kept + count;
    TP_EACH_GRADIENT(TP_START)
    TP_ROLLED for (; kept != end; ++kept, ++position) {
        const float d = *kept;
        const float *at = x + *position;
        TP_EACH_GRADIENT(TP_ADD)
    }
    TP_EACH_GRADIENT(TP_UPDATE)
}

#undef TP_EACH_GRADIENT
#undef TP_START
#undef TP_ADD
#undef TP_UPDATE

/* position: room for the positions of one channel. delta is spent. */
TP_KERNEL void tp_pointwise_conv2d_update_f32(const float *x, float *delta, float *weight, float *bias,
                                              tp_index *position, float rate, tp_conv2d c, int skip_zeros)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 16U : 4U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.in_channels % 16U : 1U; /* a literal either way */
    for (uint32_t p = 0U; !skip_zeros && p < plane; ++p) { /* all of them, for every channel */
        position[p] = (tp_index)p;
    }
    for (uint32_t co = 0U; co < c.out_channels; ++co, delta += plane, weight += c.in_channels) {
        const uint32_t count = skip_zeros ? tp_compact_f32(delta, position, plane) : plane;
        uint32_t ci = 0U;
        if (count == 0U) {
            continue;
        }
        for (; ci + block <= c.in_channels; ci += block) {
            pointwise_update_block(x + ci * plane, delta, position, count, weight + ci, rate, plane, block);
        }
        for (; ci < c.in_channels; ci += rest) {
            pointwise_update_block(x + ci * plane, delta, position, count, weight + ci, rate, plane, rest);
        }
        if (bias != NULL) {
            float sum = 0.0f;
            for (uint32_t k = 0U; k < count; ++k) {
                sum += delta[k];
            }
            bias[co] -= rate * sum;
        }
        TP_COUNT(macs_backward, c.in_channels * count);
    }
}
