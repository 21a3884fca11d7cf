/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_pool2d.h"

/* Every input takes delta / count of each window that looked at it; where windows overlap, the shares add up in the
 * order of the outputs.
 */
TP_KERNEL void tp_avg_pool2d_bwd_f32(const float *delta, float *error, tp_pool2d p, int count_padding)
{
    for (uint32_t i = 0U; i < p.channels * p.in_height * p.in_width; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t c = 0U; c < p.channels; ++c, error += p.in_height * p.in_width) {
        for (uint32_t oy = 0U; oy < p.out_height; ++oy) {
            for (uint32_t ox = 0U; ox < p.out_width; ++ox) {
                const tp_view v = tp_pool2d_view(oy, ox, p, count_padding);
                const float share = *delta++ / v.count;
                for (uint32_t iy = v.top; iy < v.bottom; ++iy) {
                    for (uint32_t ix = v.left; ix < v.right; ++ix) {
                        error[iy * p.in_width + ix] += share;
                    }
                }
            }
        }
    }
}
