/* SPDX-License-Identifier: Apache-2.0 */
/* A row of a depthwise convolution, of its error or of its gradient: each is the same sum of products of two lines.
 *
 *     sums[i] = start + sum over line l, tap t, ascending, of weights[l][t] * line[l][first + i * sum_step + t * tap_step]
 *
 * where that lies inside the line; elsewhere is padding, and the product is left out. Forward a sum is an output, a tap a
 * weight; in the error a sum is an error and the weights run backwards; in the gradient a sum is a weight and a tap a delta.
 *
 * Up to eight sums stay in registers while up to eight taps are unrolled: a weight, once loaded, serves every sum, an input
 * every tap that falls on it. Which taps of the first and last blocks lie outside is known when they are compiled. Where
 * shapes are no literals, or a border is wider than those blocks, four sums are formed at a time inside, and single ones at
 * the borders.
 */
#ifndef TP_CORRELATE_H
#define TP_CORRELATE_H

#include "tp_window.h"

/* How lines are read: in inlined kernels all of it is literal. */
typedef struct tp_correlation {
    uint32_t sums, taps;
    int32_t first;               /* what sum 0 reads under tap 0; below 0 is padding */
    uint32_t sum_step, tap_step; /* inputs from a sum to the next, from a tap to the next */
    int32_t weight_step;         /* from the weight of a tap to that of the next */
    uint32_t size;               /* inputs of a line */
    uint32_t line_step;          /* from a line to the next, */
    int32_t weights_step;        /* and from its weights to the next one's */
} tp_correlation;

/* Which lines are read; there may be none. */
typedef struct tp_lines {
    const float *line, *weights;
    uint32_t count;
} tp_lines;

/* Where sums go. */
typedef struct tp_results {
    float *to;
    uint32_t to_step; /* a literal */
    int relu, learn;  /* literals. learn: results are weights, which change by -rate * sum */
    float rate;
} tp_results;

typedef struct tp_sums8 {
    float s0, s1, s2, s3, s4, s5, s6, s7;
} tp_sums8;

TP_ALWAYS_INLINE void tp_correlate_finish(float sum, uint32_t i, tp_results r)
{
    float *to = r.to + i * r.to_step;
    if (r.learn) {
        *to -= r.rate * sum;
    } else {
        *to = r.relu && !(sum > 0.0f) ? 0.0f : sum;
    }
}

#define TP_EACH_SUM(M, t) M(0, t) M(1, t) M(2, t) M(3, t) M(4, t) M(5, t) M(6, t) M(7, t)
#define TP_EACH_TAP(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
/* Below 0 as above the size, an unsigned place is not below the size. */
#define TP_TERM(i, t) \
    if (sums > (i) && (inside || (uint32_t)(first + (int32_t)((i) * g.sum_step + (t) * g.tap_step)) < g.size)) { \
        s->s##i += weight * line[first + (int32_t)((i) * g.sum_step + (t) * g.tap_step)]; \
    }
#define TP_TAP(t) \
    if (taps > (t)) { \
        const float weight = weights[(t) * g.weight_step]; \
        TP_EACH_SUM(TP_TERM, t) \
    }

/* `taps` taps of `sums` sums, literals up to 8; inside, a literal: none of them lies on the padding. first: what the first sum
 * reads under the first tap, a literal unless inside. */
TP_ALWAYS_INLINE void tp_correlate_terms(tp_sums8 *s, const float *line, const float *weights, tp_correlation g, int32_t first,
                                         uint32_t sums, uint32_t taps, int inside)
{
    TP_EACH_TAP(TP_TAP)
}

#undef TP_TERM
#undef TP_TAP
#undef TP_EACH_TAP

/* The bordering blocks of a row of `count`: a whole one, the rest, ..., a whole one. */
TP_ALWAYS_INLINE uint32_t tp_correlate_bordering(uint32_t count, uint32_t block)
{
    return (count >= block ? block : 0U) + count % block;
}

/* All taps of one line. */
TP_ALWAYS_INLINE void tp_correlate_line(tp_sums8 *s, const float *line, const float *weights, tp_correlation g, int32_t first,
                                        uint32_t sums, int inside)
{
    const int32_t step = (int32_t)g.tap_step;
    const uint32_t rest = g.taps % 8U, middle = tp_correlate_bordering(g.taps, 8U);
    if (!TP_INLINE_KERNELS) { /* called with what is inside only, `line` from where the first sum reads */
        TP_ROLLED for (uint32_t left = g.taps; left != 0U; --left, line += step, weights += g.weight_step) {
            tp_correlate_terms(s, line, weights, g, 0, sums, 1U, 1);
        }
        return;
    }
    if (g.taps >= 8U) {
        tp_correlate_terms(s, line, weights, g, first, sums, 8U, inside);
    }
    if (rest != 0U) {
        const int32_t t = (int32_t)(middle - rest);
        tp_correlate_terms(s, line, weights + t * g.weight_step, g, first + t * step, sums, rest, inside);
    }
    if (g.taps >= 16U) {
        const int32_t last = (int32_t)g.taps - 8;
        TP_ROLLED for (int32_t t = (int32_t)middle; t < last; t += 8) {
            tp_correlate_terms(s, line + (first + t * step), weights + t * g.weight_step, g, 0, sums, 8U, 1);
        }
        tp_correlate_terms(s, line, weights + last * g.weight_step, g, first + last * step, sums, 8U, inside);
    }
}

