/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_DRAW_FACTOR 747796405U /* of a congruential generator modulo 2^32 */
#define TP_DRAW_STEP 2891336453U
#define TP_DRAW_MIX 2654435761U

/* Keeps each entry of delta by lot, where a draw mixed with the layer's key is below the bound, zeroes the others, and
 * returns how many of those kept are not zero. The last draw is remembered in `state`. */
TP_KERNEL uint32_t tp_keep_random_f32(float *delta, uint32_t size, uint32_t bound, uint32_t key, tp_layer_state *state)
{
    uint32_t drawn = state->drawn, kept = 0U;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        drawn = drawn * TP_DRAW_FACTOR + TP_DRAW_STEP;
        if ((drawn ^ key) * TP_DRAW_MIX >= bound) {
            delta[i] = 0.0f;
        } else if (tp_magnitude_bits(delta[i]) != 0U) {
            ++kept;
        }
    }
    state->drawn = drawn;
    TP_COUNT(looks, size);
    return kept;
}
