/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_conv2d_error_f32 for a 3 by 3 kernel, stride 1, padding 1, pool 2 by 2.
 *
 * All deltas of one pooled position reach the same 4 by 4 errors: the patch is in registers while they pass by, sorted
 * by the place in the window where each stands. Columns beyond the border are known when the patch is compiled; rows
 * beyond it are added to a line that nobody reads.
 */

/* Delta `d` at place (dy, dx) of the window: nine taps on the patch from row dy, column dx. */
#define TP_SPREAD(a0, a1, a2, b0, b1, b2, c0, c1, c2) \
    a0 += taps[0] * d; \
    a1 += taps[1] * d; \
    a2 += taps[2] * d; \
    b0 += taps[3] * d; \
    b1 += taps[4] * d; \
    b2 += taps[5] * d; \
    c0 += taps[6] * d; \
    c1 += taps[7] * d; \
    c2 += taps[8] * d;

#define TP_PLACE(code, ...) \
    for (; k < last[code]; ++k) { \
        const float d = kept[k].value; \
        const float *taps = weight + kept[k].offset; \
        TP_SPREAD(__VA_ARGS__) \
    }

#define TP_PATCH_LOAD(v, line) \
    float v##0 = left ? 0.0f : (line)[-1], v##1 = (line)[0], v##2 = (line)[1], v##3 = right ? 0.0f : (line)[2];

#define TP_PATCH_STORE(v, line) \
    if (!left) { \
        (line)[-1] = v##0; \
    } \
    (line)[0] = v##1; \
    (line)[1] = v##2; \
    if (!right) { \
        (line)[2] = v##3; \
    }

/* One pooled position, all input channels. kept: sorted by place, place `code` ends at last[code]. */
TP_ALWAYS_INLINE void conv2d_error_patch(float *error, const float *weight, const tp_kept *kept, const uint32_t last[4],
                                         tp_conv2d c, int top, int bottom, int left, int right)
{
    float beyond[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (uint32_t ci = 0U; ci < c.in_channels; ++ci, weight += 9, error += c.in_height * c.in_width) {
        float *line0 = top ? beyond + 1 : error - c.in_width, *line1 = error, *line2 = error + c.in_width;
        float *line3 = bottom ? beyond + 1 : error + 2U * c.in_width;
        uint32_t k = 0U;
        TP_PATCH_LOAD(p, line0)
        TP_PATCH_LOAD(q, line1)
        TP_PATCH_LOAD(r, line2)
        TP_PATCH_LOAD(s, line3)
        TP_PLACE(0, p0, p1, p2, q0, q1, q2, r0, r1, r2)
        TP_PLACE(1, p1, p2, p3, q1, q2, q3, r1, r2, r3)
        TP_PLACE(2, q0, q1, q2, r0, r1, r2, s0, s1, s2)
        TP_PLACE(3, q1, q2, q3, r1, r2, r3, s1, s2, s3)
        TP_PATCH_STORE(p, line0)
        TP_PATCH_STORE(q, line1)
        TP_PATCH_STORE(r, line2)
        TP_PATCH_STORE(s, line3)
    }
}

#undef TP_SPREAD
#undef TP_PLACE
#undef TP_PATCH_LOAD
#undef TP_PATCH_STORE

/* The deltas of one position, sorted by place, channel ascending within one; returns how many. */
TP_ALWAYS_INLINE uint32_t conv2d_error_sort(const float *delta, const uint8_t *argmax, uint32_t px, tp_kept *kept, uint32_t last[4],
                                            tp_conv2d c, int skip_zeros)
{
    const uint32_t pooled = (c.out_height / 2U) * (c.out_width / 2U);
    const uint32_t places = (c.out_height / 2U) * tp_packed_bytes(c.out_width / 2U);
    uint32_t next[4] = {0U, 0U, 0U, 0U};
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        if (!skip_zeros || delta[co * pooled] != 0.0f) {
            ++next[tp_packed_place(argmax + co * places, px)];
        }
    }
    uint32_t sum = 0U;
    for (uint32_t code = 0U; code < 4U; ++code) {
        uint32_t count = next[code];
        next[code] = sum;
        sum += count;
        last[code] = sum;
    }
    for (uint32_t co = 0U; sum != 0U && co < c.out_channels; ++co) {
        if (!skip_zeros || delta[co * pooled] != 0.0f) {
            tp_kept *entry = &kept[next[tp_packed_place(argmax + co * places, px)]++];
            entry->value = delta[co * pooled];
            entry->offset = co * c.in_channels * 9U;
        }
    }
    return sum;
}

/* Taps inside the image of all kept deltas of one position. */
TP_ALWAYS_INLINE uint32_t conv2d_error_taps(const uint32_t last[4], int top, int bottom, int left, int right)
{
    const uint32_t count[4] = {last[0], last[1] - last[0], last[2] - last[1], last[3] - last[2]};
    const uint32_t upper = 3U - (uint32_t)top, lower = 3U - (uint32_t)bottom;
    return (3U - (uint32_t)left) * (count[0] * upper + count[2] * lower)
        + (3U - (uint32_t)right) * (count[1] * upper + count[3] * lower);
}

/* kept: room for out_channels entries. */
TP_KERNEL void tp_conv2d_error_f32_k3p1w2(const float *x, const float *delta, const uint8_t *argmax,
                                          const float *weight, float *error, tp_kept *kept, tp_conv2d c,
                                          int mask_input, int skip_zeros)
{
    const uint32_t rows = c.out_height / 2U, columns = c.out_width / 2U;
    const uint32_t size = c.in_channels * c.in_height * c.in_width;
    for (uint32_t i = 0U; i < size; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t py = 0U; py < rows; ++py) {
        const int top = py == 0U, bottom = 2U * py + 2U >= c.in_height;
        for (uint32_t px = 0U; px < columns; ++px) {
            const int left = px == 0U, right = 2U * px + 2U >= c.in_width;
            const uint32_t position = py * columns + px;
            float *patch = error + 2U * py * c.in_width + 2U * px;
            uint32_t last[4];
            if (conv2d_error_sort(delta + position, argmax + py * tp_packed_bytes(columns), px, kept, last, c, skip_zeros) == 0U) {
                continue;
            }
            if (left && right) {
                conv2d_error_patch(patch, weight, kept, last, c, top, bottom, 1, 1);
            } else if (left) {
                conv2d_error_patch(patch, weight, kept, last, c, top, bottom, 1, 0);
            } else if (right) {
                conv2d_error_patch(patch, weight, kept, last, c, top, bottom, 0, 1);
            } else {
                conv2d_error_patch(patch, weight, kept, last, c, top, bottom, 0, 0);
            }
            TP_COUNT(macs_backward, c.in_channels * conv2d_error_taps(last, top, bottom, left, right));
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, size);
    }
}
