/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

/* Convolution, max pool with stride = size, and ReLU if asked, of any geometry: the un-pooled map never exists.
 * y[out_channels][out_height / pool][out_width / pool]; argmax: dy * pool width + dx of each winner, the first of
 * equals (NULL: not wanted); bias may be NULL.
 */
TP_KERNEL void tp_conv2d_max_pool_fwd_f32(const float *x, const float *weight, const float *bias, float *y,
                                          uint8_t *argmax, tp_conv2d c, tp_pool p, int relu)
{
    uint32_t o = 0U;
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        const float *filter = weight + co * c.in_channels * c.kernel_height * c.kernel_width;
        float start = bias != NULL ? bias[co] : 0.0f;
        for (uint32_t py = 0U; py < c.out_height / p.height; ++py) {
            for (uint32_t px = 0U; px < c.out_width / p.width; ++px, ++o) {
                float best = 0.0f;
                uint32_t code = 0U;
                for (uint32_t k = 0U; k < p.height * p.width; ++k) {
                    float sum = tp_conv2d_output(x, filter, start, py * p.height + k / p.width,
                                                 px * p.width + k % p.width, c);
                    if (k == 0U || sum > best) {
                        best = sum;
                        code = k;
                    }
                }
                y[o] = relu && !(best > 0.0f) ? 0.0f : best;
                if (argmax != NULL) {
                    argmax[o] = (uint8_t)code;
                }
            }
        }
    }
}
