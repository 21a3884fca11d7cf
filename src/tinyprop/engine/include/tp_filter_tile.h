/* SPDX-License-Identifier: Apache-2.0 */
/* What a convolution of any geometry sends down, and what its weights learn, in tiles: up to eighteen neighbouring weights of
 * a filter, whose errors or gradients stay in registers while kept deltas pass by as a list. Weights of a tile are neighbours
 * in memory, and where their inputs lie, seen from the first of them, is literal: a tile is as many whole channels as fit, or
 * of larger kernels as many rows, or of longer rows a piece of one.
 *
 * A window that crosses a border of the image has a mask of its taps, bit ky * kernel_width + kx, set where a tap is inside.
 * For inlined kernels only: all but masks and lists is literal.
 */
#ifndef TP_FILTER_TILE_H
#define TP_FILTER_TILE_H

#include "tp_window.h"

#define TP_TILE_WEIGHTS 18U

/* How tiles cover a filter: spans of `units` units, each of `weights` weights; a tile is a few units of one span. Steps are
 * inputs from a unit to the next, and from the first unit of a kernel's row to that of the next. */
typedef struct tp_tiling {
    uint32_t weights, units, spans, rows, unit_step, row_step;
} tp_tiling;

TP_ALWAYS_INLINE tp_tiling tp_tiling_of(tp_conv2d c)
{
    const uint32_t taps = c.kernel_height * c.kernel_width, channels = tp_group_inputs(c), plane = c.in_height * c.in_width;
    const uint32_t row = c.dilation_height * c.in_width;
    if (taps <= TP_TILE_WEIGHTS) {
        return (tp_tiling){taps, channels, 1U, 1U, plane, row};
    }
    if (c.kernel_width <= TP_TILE_WEIGHTS) {
        return (tp_tiling){c.kernel_width, c.kernel_height, channels, 1U, row, row};
    }
    return (tp_tiling){1U, c.kernel_width, channels * c.kernel_height, c.kernel_height, c.dilation_width, row};
}

/* Inputs from the first one under a filter to the first one under span `span` of it. */
TP_ALWAYS_INLINE uint32_t tp_span_start(tp_tiling t, uint32_t span, tp_conv2d c)
{
    return span / t.rows * c.in_height * c.in_width + span % t.rows * t.row_step;
}

/* Inputs from the one under a tile's first weight to the one under its weight i. */
TP_ALWAYS_INLINE uint32_t tp_tile_input(uint32_t i, tp_conv2d c)
{
    const uint32_t taps = c.kernel_height * c.kernel_width, tap = i % taps;
    return i / taps * c.in_height * c.in_width + tap / c.kernel_width * c.dilation_height * c.in_width
           + tap % c.kernel_width * c.dilation_width;
}

/* Whether no window reads padding. */
TP_ALWAYS_INLINE int tp_windows_never_cross(tp_conv2d c)
{
    return c.pad_height == 0U && c.pad_width == 0U && (c.out_height - 1U) * c.stride_height + tp_reach_y(c) <= c.in_height
           && (c.out_width - 1U) * c.stride_width + tp_reach_x(c) <= c.in_width;
}

/* Taps that a mask has room for in a list, and in its first word. */
#define TP_MASK_TAPS 62U
#define TP_MASK_LOW_TAPS 30U

/* Whether errors and gradients are computed in tiles: else line by line. A small filter is not worth it, and one from one
 * channel to one has kernels of its own (tp_correlate.h) for all but rare strides. */
TP_ALWAYS_INLINE int tp_tiles_serve(tp_conv2d c)
{
    const int masks = c.kernel_height * c.kernel_width <= TP_MASK_TAPS && tp_reach_y(c) <= c.in_height
                      && tp_reach_x(c) <= c.in_width;
    const int lone = tp_group_inputs(c) == 1U && c.out_channels == c.groups;
    return TP_INLINE_KERNELS && (masks || tp_windows_never_cross(c)) && tp_filter_size(c) > 8U && !lone;
}

