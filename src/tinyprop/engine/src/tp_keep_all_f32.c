/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* 1 for +-0: its magnitude less one wraps. */
TP_ALWAYS_INLINE uint32_t keep_all_is_zero(float delta)
{
    return (tp_magnitude_bits(delta) - 1U) >> 31;
}

/* Keeps every entry of delta; returns how many are not zero. The count is for the record: no looks are counted. */
TP_KERNEL uint32_t tp_keep_all_f32(const float *delta, uint32_t size)
{
    const uint32_t fours = size - size % 4U;
    uint32_t zeros = 0U;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        zeros += keep_all_is_zero(delta[i]) + keep_all_is_zero(delta[i + 1U]) + keep_all_is_zero(delta[i + 2U])
                 + keep_all_is_zero(delta[i + 3U]);
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        zeros += keep_all_is_zero(delta[i]);
    }
    return size - zeros;
}
