/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

/* error[in] of a convolution of any geometry from its delta, stored where the pool behind it looked: entry
 * [co][py][px] stands at output (py * p.height + dy, px * p.width + dx), argmax = dy * p.width + dx. Without a pool
 * p is 1 by 1 and argmax NULL. Each error sums over py, px, argmax, co, ascending. With mask_input x left a ReLU.
 */
TP_KERNEL void tp_conv2d_error_f32(const float *x, const float *delta, const uint8_t *argmax, const float *weight,
                                   float *error, tp_conv2d c, tp_pool p, int mask_input, int skip_zeros)
{
    const uint32_t rows = c.out_height / p.height, columns = c.out_width / p.width;
    const uint32_t filter_size = c.in_channels * c.kernel_height * c.kernel_width;
    for (uint32_t i = 0U; i < c.in_channels * c.in_height * c.in_width; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t position = 0U; position < rows * columns; ++position) {
        for (uint32_t code = 0U; code < p.height * p.width; ++code) {
            tp_taps ty = tp_taps_y(position / columns * p.height + code / p.width, c);
            tp_taps tx = tp_taps_x(position % columns * p.width + code % p.width, c);
            for (uint32_t co = 0U; co < c.out_channels; ++co) {
                float d = delta[co * rows * columns + position];
                if ((skip_zeros && d == 0.0f) || (argmax != NULL && argmax[co * rows * columns + position] != code)) {
                    continue;
                }
                for (uint32_t ci = 0U; ci < c.in_channels; ++ci) {
                    for (uint32_t ky = ty.first; ky < ty.last; ++ky) {
                        const float *taps = weight + co * filter_size + (ci * c.kernel_height + ky) * c.kernel_width;
                        float *line = error + (ci * c.in_height + (uint32_t)(ty.start + (int32_t)ky)) * c.in_width;
                        for (uint32_t kx = tx.first; kx < tx.last; ++kx) {
                            line[tx.start + (int32_t)kx] += taps[kx] * d;
                        }
                    }
                }
                TP_COUNT(macs_backward, c.in_channels * (ty.last - ty.first) * (tx.last - tx.first));
            }
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, c.in_channels * c.in_height * c.in_width);
    }
}