/* Bit ky * kernel_width + kx for all of these taps. */
TP_ALWAYS_INLINE uint64_t tp_mask_of(tp_taps ty, tp_taps tx, tp_conv2d c)
{
    const uint32_t kw = c.kernel_width, taps = c.kernel_height * kw;
    const uint64_t each_row = ((1ULL << taps) - 1ULL) / ((1ULL << kw) - 1ULL); /* a geometric series: its tap 0 */
    if (taps <= TP_MASK_LOW_TAPS) {
        const uint32_t rows = (uint32_t)each_row & ((1U << ty.last * kw) - (1U << ty.first * kw));
        return ((1U << tx.last) - (1U << tx.first)) * rows;
    }
    return ((1ULL << tx.last) - (1ULL << tx.first)) * (each_row & ((1ULL << ty.last * kw) - (1ULL << ty.first * kw)));
}

/* Where a window lies: its tap 0, which is outside of the plane where the window crosses a border; its taps inside. */
typedef struct tp_place {
    int32_t start;
    int crosses;
    uint64_t mask; /* where it crosses */
    uint32_t taps; /* inside */
} tp_place;

TP_ALWAYS_INLINE tp_place tp_place_of(uint32_t oy, uint32_t ox, tp_conv2d c)
{
    /* Below 0 as above the room, an unsigned number is above the room. */
    const uint32_t top = oy * c.stride_height - c.pad_height, left = ox * c.stride_width - c.pad_width;
    tp_place place = {(int32_t)(top * c.in_width + left), 0, 0U, c.kernel_height * c.kernel_width};
    if (!tp_windows_never_cross(c) && (top > c.in_height - tp_reach_y(c) || left > c.in_width - tp_reach_x(c))) {
        const tp_taps ty = tp_taps_y(oy, c), tx = tp_taps_x(ox, c);
        place.crosses = 1;
        place.mask = tp_mask_of(ty, tx, c);
        place.taps = (ty.last - ty.first) * (tx.last - tx.first);
    }
    return place;
}

/* Where tap 0 of a crossing window would be: nothing is read there but what a mask says is inside. Opaque, or compilers would
 * compute it again for each tap. */
TP_ALWAYS_INLINE uintptr_t tp_crossing_at(const float *plane, int32_t start)
{
    uintptr_t at = (uintptr_t)plane + (uintptr_t)(intptr_t)start * sizeof(float);
    TP_OPAQUE(at);
    return at;
}

#define TP_FIRST_NINE(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8)
#define TP_OTHER_NINE(M) M(9) M(10) M(11) M(12) M(13) M(14) M(15) M(16) M(17)
#define TP_ALL(M) TP_FIRST_NINE(M) TP_OTHER_NINE(M)
/* Whether weight i of a tile of `size` meets an input, which a mask says, shifted to the tile's first tap. */
#define TP_MEETS(i) (size > (i) && (mask >> (i) % (c.kernel_height * c.kernel_width) & 1U) != 0U)

#define TP_START(i) float e##i = 0.0f;
#define TP_LOAD(i) \
    if (size > (i)) { \
        e##i = at[tp_tile_input(i, c)]; \
    }
#define TP_LOAD_MASKED(i) \
    if (TP_MEETS(i)) { \
        e##i = ((const float *)crossing_at)[tp_tile_input(i, c)]; \
    }
#define TP_SPREAD(i) \
    if (size > (i)) { \
        e##i += v[(i) % 9] * d; \
    }
#define TP_STORE(i) \
    if (size > (i)) { \
        at[tp_tile_input(i, c)] = e##i; \
    }
#define TP_STORE_MASKED(i) \
    if (TP_MEETS(i)) { \
        ((float *)crossing_at)[tp_tile_input(i, c)] = e##i; \
    }

/* The errors under `size` weights of a window, a literal of at most 18. start: of the window; errors, weight: under and of the
 * tile's first one. kept: not empty. Products that fall on the padding are formed with the others and dropped. */
