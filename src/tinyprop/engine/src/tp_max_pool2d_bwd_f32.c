/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Sends delta[channels][out] to the inputs that won their window; windows may overlap, so errors add up
 * in the order of the outputs.
 */
TP_KERNEL void tp_max_pool2d_bwd_f32(const float *delta, const uint8_t *argmax, float *error, tp_pool2d p)
{
    uint32_t o = 0U;
    for (uint32_t i = 0U; i < p.channels * p.in_height * p.in_width; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t c = 0U; c < p.channels; ++c) {
        float *plane = error + c * p.in_height * p.in_width;
        for (uint32_t oy = 0U; oy < p.out_height; ++oy) {
            for (uint32_t ox = 0U; ox < p.out_width; ++ox, ++o) {
                uint32_t iy = oy * p.stride_height + argmax[o] / p.kernel_width - p.pad_height;
                uint32_t ix = ox * p.stride_width + argmax[o] % p.kernel_width - p.pad_width;
                plane[iy * p.in_width + ix] += delta[o];
            }
        }
    }
}
