/* SPDX-License-Identifier: Apache-2.0 */
/* The Fourier transform of real numbers: neighbours are taken as the two parts of size / 2 complex numbers, these are
 * transformed in place by decimation in time, four transforms into one (two into one once, where the doublings are odd in
 * number), and the spectrum of the real numbers is unfolded from theirs. Cooley and Tukey, Math. Comp. 19 (1965).
 */
#include "tp_kernels.h"

/* Number j to the place whose bits are those of j in reverse. */
TP_ALWAYS_INLINE void rfft_reorder(float *x, uint32_t points)
{
    uint32_t reversed = 0U;
    for (uint32_t j = 1U; j + 1U < points; ++j) {
        uint32_t bit = points / 2U;
        for (; (reversed & bit) != 0U; bit >>= 1) {
            reversed ^= bit;
        }
        reversed ^= bit;
        if (j < reversed) {
            const float re = x[2U * j], im = x[2U * j + 1U];
            x[2U * j] = x[2U * reversed];
            x[2U * j + 1U] = x[2U * reversed + 1U];
            x[2U * reversed] = re;
            x[2U * reversed + 1U] = im;
        }
    }
}

TP_ALWAYS_INLINE void rfft_pairs(float *x, uint32_t points)
{
    for (const float *end = x + 2U * points; x != end; x += 4) {
        const float re0 = x[0], im0 = x[1], re1 = x[2], im1 = x[3];
        x[0] = re0 + re1;
        x[1] = im0 + im1;
        x[2] = re0 - re1;
        x[3] = im0 - im1;
    }
}

/* One number of each of four transforms, whose terms are those of number 0, 2, 1 and 3 modulo four; `step` floats apart.
 * w: cos and -sin of the turns of terms 1, 2 and 3; NULL where nothing turns. */
TP_ALWAYS_INLINE void rfft_four(float *x, uint32_t step, const float *w)
{
    float *x2 = x + step, *x1 = x2 + step, *x3 = x1 + step;
    float re1 = x1[0], im1 = x1[1], re2 = x2[0], im2 = x2[1], re3 = x3[0], im3 = x3[1];
    if (w != NULL) {
        const float t1 = re1 * w[0] - im1 * w[1], t2 = re2 * w[2] - im2 * w[3], t3 = re3 * w[4] - im3 * w[5];
        im1 = re1 * w[1] + im1 * w[0];
        im2 = re2 * w[3] + im2 * w[2];
        im3 = re3 * w[5] + im3 * w[4];
        re1 = t1;
        re2 = t2;
        re3 = t3;
    }
    const float sum_re = x[0] + re2, sum_im = x[1] + im2, rest_re = x[0] - re2, rest_im = x[1] - im2;
    const float odd_re = re1 + re3, odd_im = im1 + im3, turn_re = re1 - re3, turn_im = im1 - im3;
    x[0] = sum_re + odd_re;
    x[1] = sum_im + odd_im;
    x2[0] = rest_re + turn_im;
    x2[1] = rest_im - turn_re;
    x1[0] = sum_re - odd_re;
    x1[1] = sum_im - odd_im;
    x3[0] = rest_re - turn_im;
    x3[1] = rest_im + turn_re;
}

/* Transforms of `quarter` points into such of four times as many. */
TP_ALWAYS_INLINE void rfft_fours(float *x, const float *twiddles, uint32_t points, uint32_t quarter)
{
    const uint32_t turns = points / quarter / 4U; /* as many steps of the last, finest circle are one of this circle */
    for (uint32_t first = 0U; first < points; first += 4U * quarter) {
        rfft_four(x + 2U * first, 2U * quarter, NULL);
    }
    for (uint32_t k = 1U; k < quarter; ++k) {
        const float *w = twiddles + 6U * (k * turns - 1U);
        const float turn[6] = {w[0], w[1], w[2], w[3], w[4], w[5]};
        for (uint32_t first = k; first < points; first += 4U * quarter) {
            rfft_four(x + 2U * first, 2U * quarter, turn);
        }
    }
}

/* x holds Z = transform of x[even] + i x[odd]. With E and O, the transforms of either half of them,
 * E[k] = (Z[k] + conj Z[points - k]) / 2, O[k] = (Z[k] - conj Z[points - k]) / 2i, X[k] = E[k] + e^(-2 pi i k / size) O[k],
 * X[points - k] = conj(E[k] - ...). */
TP_ALWAYS_INLINE void rfft_unfold(float *x, const float *twiddles, uint32_t points)
{
    const float first = x[0];
    x[0] = first + x[1];
    x[1] = first - x[1];
    float *low = x + 2, *high = x + 2U * (points - 1U);
    for (; low != high; low += 2, high -= 2, twiddles += 2) {
        const float even_re = (low[0] + high[0]) * 0.5f, even_im = (low[1] - high[1]) * 0.5f;
        const float odd_re = (low[1] + high[1]) * 0.5f, odd_im = (high[0] - low[0]) * 0.5f;
        const float re = odd_re * twiddles[0] - odd_im * twiddles[1];
        const float im = odd_re * twiddles[1] + odd_im * twiddles[0];
        low[0] = even_re + re;
        low[1] = even_im + im;
        high[0] = even_re - re;
        high[1] = im - even_im;
    }
    low[1] = -low[1];
}

/* x[size], size a power of two from 16: becomes X[0], X[size / 2], then real and imaginary part of X[1] ... X[size / 2 - 1].
 *
 * twiddles, of a circle that starts at 1 and runs clockwise: for j = 1 ... size / 8 - 1 the cos and -sin of j, 2j and 3j
 * steps of 1 / (size / 2); then for k = 1 ... size / 4 - 1 those of k steps of 1 / size. */
TP_KERNEL void tp_rfft_f32(float *x, const float *twiddles, uint32_t size)
{
    const uint32_t points = size / 2U;
    uint32_t quarter = 1U;
    for (uint32_t doubled = points; doubled > 1U; doubled /= 4U) {
        quarter = doubled == 2U ? 2U : quarter;
    }
    rfft_reorder(x, points);
    if (quarter == 2U) {
        rfft_pairs(x, points);
    }
    for (; quarter < points; quarter *= 4U) {
        rfft_fours(x, twiddles, points, quarter);
    }
    rfft_unfold(x, twiddles + 6U * (points / 4U - 1U), points);
}
