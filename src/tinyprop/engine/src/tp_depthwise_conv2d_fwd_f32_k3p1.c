/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_three_by_three.h"

/* tp_conv2d_fwd_f32 for a 3 by 3 kernel, padding 1, stride 1 or 2, each channel by itself. */
TP_KERNEL void tp_depthwise_conv2d_fwd_f32_k3p1(const float *x, const float *weight, const float *bias, float *y,
                                                tp_conv2d c, int relu)
{
    for (uint32_t channel = 0U; channel < c.out_channels; ++channel) {
        tp_rows3x3(x, weight, bias, y, c, 1U, relu, 1U);
        x += c.in_height * c.in_width;
        y += c.out_height * c.out_width;
        weight += 9;
        bias = bias != NULL ? bias + 1 : NULL;
    }
    TP_COUNT(macs_forward, c.out_channels * tp_macs3x3(c));
}
