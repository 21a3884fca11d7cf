/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_wide_forward.h"

/* tp_conv2d_max_pool_fwd_f32 for a 3 by 3 kernel, stride 1, padding 1, pool 2 by 2, any number of channels.
 *
 * Up to eight neighbouring outputs of one row, of two channels, stay in registers while their windows pass by: a line
 * of inputs, loaded once, serves three taps of both channels. Taps on the padding are left out: rows beyond the border
 * are not visited, columns beyond it are known when the block is compiled (left, right). The pool takes place in y: an
 * upper row leaves its maxima there, the lower row replaces those that it exceeds.
 *
 * Sums: bias, then (ci, ky, kx) ascending. argmax: as tp_packed_place reads it. Scratch: none.
 */
#define TP_EACH_COLUMN(M, c) M(c, 0) M(c, 1) M(c, 2) M(c, 3) M(c, 4) M(c, 5) M(c, 6) M(c, 7)

#define TP_START(c, i) float s##c##i = channels > (c) && bias != NULL ? bias[c] : 0.0f;

/* One tap of output i. */
#define TP_TAP(c, i, kx, input, inside) \
    if (width > (i) && (inside)) { \
        s##c##i += taps_line.v[kx] * (input); \
    }

/* Three taps of every output of channel c, on the inputs left of it, at it and right of it. */
#define TP_LEFT(c, i, input) TP_TAP(c, i, 0, input, (i) > 0 || !left)
#define TP_RIGHT(c, i, input) TP_TAP(c, i, 2, input, readable > (i) + 1)
#define TP_CENTRE(c, i) TP_TAP(c, i, 1, v[i], 1)
#define TP_TAPS(c) \
    if (channels > (c)) { \
        const tp_run3 taps_line = tp_load3_beside(taps + (c) * in_channels * 9U); \
        TP_LEFT(c, 0, before) TP_LEFT(c, 1, v[0]) TP_LEFT(c, 2, v[1]) TP_LEFT(c, 3, v[2]) \
        TP_LEFT(c, 4, v[3]) TP_LEFT(c, 5, v[4]) TP_LEFT(c, 6, v[5]) TP_LEFT(c, 7, v[6]) \
        TP_EACH_COLUMN(TP_CENTRE, c) \
        TP_RIGHT(c, 0, v[1]) TP_RIGHT(c, 1, v[2]) TP_RIGHT(c, 2, v[3]) TP_RIGHT(c, 3, v[4]) \
        TP_RIGHT(c, 4, v[5]) TP_RIGHT(c, 5, v[6]) TP_RIGHT(c, 6, v[7]) TP_RIGHT(c, 7, v[8]) \
    }

/* The larger of outputs `even` and `odd` of one window, number i of the block, meets what the upper row left in y. */
#define TP_POOL(c, i, even, odd) \
    if (width > (odd)) { \
        float *pooled = y + (c) * plane + (i); \
        float best = s##c##even; \
        uint32_t place = 0U; \
        if (s##c##odd > best) { \
            best = s##c##odd; \
            place = 1U << (2 * (i)); \
        } \
        if (lower) { \
            if (best > *pooled) { \
                places = (places & ~(3U << (2 * (i)))) | 2U << (2 * (i)) | place; \
            } else { \
                best = *pooled; \
            } \
            *pooled = relu && !(best > 0.0f) ? 0.0f : best; \
        } else { \
            *pooled = best; \
            places |= place; \
        } \
    }

#define TP_FINISH(c) \
    if (channels > (c)) { \
        const uint32_t held = keep_argmax && (lower || shift != 0U) ? argmax[(c) * places_plane] : 0U; \
        uint32_t places = held >> shift; \
        TP_POOL(c, 0, 0, 1) TP_POOL(c, 1, 2, 3) TP_POOL(c, 2, 4, 5) TP_POOL(c, 3, 6, 7) \
        if (keep_argmax) { \
            argmax[(c) * places_plane] = (uint8_t)((held & ((1U << shift) - 1U)) | places << shift); \
        } \
    }

/* Where a block of outputs reads and writes. shift: its first bit in the byte at argmax. */
typedef struct tp_row_block {
    const float *line, *taps, *bias; /* the upper input line at the block's first column, the taps that fall on it */
    float *y;
    uint8_t *argmax;
    uint32_t lines, lower, shift;    /* input lines inside the image, whether it is the lower row of its windows */
} tp_row_block;

/* `width` columns of `channels` channels; these two, left and right are literals. */
TP_ALWAYS_INLINE void conv2d_max_pool_block(tp_row_block b, tp_conv2d c, int relu, int keep_argmax, int left, int right,
                                            uint32_t width, uint32_t channels)
{
    const uint32_t in_channels = c.in_channels, plane = (c.out_height / 2U) * (c.out_width / 2U);
    const uint32_t places_plane = (c.out_height / 2U) * tp_packed_bytes(c.out_width / 2U);
    const uint32_t readable = right ? width : width + 1U, lower = b.lower, shift = b.shift;
    const float *bias = b.bias;
    float *y = b.y;
    uint8_t *argmax = b.argmax;
    TP_EACH_COLUMN(TP_START, 0) TP_EACH_COLUMN(TP_START, 1)
    for (uint32_t ci = 0U; ci < in_channels; ++ci, b.line += c.in_height * c.in_width, b.taps += 9) {
        const float *line = b.line, *taps = b.taps;
        for (uint32_t ky = b.lines; ky > 0U; --ky, line += c.in_width, taps += 3) {
            const float before = left ? 0.0f : line[-1];
            float v[9];
            tp_load_line(v, line, readable);
            TP_TAPS(0) TP_TAPS(1)
        }
    }
    TP_COUNT(macs_forward, in_channels * b.lines * channels * (3U * width - (uint32_t)left - (uint32_t)right));
    TP_FINISH(0) TP_FINISH(1)
}

