/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Keeps every entry of delta; returns how many are not zero. The count is for the record: no looks are counted. */
TP_KERNEL uint32_t tp_keep_all_f32(const float *delta, uint32_t size)
{
    uint32_t kept = 0U;
    for (uint32_t i = 0U; i < size; ++i) {
        kept += delta[i] != 0.0f ? 1U : 0U;
    }
    return kept;
}
