/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* tp_conv2d_max_pool_fwd_f32 for a 3 by 3 kernel, stride 1, padding 1, pool 2 by 2, any number of channels.
 *
 * A block of 2 by 2 outputs times up to four channels stays in registers, one pooled result of each channel. Of the
 * 4 by 4 inputs the block reads, two rows are in registers at a time. Columns beyond the border are known when the
 * block is compiled (left, right), rows beyond it are read from a row of zeros.
 */

/* One tap of four outputs of channel c: weight [ky][kx] on the inputs u (row ky) and v (row ky + 1). */
#define TP_TAP(c, tap, u, u_next, v, v_next) \
    w = taps[(c) * filter_size + (tap)]; \
    s##c##0 += w * (u); \
    s##c##1 += w * (u_next); \
    s##c##2 += w * (v); \
    s##c##3 += w * (v_next);

#define TP_TAP_ROW(c, ky, u, v) \
    if (width > (c)) { \
        TP_TAP(c, 3 * (ky), u##0, u##1, v##0, v##1) \
        TP_TAP(c, 3 * (ky) + 1, u##1, u##2, v##1, v##2) \
        TP_TAP(c, 3 * (ky) + 2, u##2, u##3, v##2, v##3) \
    }

#define TP_TAP_ROWS(ky, u, v) TP_TAP_ROW(0, ky, u, v) TP_TAP_ROW(1, ky, u, v) TP_TAP_ROW(2, ky, u, v) TP_TAP_ROW(3, ky, u, v)

#define TP_LOAD_ROW(v, line) \
    const float v##0 = left ? 0.0f : (line)[-1], v##1 = (line)[0]; \
    const float v##2 = (line)[1], v##3 = right ? 0.0f : (line)[2];

#define TP_START(c) \
    const float b##c = width > (c) && bias != NULL ? bias[c] : 0.0f; \
    float s##c##0 = b##c, s##c##1 = b##c, s##c##2 = b##c, s##c##3 = b##c;

#define TP_FINISH(c) \
    if (width > (c)) { \
        float best = s##c##0; \
        uint32_t code = 0U; \
        if (s##c##1 > best) { \
            best = s##c##1; \
            code = 1U; \
        } \
        if (s##c##2 > best) { \
            best = s##c##2; \
            code = 2U; \
        } \
        if (s##c##3 > best) { \
            best = s##c##3; \
            code = 3U; \
        } \
        y[(c) * pooled] = relu && !(best > 0.0f) ? 0.0f : best; \
        if (argmax != NULL) { \
            argmax[(c) * pooled] = (uint8_t)code; \
        } \
    }

/* line: the four input rows at the block's first column, of channel 0; step: to the same row of the next channel. */
TP_ALWAYS_INLINE void conv2d_max_pool_block(const float *const line[4], const uint32_t step[4], const float *taps,
                                            const float *bias, float *y, uint8_t *argmax, uint32_t in_channels,
                                            uint32_t pooled, int relu, int left, int right, uint32_t width)
{
    const float *line0 = line[0], *line1 = line[1], *line2 = line[2], *line3 = line[3];
    const uint32_t filter_size = in_channels * 9U;
    float w;
    TP_START(0) TP_START(1) TP_START(2) TP_START(3)
    for (uint32_t ci = 0U; ci < in_channels; ++ci, taps += 9) {
        TP_LOAD_ROW(p, line0)
        TP_LOAD_ROW(q, line1)
        TP_TAP_ROWS(0, p, q)
        TP_LOAD_ROW(r, line2)
        TP_TAP_ROWS(1, q, r)
        TP_LOAD_ROW(t, line3)
        TP_TAP_ROWS(2, r, t)
        line0 += step[0];
        line1 += step[1];
        line2 += step[1];
        line3 += step[3];
    }
    TP_FINISH(0) TP_FINISH(1) TP_FINISH(2) TP_FINISH(3)
}

#undef TP_TAP
#undef TP_TAP_ROW
#undef TP_TAP_ROWS
#undef TP_LOAD_ROW
#undef TP_START
#undef TP_FINISH

/* All positions of `width` channels, a literal of at most 4. */
TP_ALWAYS_INLINE void conv2d_max_pool_channels(const float *x, const float *filter, const float *bias, float *y,
                                               uint8_t *argmax, tp_conv2d c, int relu, uint32_t width)
{
    static const float zeros[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    const uint32_t plane = c.in_height * c.in_width;
    const uint32_t rows = c.out_height / 2U, columns = c.out_width / 2U;
    for (uint32_t py = 0U; py < rows; ++py) {
        const int top = py == 0U, bottom = 2U * py + 2U >= c.in_height;
        for (uint32_t px = 0U; px < columns; ++px) {
            const int left = px == 0U, right = 2U * px + 2U >= c.in_width;
            const float *first = x + 2U * py * c.in_width + 2U * px;
            const float *const line[4] = {top ? zeros + 1 : first - c.in_width, first, first + c.in_width,
                                          bottom ? zeros + 1 : first + 2U * c.in_width};
            const uint32_t step[4] = {top ? 0U : plane, plane, plane, bottom ? 0U : plane};
            float *out = y + py * columns + px;
            uint8_t *winner = argmax != NULL ? argmax + py * columns + px : NULL;
            if (left && right) {
                conv2d_max_pool_block(line, step, filter, bias, out, winner, c.in_channels, rows * columns, relu, 1, 1, width);
            } else if (left) {
                conv2d_max_pool_block(line, step, filter, bias, out, winner, c.in_channels, rows * columns, relu, 1, 0, width);
            } else if (right) {
                conv2d_max_pool_block(line, step, filter, bias, out, winner, c.in_channels, rows * columns, relu, 0, 1, width);
            } else {
                conv2d_max_pool_block(line, step, filter, bias, out, winner, c.in_channels, rows * columns, relu, 0, 0, width);
            }
            TP_COUNT(macs_forward, (6U - (uint32_t)(top + bottom)) * (6U - (uint32_t)(left + right)) * c.in_channels * width);
        }
    }
}

TP_KERNEL void tp_conv2d_max_pool_fwd_f32_k3p1w2(const float *x, const float *weight, const float *bias, float *y,
                                                 uint8_t *argmax, tp_conv2d c, int relu)
{
    const uint32_t pooled = (c.out_height / 2U) * (c.out_width / 2U), filter_size = c.in_channels * 9U;
    const uint32_t rest = TP_INLINE_KERNELS ? c.out_channels % 4U : 1U; /* a literal either way */
    uint32_t co = 0U;
    for (; co + 4U <= c.out_channels; co += 4U) {
        conv2d_max_pool_channels(x, weight + co * filter_size, bias != NULL ? bias + co : NULL, y + co * pooled,
                                 argmax != NULL ? argmax + co * pooled : NULL, c, relu, 4U);
    }
    if (rest != 0U) {
        for (; co < c.out_channels; co += rest) {
            conv2d_max_pool_channels(x, weight + co * filter_size, bias != NULL ? bias + co : NULL, y + co * pooled,
                                     argmax != NULL ? argmax + co * pooled : NULL, c, relu, rest);
        }
    }
}
