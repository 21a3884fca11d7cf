/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* x[size] = samples[frame] times window[frame], then zeros. The window holds the scale of the samples too. */
TP_KERNEL void tp_window_f32(const int16_t *samples, const float *window, float *x, uint32_t frame, uint32_t size)
{
    for (uint32_t n = 0U; n < frame; ++n) {
        x[n] = (float)samples[n] * window[n];
    }
    for (uint32_t n = frame; n < size; ++n) {
        x[n] = 0.0f;
    }
}
