/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

/* Weights and bias of a convolution of any geometry after one step; delta, argmax and p as in tp_conv2d_error_f32.
 * Each gradient sums over py, px, ascending, then weight -= rate * gradient. gradient: room for one filter
 * [in_channels][kh][kw]; bias may be NULL.
 */
TP_KERNEL void tp_conv2d_update_f32(const float *x, const float *delta, const uint8_t *argmax, float *weight,
                                    float *bias, float *gradient, float rate, tp_conv2d c, tp_pool p, int skip_zeros)
{
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const uint32_t filter_size = c.in_channels * c.kernel_height * c.kernel_width;
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        float *filter = weight + co * filter_size;
        float bias_gradient = 0.0f;
        for (uint32_t i = 0U; i < filter_size; ++i) {
            gradient[i] = 0.0f;
        }
        for (uint32_t position = 0U; position < rows * columns; ++position) {
            float d = delta[co * rows * columns + position];
            uint32_t code = argmax != NULL ? argmax[co * rows * columns + position] : 0U;
            if (skip_zeros && d == 0.0f) {
                continue;
            }
            tp_taps ty = tp_taps_y(position / columns * p.height + code / p.width, c);
            tp_taps tx = tp_taps_x(position % columns * p.width + code % p.width, c);
            for (uint32_t ci = 0U; ci < c.in_channels; ++ci) {
                for (uint32_t ky = ty.first; ky < ty.last; ++ky) {
                    const float *line = x + (ci * c.in_height + (uint32_t)(ty.start + (int32_t)ky)) * c.in_width;
                    float *taps = gradient + (ci * c.kernel_height + ky) * c.kernel_width;
                    for (uint32_t kx = tx.first; kx < tx.last; ++kx) {
                        taps[kx] += d * line[tx.start + (int32_t)kx];
                    }
                }
            }
            bias_gradient += d;
            TP_COUNT(macs_backward, c.in_channels * (ty.last - ty.first) * (tx.last - tx.first));
        }
        for (uint32_t i = 0U; i < filter_size; ++i) {
            filter[i] -= rate * gradient[i];
        }
        if (bias != NULL) {
            bias[co] -= rate * bias_gradient;
        }
    }
}
