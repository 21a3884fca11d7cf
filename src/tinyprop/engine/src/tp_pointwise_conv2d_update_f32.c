/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide_pointwise.h"

/* tp_conv2d_update_f32 for one tap, stride 1, no padding:
 *
 *     weight[co][ci] -= rate * sum over p of delta[co][p] * x[ci][p]
 *     bias[co]       -= rate * sum over p of delta[co][p]
 *
 * Few deltas: those of one output channel move to its front and a list says at which positions they stand; the gradients
 * of up to sixteen input channels pass along it in registers. Many: four by four gradients pass over all positions, so
 * that a delta and an input, once loaded, serve four of them each.
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

#define TP_EACH_INPUT(M, o) M(o, 0) M(o, 1) M(o, 2) M(o, 3)
#define TP_EACH_TILE(M) TP_EACH_INPUT(M, 0) TP_EACH_INPUT(M, 1) TP_EACH_INPUT(M, 2) TP_EACH_INPUT(M, 3)
#define TP_START(o, i) float g##o##i = 0.0f;
#define TP_LOAD(unused, i) \
    const float v##i = inputs > (i) ? x[(i) * plane] : 0.0f, d##i = outputs > (i) ? delta[(i) * plane] : 0.0f;
#define TP_ADD(o, i) \
    if (outputs > (o) && inputs > (i)) { \
        g##o##i += d##o * v##i; \
    }
#define TP_UPDATE(o, i) \
    if (outputs > (o) && inputs > (i)) { \
        weight[(o) * channels + (i)] -= rate * g##o##i; \
    }

/* `outputs` by `inputs` channels, literals of at most 4, at every position; channels: inputs in all. */
TP_ALWAYS_INLINE void pointwise_update_tile(const float *x, const float *delta, float *weight, float rate, uint32_t plane,
                                            uint32_t channels, uint32_t inputs, uint32_t outputs)
{
    const float *end = x + plane;
    TP_EACH_TILE(TP_START)
    TP_ROLLED for (; x != end; ++x, ++delta) {
        TP_EACH_INPUT(TP_LOAD, 0)
        TP_EACH_TILE(TP_ADD)
    }
    TP_EACH_TILE(TP_UPDATE)
}

#undef TP_EACH_INPUT
#undef TP_EACH_TILE
#undef TP_START
#undef TP_LOAD
#undef TP_ADD
#undef TP_UPDATE

/* All input channels of `outputs` output channels, a literal of at most 4. */
TP_ALWAYS_INLINE void pointwise_update_tiles(const float *x, const float *delta, float *weight, float rate, tp_conv2d c,
                                             uint32_t outputs)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 4U : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.in_channels % 4U : 0U; /* a literal either way */
    uint32_t ci = 0U;
    for (; ci + block <= c.in_channels; ci += block) {
        pointwise_update_tile(x + ci * plane, delta, weight + ci, rate, plane, c.in_channels, block, outputs);
    }
    if (rest != 0U) {
        pointwise_update_tile(x + ci * plane, delta, weight + ci, rate, plane, c.in_channels, rest, outputs);
    }
}

/* Every delta, zero or not. */
TP_ALWAYS_INLINE void pointwise_update_all(const float *x, const float *delta, float *weight, float rate, tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 4U : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.out_channels % 4U : 0U;
    uint32_t co = 0U;
    for (; co + block <= c.out_channels; co += block, delta += block * plane, weight += block * c.in_channels) {
        pointwise_update_tiles(x, delta, weight, rate, c, block);
    }
    if (rest != 0U) {
        pointwise_update_tiles(x, delta, weight, rate, c, rest);
    }
    TP_COUNT(macs_backward, c.in_channels * c.out_channels * plane);
}

/* All input channels of one output channel, whose deltas are a list. */
TP_ALWAYS_INLINE void pointwise_update_listed(const float *x, const float *kept, const tp_index *position, uint32_t count,
                                              float *weight, float rate, tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 16U : 4U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.in_channels % 16U : 1U; /* a literal either way */
    uint32_t ci = 0U;
    for (; ci + block <= c.in_channels; ci += block) {
        pointwise_update_block(x + ci * plane, kept, position, count, weight + ci, rate, plane, block);
    }
    for (; ci < c.in_channels; ci += rest) {
        pointwise_update_block(x + ci * plane, kept, position, count, weight + ci, rate, plane, rest);
    }
    TP_COUNT(macs_backward, c.in_channels * count);
}

/* Every output channel, its deltas as a list. */
TP_ALWAYS_INLINE void pointwise_update_lists(const float *x, float *delta, float *weight, float *bias, tp_index *position,
                                             float rate, tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width;
    for (uint32_t co = 0U; co < c.out_channels; ++co, delta += plane, weight += c.in_channels) {
        const uint32_t count = tp_compact_f32(delta, position, plane);
        if (count != 0U) {
            pointwise_update_listed(x, delta, position, count, weight, rate, c);
        }
        if (bias != NULL) {
            tp_update_channel_bias_f32(bias + co, delta, rate, 1U, count);
        }
    }
}

/* kept: non-zeros of delta, TP_UNCOUNTED, or all of delta: then zeros are computed too. position: room for the positions
 * of one channel. delta is spent. */
TP_KERNEL void tp_pointwise_conv2d_update_f32(const float *x, float *delta, float *weight, float *bias,
                                              tp_index *position, float rate, tp_conv2d c, uint32_t kept)
{
    const uint32_t plane = c.in_height * c.in_width, size = c.out_channels * plane;
    if (tp_list_pays(tp_counted(kept, delta, size), size)) {
        pointwise_update_lists(x, delta, weight, bias, position, rate, c);
        return;
    }
#if TP_WIDE_KERNELS
    if (tp_wide_fits_pointwise(c)) {
        tp_wide_pointwise_update(x, delta, weight, bias, rate, c);
        return;
    }
#endif
    pointwise_update_all(x, delta, weight, rate, c);
    if (bias != NULL) {
        tp_update_channel_bias_f32(bias, delta, rate, c.out_channels, plane);
    }
}
