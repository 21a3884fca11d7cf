/* SPDX-License-Identifier: Apache-2.0 */
/* What an average pool looks at, forward and backward. */
#ifndef TP_POOL2D_H
#define TP_POOL2D_H

#include "tp_kernels.h"

/* Rows [top, bottom) and columns [left, right) of the image, and what their sum is divided by. */
typedef struct tp_view {
    uint32_t top, bottom, left, right;
    float count;
} tp_view;

/* The window of output (oy, ox). Padding is at most half a window: every window sees some of the image. */
TP_ALWAYS_INLINE tp_view tp_pool2d_view(uint32_t oy, uint32_t ox, tp_pool2d p, int count_padding)
{
    const uint32_t y = oy * p.stride_height;
    const uint32_t x = ox * p.stride_width;
    tp_view v = {0U, y + p.kernel_height - p.pad_height, 0U, x + p.kernel_width - p.pad_width, 0.0f};
    v.top = y > p.pad_height ? y - p.pad_height : 0U;
    v.left = x > p.pad_width ? x - p.pad_width : 0U;
    v.bottom = v.bottom < p.in_height ? v.bottom : p.in_height;
    v.right = v.right < p.in_width ? v.right : p.in_width;
    v.count = (float)(count_padding ? p.kernel_height * p.kernel_width : (v.bottom - v.top) * (v.right - v.left));
    return v;
}

#endif
