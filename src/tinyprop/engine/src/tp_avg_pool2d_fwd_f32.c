/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_pool2d.h"

/* Mean of each window: the sum over ky, kx, ascending, of what lies inside the image, divided by the number of those
 * or, with count_padding, by the whole window.
 */
TP_KERNEL void tp_avg_pool2d_fwd_f32(const float *x, float *y, tp_pool2d p, int count_padding)
{
    for (uint32_t c = 0U; c < p.channels; ++c, x += p.in_height * p.in_width) {
        for (uint32_t oy = 0U; oy < p.out_height; ++oy) {
            for (uint32_t ox = 0U; ox < p.out_width; ++ox) {
                const tp_view v = tp_pool2d_view(oy, ox, p, count_padding);
                float sum = 0.0f;
                for (uint32_t iy = v.top; iy < v.bottom; ++iy) {
                    for (uint32_t ix = v.left; ix < v.right; ++ix) {
                        sum += x[iy * p.in_width + ix];
                    }
                }
                *y++ = sum / v.count;
            }
        }
    }
}
