/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's kernels compute, from weights and images that lie another way in memory, blocked as well as that way
 * allows: four rows share the inputs that were loaded, rows of kept errors are neighbours in memory, a run of eight filters
 * meets two positions. Measured beside ours, and nowhere else.
 */
#include "tp_kernels.h"

#define TP_EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define TP_TERM(i) sum += in.v[i] * w.v[i];

/* One of the four sums goes on by eight inputs. */
TP_ALWAYS_INLINE float other_dot8(float sum, tp_run8 in, const float *row)
{
    const tp_run8 w = tp_load8(row);
    TP_EACH(TP_TERM)
    TP_SETTLE(sum);
    return sum;
}

#undef TP_TERM

/* weight[outputs][inputs]; both are multiples of 8. */
TP_ALWAYS_INLINE void other_dense_fwd(const float *x, const float *weight, const float *bias, float *y, uint32_t inputs,
                                      uint32_t outputs)
{
    for (uint32_t o = 0U; o < outputs; o += 4U, weight += 4U * inputs) {
        float a = bias[o], b = bias[o + 1U], c = bias[o + 2U], d = bias[o + 3U];
        const float *row = weight;
        TP_ROLLED for (uint32_t i = 0U; i < inputs; i += 8U, row += 8) {
            const tp_run8 in = tp_load8_beside(x + i);
            a = other_dot8(a, in, row);
            b = other_dot8(b, in, row + inputs);
            c = other_dot8(c, in, row + 2U * inputs);
            d = other_dot8(d, in, row + 3U * inputs);
        }
        y[o] = a;
        y[o + 1U] = b;
        y[o + 2U] = c;
        y[o + 3U] = d;
    }
}

#define TP_SEND(i) sum.v[i] += w.v[i] * delta;
#define TP_LEARN(i) \
    w.v[i] -= step.v[i] * delta; \
    TP_SETTLE(w.v[i]);

/* error[inputs] goes on by one row. */
TP_ALWAYS_INLINE void other_send(float *error, const float *row, float delta, uint32_t inputs)
{
    TP_ROLLED for (uint32_t left = inputs / 8U; left != 0U; --left, row += 8) {
        const tp_run8 w = tp_load8_beside(row);
        tp_run8 sum = tp_load8(error);
        TP_EACH(TP_SEND)
        error = tp_store8(error, sum);
    }
}

/* One row learns; steps: the rate times each input. */
TP_ALWAYS_INLINE void other_learn(float *row, const float *steps, float delta, uint32_t inputs)
{
    TP_ROLLED for (uint32_t left = inputs / 8U; left != 0U; --left, steps += 8) {
        const tp_run8 step = tp_load8_beside(steps);
        tp_run8 w = tp_load8(row);
        TP_EACH(TP_LEARN)
        row = tp_store8(row, w);
    }
}

#undef TP_SEND
#undef TP_LEARN

/* steps[inputs] is overwritten. A delta of zero leaves out its row. */
TP_ALWAYS_INLINE void other_dense_update(const float *x, const float *delta, float *weight, float *bias, float *steps,
                                         float rate, uint32_t inputs, uint32_t outputs)
{
    for (uint32_t i = 0U; i < inputs; ++i) {
        steps[i] = rate * x[i];
    }
    TP_ROLLED for (uint32_t j = 0U; j < outputs; ++j, weight += inputs) {
        if (!tp_is_plus_zero(delta[j])) {
            bias[j] -= rate * delta[j];
            other_learn(weight, steps, delta[j], inputs);
        }
    }
}

/* The error overwrites x, and is zero where x is. steps[inputs] and error[inputs] are overwritten. */
TP_ALWAYS_INLINE void other_dense_bwd(float *x, const float *delta, float *weight, float *bias, float *steps, float *error,
                                      float rate, uint32_t inputs, uint32_t outputs)
{
    for (uint32_t i = 0U; i < inputs; ++i) {
        steps[i] = rate * x[i];
        error[i] = 0.0f;
    }
    TP_ROLLED for (uint32_t j = 0U; j < outputs; ++j, weight += inputs) {
        if (!tp_is_plus_zero(delta[j])) {
            bias[j] -= rate * delta[j];
            other_send(error, weight, delta[j], inputs);
            other_learn(weight, steps, delta[j], inputs);
        }
    }
    for (uint32_t i = 0U; i < inputs; ++i) {
        x[i] = tp_is_plus_zero(x[i]) ? 0.0f : error[i];
    }
}

#define TP_TERM(i) \
    sums[0][i] += left * w.v[i]; \
    sums[1][i] += right * w.v[i];

/* Eight filters at the positions (oy, ox) and (oy, ox + 1), a literal `both`, else at the first alone. */
TP_ALWAYS_INLINE void other_positions(const float *x, const float *weight, float *y, uint32_t side, uint32_t channels,
                                      uint32_t filters, uint32_t oy, uint32_t ox, int both)
{
    float sums[2][8] = {{0.0f}, {0.0f}};
    TP_ROLLED for (uint32_t ky = 0U; ky < 3U; ++ky) {
        if (oy + ky < 1U || oy + ky > side) {
            continue;
        }
        TP_ROLLED for (uint32_t kx = 0U; kx < 3U; ++kx) {
            if (ox + kx < 1U || ox + kx > side) {
                continue;
            }
            const float *at = x + ((oy + ky - 1U) * side + ox + kx - 1U) * channels;
            const float *taps = weight + (ky * 3U + kx) * channels * filters;
            TP_ROLLED for (uint32_t c = 0U; c < channels; ++c, ++at, taps += filters) {
                const float left = at[0], right = both ? at[channels] : 0.0f;
                const tp_run8 w = tp_load8(taps);
                TP_EACH(TP_TERM)
            }
        }
    }
    for (uint32_t i = 0U; i < 8U; ++i) {
        y[(oy * side + ox) * filters + i] = sums[0][i];
        if (both) {
            y[(oy * side + ox + 1U) * filters + i] = sums[1][i];
        }
    }
}

#undef TP_TERM
#undef TP_EACH

/* Three by three, padding 1. x[side][side][channels], weight[3][3][channels][filters], y[side][side][filters]; filters is a
 * multiple of 8. Windows of two positions lie inside the image but for the first and the last of a row. */
TP_ALWAYS_INLINE void other_conv2d_fwd(const float *x, const float *weight, float *y, uint32_t side, uint32_t channels,
                                       uint32_t filters)
{
    TP_ROLLED for (uint32_t f = 0U; f < filters; f += 8U) {
        TP_ROLLED for (uint32_t oy = 0U; oy < side; ++oy) {
            uint32_t ox = 1U;
            other_positions(x, weight + f, y + f, side, channels, filters, oy, 0U, 0);
            TP_ROLLED for (; ox + 2U < side; ox += 2U) {
                other_positions(x, weight + f, y + f, side, channels, filters, oy, ox, 1);
            }
            TP_ROLLED for (; ox < side; ++ox) {
                other_positions(x, weight + f, y + f, side, channels, filters, oy, ox, 0);
            }
        }
    }
}
