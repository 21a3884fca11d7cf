/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* y[b] = sum of weight times spectrum over the bins of band b, ascending; the weights of all bands lie end to end. */
TP_KERNEL void tp_bands_f32(const float *spectrum, const tp_band *bands, const float *weights, float *y, uint32_t count)
{
    for (uint32_t b = 0U; b < count; ++b) {
        const float *bin = spectrum + bands[b].first;
        float sum = 0.0f;
        for (uint32_t left = bands[b].bins; left != 0U; --left) {
            sum += *weights * *bin;
            ++weights;
            ++bin;
        }
        y[b] = sum;
    }
}
