/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_window.h"

/* y[out] of any geometry, then ReLU if asked; bias may be NULL. */
TP_KERNEL void tp_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                 int relu)
{
    uint32_t o = 0U;
    for (uint32_t co = 0U; co < c.out_channels; ++co) {
        const float *filter = weight + co * c.in_channels * c.kernel_height * c.kernel_width;
        for (uint32_t oy = 0U; oy < c.out_height; ++oy) {
            for (uint32_t ox = 0U; ox < c.out_width; ++ox, ++o) {
                float sum = tp_conv2d_output(x, filter, bias != NULL ? bias[co] : 0.0f, oy, ox, c);
                y[o] = relu && !(sum > 0.0f) ? 0.0f : sum;
            }
        }
    }
}
