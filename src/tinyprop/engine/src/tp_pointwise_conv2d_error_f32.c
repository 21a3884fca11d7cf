/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide_pointwise.h"

/* tp_conv2d_error_f32 for one tap, stride 1, no padding: error[ci][p] = sum over co of weight[co][ci] * delta[co][p].
 *
 * Few deltas: those of one position become a list; the errors of up to sixteen input channels stay in registers while it
 * passes by. Many: four by four errors stay in registers while the output channels pass by, as in the forward kernel.
 *
 * Sums: over co, ascending.
 */
#define TP_EACH_ERROR(M) \
    M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TP_START(i) float e##i = 0.0f;
#define TP_ADD(i) \
    if (channels > (i)) { \
        e##i += row[i] * d; \
    }
#define TP_STORE(i) \
    if (channels > (i)) { \
        error[(i) * plane] = x == NULL || x[(i) * plane] > 0.0f ? e##i : 0.0f; \
    }

/* `channels` input channels at one position, a literal of at most 16; x is NULL where no ReLU masks. */
TP_ALWAYS_INLINE void pointwise_error_block(const float *x, const float *weight, float *error, const tp_kept *kept,
                                            const tp_kept *end, uint32_t plane, uint32_t channels)
{
    TP_EACH_ERROR(TP_START)
    TP_ROLLED for (; kept != end; ++kept) {
        const float d = kept->value;
        const float *row = weight + kept->offset;
        TP_EACH_ERROR(TP_ADD)
    }
    TP_EACH_ERROR(TP_STORE)
}

#undef TP_EACH_ERROR
#undef TP_START
#undef TP_ADD
#undef TP_STORE

/* Lists the deltas of one position, channel ascending; returns the end of the list. */
TP_ALWAYS_INLINE const tp_kept *pointwise_error_list(const float *delta, tp_kept *kept, tp_conv2d c)
{
    TP_ROLLED for (uint32_t offset = 0U; offset < c.out_channels * c.in_channels; offset += c.in_channels) {
        if (*delta != 0.0f) {
            kept->value = *delta;
            kept->offset = offset;
            ++kept;
        }
        delta += c.in_height * c.in_width;
    }
    return kept;
}

#define TP_EACH_POSITION(M, i) M(i, 0) M(i, 1) M(i, 2) M(i, 3)
#define TP_EACH_TILE(M) TP_EACH_POSITION(M, 0) TP_EACH_POSITION(M, 1) TP_EACH_POSITION(M, 2) TP_EACH_POSITION(M, 3)
#define TP_START(i, p) float e##i##p = 0.0f;
#define TP_LOAD(unused, p) \
    const float d##p = positions > (p) ? delta[p] : 0.0f, w##p = channels > (p) ? weight[p] : 0.0f;
#define TP_ADD(i, p) \
    if (channels > (i) && positions > (p)) { \
        e##i##p += w##i * d##p; \
    }
#define TP_STORE(i, p) \
    if (channels > (i) && positions > (p)) { \
        error[(i) * plane + (p)] = x == NULL || x[(i) * plane + (p)] > 0.0f ? e##i##p : 0.0f; \
    }

/* `positions` positions of `channels` input channels, literals of at most 4; x is NULL where no ReLU masks. */
TP_ALWAYS_INLINE void pointwise_error_tile(const float *x, const float *delta, const float *weight, float *error,
                                           tp_conv2d c, uint32_t positions, uint32_t channels)
{
    const uint32_t plane = c.in_height * c.in_width;
    const float *end = weight + c.out_channels * c.in_channels;
    TP_EACH_TILE(TP_START)
    TP_ROLLED for (; weight != end; weight += c.in_channels, delta += plane) {
        TP_EACH_POSITION(TP_LOAD, 0)
        TP_EACH_TILE(TP_ADD)
    }
    TP_EACH_TILE(TP_STORE)
}

#undef TP_EACH_POSITION
#undef TP_EACH_TILE
#undef TP_START
#undef TP_LOAD
#undef TP_ADD
#undef TP_STORE

/* All positions of `channels` input channels, a literal of at most 4. */
TP_ALWAYS_INLINE void pointwise_error_channels(const float *x, const float *delta, const float *weight, float *error,
                                               tp_conv2d c, uint32_t channels)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 4U : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? plane % 4U : 0U; /* a literal either way */
    uint32_t p = 0U;
    for (; p + block <= plane; p += block) {
        pointwise_error_tile(x != NULL ? x + p : NULL, delta + p, weight, error + p, c, block, channels);
    }
    if (rest != 0U) {
        pointwise_error_tile(x != NULL ? x + p : NULL, delta + p, weight, error + p, c, rest, channels);
    }
}

/* From every delta, zero or not. */
TP_ALWAYS_INLINE void pointwise_error_all(const float *x, const float *delta, const float *weight, float *error,
                                          tp_conv2d c)
{
#if TP_WIDE_KERNELS
    if (tp_wide_fits_pointwise(c)) {
        const tp_wide_product m = {delta, weight, c.out_channels, c.in_height * c.in_width, 1U, c.in_channels};
        tp_wide_products(m, NULL, x, error, 0, c.in_channels);
        TP_COUNT(macs_backward, c.in_channels * c.out_channels * c.in_height * c.in_width);
        return;
    }
#endif
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 4U : 1U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.in_channels % 4U : 0U;
    uint32_t ci = 0U;
    for (; ci + block <= c.in_channels; ci += block) {
        pointwise_error_channels(x != NULL ? x + ci * plane : NULL, delta, weight + ci, error + ci * plane, c, block);
    }
    if (rest != 0U) {
        pointwise_error_channels(x != NULL ? x + ci * plane : NULL, delta, weight + ci, error + ci * plane, c, rest);
    }
    TP_COUNT(macs_backward, c.in_channels * c.out_channels * plane);
}

/* From the deltas of one position, which are a list; x and error as above, at that position. */
TP_ALWAYS_INLINE void pointwise_error_listed(const float *x, const float *weight, float *error, const tp_kept *list,
                                             const tp_kept *end, tp_conv2d c)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 16U : 4U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.in_channels % 16U : 1U; /* a literal either way */
    uint32_t ci = 0U;
    for (; ci + block <= c.in_channels; ci += block) {
        pointwise_error_block(x != NULL ? x + ci * plane : NULL, weight + ci, error + ci * plane, list, end, plane, block);
    }
    for (; ci < c.in_channels; ci += rest) {
        pointwise_error_block(x != NULL ? x + ci * plane : NULL, weight + ci, error + ci * plane, list, end, plane, rest);
    }
    TP_COUNT(macs_backward, c.in_channels * (uint32_t)(end - list));
}

/* kept: non-zeros of delta, TP_UNCOUNTED, or all of delta: then zeros are computed too. list: room for out_channels
 * entries. */
TP_KERNEL void tp_pointwise_conv2d_error_f32(const float *x, const float *delta, const float *weight, float *error,
                                             tp_kept *list, tp_conv2d c, uint32_t kept, int mask_input)
{
    const uint32_t plane = c.in_height * c.in_width, size = c.out_channels * plane;
    if (!tp_list_pays(tp_counted(kept, delta, size), size)) {
        pointwise_error_all(mask_input ? x : NULL, delta, weight, error, c);
        return;
    }
    for (uint32_t p = 0U; p < plane; ++p) {
        const tp_kept *end = pointwise_error_list(delta + p, list, c);
        pointwise_error_listed(mask_input ? x + p : NULL, weight, error + p, list, end, c);
    }
}
