/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Largest value of each window; argmax keeps its place in the window, ky * kernel_width + kx (NULL: not wanted).
 * Padding never wins; the first of equal values does.
 */
TP_KERNEL void tp_max_pool2d_fwd_f32(const float *x, float *y, uint8_t *argmax, tp_pool2d p)
{
    uint32_t o = 0U;
    for (uint32_t c = 0U; c < p.channels; ++c) {
        const float *plane = x + c * p.in_height * p.in_width;
        for (uint32_t oy = 0U; oy < p.out_height; ++oy) {
            for (uint32_t ox = 0U; ox < p.out_width; ++ox, ++o) {
                float best = 0.0f;
                uint32_t code = 0U;
                int seen = 0;
                for (uint32_t k = 0U; k < p.kernel_height * p.kernel_width; ++k) {
                    /* Wraps to a huge value above the image, which the bound then refuses. */
                    uint32_t iy = oy * p.stride_height + k / p.kernel_width - p.pad_height;
                    uint32_t ix = ox * p.stride_width + k % p.kernel_width - p.pad_width;
                    if (iy >= p.in_height || ix >= p.in_width) {
                        continue;
                    }
                    float value = plane[iy * p.in_width + ix];
                    if (!seen || value > best) {
                        best = value;
                        code = k;
                        seen = 1;
                    }
                }
                y[o] = best;
                if (argmax != NULL) {
                    argmax[o] = (uint8_t)code;
                }
            }
        }
    }
}