TP_ALWAYS_INLINE void tp_tile_errors(float *errors, int32_t start, int crossing, uint32_t mask, const float *weight,
                                     const tp_kept *kept, const tp_kept *end, tp_conv2d c, uint32_t size)
{
    TP_ALL(TP_START)
    if (!crossing) {
        const float *at = errors + start;
        TP_ALL(TP_LOAD)
    } else {
        const uintptr_t crossing_at = tp_crossing_at(errors, start);
        TP_ALL(TP_LOAD_MASKED)
    }
    TP_ROLLED do {
        const float d = kept->value;
        const float *filter = weight + kept->offset;
        float v[9];
        tp_load_run(v, filter, size < 9U ? size : 9U);
        TP_FIRST_NINE(TP_SPREAD)
        if (size > 9U) {
            tp_load_run(v, filter + 9, size - 9U);
            TP_OTHER_NINE(TP_SPREAD)
        }
    } while (++kept != end);
    if (!crossing) {
        float *at = errors + start;
        TP_ALL(TP_STORE)
    } else {
        const uintptr_t crossing_at = tp_crossing_at(errors, start);
        TP_ALL(TP_STORE_MASKED)
    }
}

#undef TP_START
#undef TP_LOAD
#undef TP_LOAD_MASKED
#undef TP_SPREAD
#undef TP_STORE
#undef TP_STORE_MASKED

/* All errors under a window. errors, weight: of the first input channel of its group. */
TP_ALWAYS_INLINE void tp_window_errors(float *errors, tp_place place, const float *weight, const tp_kept *kept,
                                       const tp_kept *end, tp_conv2d c)
{
    const tp_tiling t = tp_tiling_of(c);
    const uint32_t units = TP_TILE_WEIGHTS / t.weights, rest = t.units % units, size = units * t.weights;
    const uint32_t taps = c.kernel_height * c.kernel_width;
    for (uint32_t span = 0U; span < t.spans; ++span) {
        float *under = errors + tp_span_start(t, span, c);
        uint64_t mask = place.mask;
        TP_ROLLED for (uint32_t left = t.units / units; left != 0U; --left, under += units * t.unit_step, weight += size) {
            tp_tile_errors(under, place.start, place.crosses, (uint32_t)mask, weight, kept, end, c, size);
            mask >>= t.weights < taps ? size : 0U;
        }
        if (rest != 0U) {
            tp_tile_errors(under, place.start, place.crosses, (uint32_t)mask, weight, kept, end, c, rest * t.weights);
            weight += rest * t.weights;
        }
    }
}

/* A list of windows: kept deltas of one output channel, positions ascending. `window` is a place's start, or TP_CROSSING and
 * the first bits of its mask; then the entry behind it has the start, and as its value the other bits. TP_LISTED_END stands
 * behind the last one. */
#define TP_CROSSING 0x80000000U
#define TP_LISTED_END 0xc0000000U
#define TP_MASK_LOW 0x3fffffffU
#define TP_LISTED_WINDOWS 24U /* entries that a list has room for, with its end */

/* The mask of a crossing window in a list, shifted to a tile's first tap. */
TP_ALWAYS_INLINE uint32_t tp_listed_mask(const tp_kept_at *kept, uint32_t shift, tp_conv2d c)
{
    if (c.kernel_height * c.kernel_width <= TP_MASK_LOW_TAPS) {
        return (kept->window & TP_MASK_LOW) >> shift;
    }
    return (uint32_t)(((uint64_t)tp_bits_of(kept[1].value) << TP_MASK_LOW_TAPS | (kept->window & TP_MASK_LOW)) >> shift);
}

/* Neighbours in memory: inputs of a row that lie apart are read one by one. */
#define TP_RUN_START(i) ((i) % c.kernel_width % run == 0U)
#define TP_RUN_LENGTH(i) tp_least3(run, c.kernel_width - (i) % c.kernel_width, size - (i))

TP_ALWAYS_INLINE uint32_t tp_least3(uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t least = a < b ? a : b;
    return least < c ? least : c;
}

#define TP_START(i) float g##i = 0.0f;
#define TP_RESUME(i) \
    if (size > (i)) { \
        g##i = v[(i) % 9U]; \
    }
#define TP_ADD(i) \
    if (size > (i)) { \
        if (TP_RUN_START(i)) { \
            tp_load_run(v, at + tp_tile_input(i, c), TP_RUN_LENGTH(i)); \
        } \
        g##i += d * v[(i) % c.kernel_width % run]; \
    }