#define TP_START(i, unused) start,
#define TP_FINISH(i, at) \
    if (sums > (i)) { \
        tp_correlate_finish(s.s##i, (at) + (i), r); \
    }

/* `sums` sums, a literal up to 8, from number i on, which is a literal too unless inside. */
TP_ALWAYS_INLINE void tp_correlate_block(tp_lines l, tp_correlation g, float start, tp_results r, uint32_t i, uint32_t sums,
                                         int inside)
{
    const int32_t first = g.first + (int32_t)(i * g.sum_step);
    tp_sums8 s = {TP_EACH_SUM(TP_START, 0)};
    if (inside) {
        l.line += first;
    }
    TP_ROLLED for (uint32_t left = l.count; left != 0U; --left, l.line += g.line_step, l.weights += g.weights_step) {
        tp_correlate_line(&s, l.line, l.weights, g, inside ? 0 : first, sums, inside);
    }
    TP_EACH_SUM(TP_FINISH, i)
}

#undef TP_EACH_SUM
#undef TP_START
#undef TP_FINISH

/* Sums of a block: inputs that far apart would not fit into the registers beside eight of them. */
TP_ALWAYS_INLINE uint32_t tp_correlate_width(tp_correlation g)
{
    return g.sum_step > 2U * g.tap_step ? 4U : 8U;
}

/* Whether no block between those at the borders reads padding. */
TP_ALWAYS_INLINE int tp_correlate_fits(tp_correlation g)
{
    const uint32_t width = tp_correlate_width(g);
    const int32_t end = g.first + (int32_t)((g.sums - 1U) * g.sum_step + (g.taps - 1U) * g.tap_step) - (int32_t)g.size;
    const int sums_fit = g.sums < 2U * width
                         || (g.first + (int32_t)(width * g.sum_step) >= 0 && end < (int32_t)(width * g.sum_step));
    const int taps_fit = g.taps < 16U || (g.first + (int32_t)(8U * g.tap_step) >= 0 && end < (int32_t)(8U * g.tap_step));
    return sums_fit && taps_fit;
}

/* Sum i alone. */
TP_ALWAYS_INLINE void tp_correlate_one(tp_lines l, tp_correlation g, float sum, tp_results r, uint32_t i)
{
    const tp_taps t = tp_taps_from(g.first + (int32_t)(i * g.sum_step), g.taps, g.tap_step, g.size);
    TP_ROLLED for (uint32_t left = l.count; left != 0U; --left, l.line += g.line_step, l.weights += g.weights_step) {
        TP_ROLLED for (uint32_t tap = t.first; tap < t.last; ++tap) {
            sum += l.weights[(int32_t)tap * g.weight_step] * l.line[t.start + (int32_t)(tap * g.tap_step)];
        }
    }
    tp_correlate_finish(sum, i, r);
}

/* Whether no tap of sums i to i + 3 lies on the padding. */
TP_ALWAYS_INLINE int tp_correlate_inside(tp_correlation g, uint32_t i)
{
    const int32_t first = g.first + (int32_t)(i * g.sum_step);
    return first >= 0 && first + (int32_t)(3U * g.sum_step + (g.taps - 1U) * g.tap_step) < (int32_t)g.size;
}

/* All sums of a row, whatever its borders: four together where they are inside, else one by one. */
TP_ALWAYS_INLINE void tp_correlate_any(tp_lines l, tp_correlation g, float start, tp_results r)
{
    TP_ROLLED for (uint32_t i = 0U; i < g.sums;) {
        if (i + 4U <= g.sums && tp_correlate_inside(g, i)) {
            tp_correlate_block(l, g, start, r, i, 4U, 1);
            i += 4U;
        } else {
            tp_correlate_one(l, g, start, r, i);
            ++i;
        }
    }
}

/* All sums of a row. */
TP_ALWAYS_INLINE void tp_correlate(tp_lines l, tp_correlation g, float start, tp_results r)
{
    if (!TP_INLINE_KERNELS || !tp_correlate_fits(g)) {
        tp_correlate_any(l, g, start, r);
        return;
    }
    const uint32_t width = tp_correlate_width(g), rest = g.sums % width, middle = tp_correlate_bordering(g.sums, width);
    if (g.sums >= width) {
        tp_correlate_block(l, g, start, r, 0U, width, 0);
    }
    if (rest != 0U) {
        tp_correlate_block(l, g, start, r, middle - rest, rest, 0);
    }
    if (g.sums >= 2U * width) {
        TP_ROLLED for (uint32_t i = middle; i + width < g.sums; i += width) {
            tp_correlate_block(l, g, start, r, i, width, 1);
        }
        tp_correlate_block(l, g, start, r, g.sums - width, width, 0);
    }
}

#endif
