/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_three_by_three.h"

/* tp_conv2d_fwd_f32 for a 3 by 3 kernel, padding 1, stride 1 or 2, one group: rows of two channels at a time. */
TP_KERNEL void tp_conv2d_fwd_f32_k3p1(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                      int relu)
{
    const uint32_t plane = c.out_height * c.out_width, filter_size = c.in_channels * 9U;
    const uint32_t pair = TP_INLINE_KERNELS ? 2U : 1U;
    uint32_t co = 0U;
    for (; co + pair <= c.out_channels; co += pair) {
        tp_rows3x3(x, weight + co * filter_size, bias != NULL ? bias + co : NULL, y + co * plane, c, c.in_channels, relu,
                   pair);
    }
    if (TP_INLINE_KERNELS && c.out_channels % 2U != 0U) {
        tp_rows3x3(x, weight + co * filter_size, bias != NULL ? bias + co : NULL, y + co * plane, c, c.in_channels, relu,
                   1U);
    }
    TP_COUNT(macs_forward, c.in_channels * c.out_channels * tp_macs3x3(c));
}