#undef TP_EACH_COLUMN
#undef TP_START
#undef TP_TAP
#undef TP_LEFT
#undef TP_RIGHT
#undef TP_CENTRE
#undef TP_TAPS
#undef TP_POOL
#undef TP_FINISH

/* Columns [first, first + width) of a row; width and channels are literals. */
TP_ALWAYS_INLINE void conv2d_max_pool_columns(tp_row_block row, tp_conv2d c, int relu, int keep_argmax, uint32_t first,
                                              uint32_t width, uint32_t channels)
{
    const int left = first == 0U, right = first + width == c.in_width;
    row.line += first;
    row.y += first / 2U;
    row.argmax = keep_argmax ? row.argmax + first / 8U : NULL;
    row.shift = TP_INLINE_KERNELS ? 0U : first % 8U; /* inlined blocks are eight columns wide */
    if (width == c.in_width) {
        conv2d_max_pool_block(row, c, relu, keep_argmax, 1, 1, width, channels);
    } else if (left) {
        conv2d_max_pool_block(row, c, relu, keep_argmax, 1, 0, width, channels);
    } else if (right || c.in_width == 2U * width) { /* two blocks: there is none in the middle */
        conv2d_max_pool_block(row, c, relu, keep_argmax, 0, 1, width, channels);
    } else {
        conv2d_max_pool_block(row, c, relu, keep_argmax, 0, 0, width, channels);
    }
}

/* All positions of `channels` channels, a literal of at most 2. Rows and columns that the pool leaves over are not
 * computed. */
TP_ALWAYS_INLINE void conv2d_max_pool_channels(const float *x, const float *filter, const float *bias, float *y,
                                               uint8_t *argmax, tp_conv2d c, int relu, int keep_argmax,
                                               uint32_t channels)
{
    const uint32_t rows = c.out_height & ~1U, columns = c.out_width & ~1U;
    const uint32_t block = TP_INLINE_KERNELS ? 8U : 2U;
    const uint32_t rest = TP_INLINE_KERNELS ? columns % 8U : 0U; /* a literal either way */
    for (uint32_t oy = 0U; oy < rows; ++oy) {
        const uint32_t top = oy == 0U, bottom = oy + 1U == c.in_height;
        const uint32_t above = top ? 0U : (oy - 1U) * c.in_width;
        const tp_row_block row = {x + above, filter + 3U * top, bias, y + oy / 2U * (columns / 2U),
                                  keep_argmax ? argmax + oy / 2U * tp_packed_bytes(columns / 2U) : NULL,
                                  3U - top - bottom, oy % 2U, 0U};
        for (uint32_t ox = 0U; ox + block <= columns; ox += block) {
            conv2d_max_pool_columns(row, c, relu, keep_argmax, ox, block, channels);
        }
        if (rest != 0U) {
            conv2d_max_pool_columns(row, c, relu, keep_argmax, columns - rest, rest, channels);
        }
    }
}

/* argmax is written with keep_argmax, a literal, only. */
TP_KERNEL void tp_conv2d_max_pool_fwd_f32_k3p1w2(const float *x, const float *weight, const float *bias, float *y,
                                                 uint8_t *argmax, tp_conv2d c, int relu, int keep_argmax)
{
#if TP_WIDE_KERNELS
    if (tp_wide_fits_forward(c)) {
        tp_wide_pool_fwd(x, weight, bias, y, keep_argmax ? argmax : NULL, c, relu, 1);
        return;
    }
#endif
    const uint32_t plane = (c.out_height / 2U) * (c.out_width / 2U), filter_size = c.in_channels * 9U;
    const uint32_t places_plane = (c.out_height / 2U) * tp_packed_bytes(c.out_width / 2U);
    const uint32_t pair = TP_INLINE_KERNELS ? 2U : 1U;
    uint32_t co = 0U;
    for (; co + pair <= c.out_channels; co += pair) {
        conv2d_max_pool_channels(x, weight + co * filter_size, bias != NULL ? bias + co : NULL, y + co * plane,
                                 keep_argmax ? argmax + co * places_plane : NULL, c, relu, keep_argmax, pair);
    }
    if (TP_INLINE_KERNELS && c.out_channels % 2U != 0U) {
        conv2d_max_pool_channels(x, weight + co * filter_size, bias != NULL ? bias + co : NULL, y + co * plane,
                                 keep_argmax ? argmax + co * places_plane : NULL, c, relu, keep_argmax, 1U);
    }
}
