/* SPDX-License-Identifier: Apache-2.0 */
/* Magnitudes are compared as integers, which order like the floats they are; the signs are shifted out. */
#include "tp_kernels.h"

/* An entry, by now zero in memory, takes in what was carried to it; what then reaches the bar is put back, else it is
 * carried on. An exact zero never is put back: what is carried is below the bar. */
#define TP_CARRY(i, entry) \
    carried += (entry); \
    if (tp_bits_of(carried) << 1 >= bar) { \
        delta[i] = carried; \
        carried = 0.0f; \
        ++kept; \
        TP_SELDOM; \
    }

/* Keeps what reaches the bar, a share of delta's norm; what does not is added to the next entry of its channel, so that the
 * sum over a channel changes by less than the bar. Returns how many entries are kept. Where the norm is beyond float32, all
 * are, and as many as there are is returned. */
TP_KERNEL uint32_t tp_keep_diffused_f32(float *delta, uint32_t channels, uint32_t positions, float share)
{
    uint32_t bar = tp_bits_of(share * tp_norm_f32(delta, channels * positions));
    bar = (bar > 0U ? bar : 1U) << 1;
    uint32_t kept = 0U;
    TP_COUNT(looks, channels * positions);
    if (bar >= TP_BITS_INF << 1) {
        return channels * positions;
    }
    TP_COUNT(looks, channels * positions);
    TP_ROLLED for (uint32_t channel = channels; channel != 0U; --channel) {
        float carried = 0.0f;
        TP_ROLLED for (uint32_t left = positions / 8U; left != 0U; --left, delta += 8) {
            const tp_run8 run = tp_load8(delta);
            tp_clear8(delta);
            TP_CARRY(0, run.v[0]) TP_CARRY(1, run.v[1]) TP_CARRY(2, run.v[2]) TP_CARRY(3, run.v[3])
            TP_CARRY(4, run.v[4]) TP_CARRY(5, run.v[5]) TP_CARRY(6, run.v[6]) TP_CARRY(7, run.v[7])
        }
        TP_ROLLED for (uint32_t left = positions % 8U; left != 0U; --left, ++delta) {
            const float entry = *delta;
            *delta = 0.0f;
            TP_CARRY(0, entry)
        }
    }
    return kept;
}

#undef TP_CARRY
