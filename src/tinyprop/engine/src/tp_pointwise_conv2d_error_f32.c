/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_conv2d_error_f32 for one tap, stride 1, no padding: error[ci][p] = sum over co of weight[co][ci] * delta[co][p].
 *
 * The deltas of one position become a list; the errors of up to sixteen input channels stay in registers while it passes
 * by.
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
TP_ALWAYS_INLINE const tp_kept *pointwise_error_list(const float *delta, tp_kept *kept, tp_conv2d c, int skip_zeros)
{
    TP_ROLLED for (uint32_t offset = 0U; offset < c.out_channels * c.in_channels; offset += c.in_channels) {
        if (!skip_zeros || *delta != 0.0f) {
            kept->value = *delta;
            kept->offset = offset;
            ++kept;
        }
        delta += c.in_height * c.in_width;
    }
    return kept;
}

/* kept: room for out_channels entries. */
TP_KERNEL void tp_pointwise_conv2d_error_f32(const float *x, const float *delta, const float *weight, float *error,
                                             tp_kept *kept, tp_conv2d c, int mask_input, int skip_zeros)
{
    const uint32_t plane = c.in_height * c.in_width, block = TP_INLINE_KERNELS ? 16U : 4U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.in_channels % 16U : 1U; /* a literal either way */
    for (uint32_t p = 0U; p < plane; ++p) {
        const tp_kept *end = pointwise_error_list(delta + p, kept, c, skip_zeros);
        uint32_t ci = 0U;
        for (; ci + block <= c.in_channels; ci += block) {
            pointwise_error_block(mask_input ? x + ci * plane + p : NULL, weight + ci, error + ci * plane + p, kept, end,
                                  plane, block);
        }
        for (; ci < c.in_channels; ci += rest) {
            pointwise_error_block(mask_input ? x + ci * plane + p : NULL, weight + ci, error + ci * plane + p, kept, end,
                                  plane, rest);
        }
        TP_COUNT(macs_backward, c.in_channels * (uint32_t)(end - kept));
    }
}