#define TP_ADD_MASKED(i) \
    if (TP_MEETS(i)) { \
        g##i += d * ((const float *)crossing_at)[tp_tile_input(i, c)]; \
    }
#define TP_VALUE(i) g##i,
#define TP_LEARN(i) \
    if (size > (i)) { \
        w[(i) % 9U] -= rate * g##i; \
    }

/* The gradients of `size` weights, a literal of at most 18, over a list. shift: of masks, to the tile's first tap. x, weight,
 * gradient: under, of and for the tile's first one. begun: whether gradients of lists before are there; last: whether this
 * list is the last one, so that the weights learn. */
TP_ALWAYS_INLINE void tp_tile_gradients(const float *x, const tp_kept_at *kept, uint32_t shift, float *weight, float *gradient,
                                        float rate, tp_conv2d c, uint32_t size, int begun, int last)
{
    const uint32_t run = c.dilation_width == 1U ? 9U : 1U, first = size < 9U ? size : 9U, other = size - first;
    TP_ALL(TP_START)
    if (begun) {
        float v[9];
        tp_load_run(v, gradient, first);
        TP_FIRST_NINE(TP_RESUME)
        tp_load_run(v, gradient + 9, other);
        TP_OTHER_NINE(TP_RESUME)
    }
    for (;; ++kept) {
        TP_ROLLED for (; kept->window < TP_CROSSING; ++kept) {
            const float d = kept->value;
            const float *at = x + kept->window;
            float v[9];
            TP_ALL(TP_ADD)
        }
        if (kept->window == TP_LISTED_END) {
            break;
        }
        const float d = kept->value;
        const uint32_t mask = tp_listed_mask(kept, shift, c);
        const uintptr_t crossing_at = tp_crossing_at(x, (int32_t)(++kept)->window);
        TP_ALL(TP_ADD_MASKED)
    }
    if (last) {
        float w[9];
        tp_load_run(w, weight, first);
        TP_FIRST_NINE(TP_LEARN)
        tp_store_run(weight, w, first);
        tp_load_run(w, weight + 9, other);
        TP_OTHER_NINE(TP_LEARN)
        tp_store_run(weight + 9, w, other);
    } else {
        const float v[18] = {TP_ALL(TP_VALUE)};
        tp_store_run(gradient, v, first);
        tp_store_run(gradient + 9, v + 9, other);
    }
}

#undef TP_RUN_START
#undef TP_RUN_LENGTH
#undef TP_START
#undef TP_RESUME
#undef TP_ADD
#undef TP_ADD_MASKED
#undef TP_VALUE
#undef TP_LEARN

/* All gradients of a filter over a list; x: the first input channel of its group. */
TP_ALWAYS_INLINE void tp_filter_gradients(const float *x, const tp_kept_at *kept, float *weight, float *gradient, float rate,
                                          tp_conv2d c, int begun, int last)
{
    const tp_tiling t = tp_tiling_of(c);
    const uint32_t units = TP_TILE_WEIGHTS / t.weights, rest = t.units % units, size = units * t.weights;
    const uint32_t taps = c.kernel_height * c.kernel_width;
    for (uint32_t span = 0U; span < t.spans; ++span) {
        const float *under = x + tp_span_start(t, span, c);
        uint32_t shift = 0U;
        TP_ROLLED for (uint32_t left = t.units / units; left != 0U; --left) {
            tp_tile_gradients(under, kept, shift, weight, gradient, rate, c, size, begun, last);
            shift += t.weights < taps ? size : 0U;
            under += units * t.unit_step;
            weight += size;
            gradient += size;
        }
        if (rest != 0U) {
            tp_tile_gradients(under, kept, shift, weight, gradient, rate, c, rest * t.weights, begun, last);
            weight += rest * t.weights;
            gradient += rest * t.weights;
        }
    }
}

#undef TP_FIRST_NINE
#undef TP_OTHER_NINE
#undef TP_ALL
#undef TP_MEETS

#endif
