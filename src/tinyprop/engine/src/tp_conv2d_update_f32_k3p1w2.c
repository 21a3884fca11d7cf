/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_conv2d_update_f32 for a 3 by 3 kernel, stride 1, padding 1, pool 2 by 2.
 *
 * Each output channel's deltas become a list; for each input channel nine running sums pass along it in registers.
 * An entry says on which borders its window lies, so that taps on the padding are left out without a test per tap.
 */
enum { TP_TOP = 1, TP_BOTTOM = 2, TP_LEFT = 4, TP_RIGHT = 8 };

/* Nine taps of an entry whose window's centre is `at`; edges is a literal. */
#define TP_TAPS(edges) \
    if (!((edges) & TP_TOP)) { \
        if (!((edges) & TP_LEFT)) { \
            g0 += d * at[-(int32_t)c.in_width - 1]; \
        } \
        g1 += d * at[-(int32_t)c.in_width]; \
        if (!((edges) & TP_RIGHT)) { \
            g2 += d * at[-(int32_t)c.in_width + 1]; \
        } \
    } \
    if (!((edges) & TP_LEFT)) { \
        g3 += d * at[-1]; \
    } \
    g4 += d * at[0]; \
    if (!((edges) & TP_RIGHT)) { \
        g5 += d * at[1]; \
    } \
    if (!((edges) & TP_BOTTOM)) { \
        if (!((edges) & TP_LEFT)) { \
            g6 += d * at[(int32_t)c.in_width - 1]; \
        } \
        g7 += d * at[(int32_t)c.in_width]; \
        if (!((edges) & TP_RIGHT)) { \
            g8 += d * at[(int32_t)c.in_width + 1]; \
        } \
    }

#define TP_CASE(edges) \
    case (edges): \
        TP_TAPS(edges) \
        break;

/* taps -= rate * gradient of one input channel. */
TP_ALWAYS_INLINE void conv2d_update_taps(const float *x, const tp_kept_at *kept, uint32_t count, float *taps, float rate,
                                         tp_conv2d c)
{
    float g0 = 0.0f, g1 = 0.0f, g2 = 0.0f, g3 = 0.0f, g4 = 0.0f, g5 = 0.0f, g6 = 0.0f, g7 = 0.0f, g8 = 0.0f;
    for (uint32_t k = 0U; k < count; ++k) {
        const float d = kept[k].value;
        const float *at = x + kept[k].offset;
        switch (kept[k].edges) {
            TP_CASE(TP_TOP)
            TP_CASE(TP_BOTTOM)
            TP_CASE(TP_LEFT)
            TP_CASE(TP_RIGHT)
            TP_CASE(TP_TOP | TP_LEFT)
            TP_CASE(TP_TOP | TP_RIGHT)
            TP_CASE(TP_BOTTOM | TP_LEFT)
            TP_CASE(TP_BOTTOM | TP_RIGHT)
        default: /* inside; opposite borders never meet in an image that a pool of 2 by 2 fits in */
            TP_TAPS(0)
            break;
        }
    }
    taps[0] -= rate * g0;
    taps[1] -= rate * g1;
    taps[2] -= rate * g2;
    taps[3] -= rate * g3;
    taps[4] -= rate * g4;
    taps[5] -= rate * g5;
    taps[6] -= rate * g6;
    taps[7] -= rate * g7;
    taps[8] -= rate * g8;
}

#undef TP_TAPS
#undef TP_CASE

/* The deltas of one output channel, in the order of their positions; returns how many. */
TP_ALWAYS_INLINE uint32_t conv2d_update_list(const float *delta, const uint8_t *argmax, tp_kept_at *kept, tp_conv2d c,
                                             int skip_zeros)
{
    uint32_t count = 0U;
    for (uint32_t py = 0U, i = 0U; py < c.out_height / 2U; ++py) {
        for (uint32_t px = 0U; px < c.out_width / 2U; ++px, ++i) {
            if (skip_zeros && delta[i] == 0.0f) {
                continue;
            }
            const uint32_t place = tp_packed_place(argmax + py * tp_packed_bytes(c.out_width / 2U), px);
            const uint32_t y = 2U * py + place / 2U, x = 2U * px + place % 2U;
            const uint32_t up = y == 0U, down = y + 1U == c.in_height, left = x == 0U, right = x + 1U == c.in_width;
            kept[count].value = delta[i];
            kept[count].offset = (uint16_t)(y * c.in_width + x);
            kept[count].edges = (uint16_t)(up * TP_TOP + down * TP_BOTTOM + left * TP_LEFT + right * TP_RIGHT);
            ++count;
            TP_COUNT(macs_backward, (3U - up - down) * (3U - left - right) * c.in_channels);
        }
    }
    return count;
}

/* kept: room for one channel's pooled positions. */
TP_KERNEL void tp_conv2d_update_f32_k3p1w2(const float *x, const float *delta, const uint8_t *argmax, float *weight,
                                           float *bias, tp_kept_at *kept, float rate, tp_conv2d c, int skip_zeros)
{
    const uint32_t pooled = (c.out_height / 2U) * (c.out_width / 2U), plane = c.in_height * c.in_width;
    const uint32_t places = (c.out_height / 2U) * tp_packed_bytes(c.out_width / 2U);
    for (uint32_t co = 0U; co < c.out_channels; ++co, delta += pooled, argmax += places) {
        const uint32_t count = conv2d_update_list(delta, argmax, kept, c, skip_zeros);
        float *taps = weight + co * c.in_channels * 9U;
        if (count == 0U) {
            continue;
        }
        for (uint32_t ci = 0U; ci < c.in_channels; ++ci, taps += 9) {
            conv2d_update_taps(x + ci * plane, kept, count, taps, rate, c);
        }
        if (bias != NULL) {
            float gradient = 0.0f;
            for (uint32_t k = 0U; k < count; ++k) {
                gradient += kept[k].value;
            }
            bias[co] -= rate * gradient;
        }
    }
}
