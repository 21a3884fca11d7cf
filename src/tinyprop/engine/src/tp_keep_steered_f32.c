/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#define TP_STEERED_LOWEST 0.0625f
#define TP_STEERED_HIGHEST 64.0f

/* Selects as tp_keep_diffused_f32 does where channels have several positions, else as tp_keep_above_f32, with a bar of
 * `state->bar` root mean squares, 1 at first, which then changes by the factor rest + per_entry * k: the more is kept,
 * the higher it gets. share: one root mean square, over the norm. */
TP_KERNEL uint32_t tp_keep_steered_f32(float *delta, uint32_t channels, uint32_t positions, float share, float rest,
                                       float per_entry, tp_layer_state *state)
{
    const float bar = state->bar > 0.0f ? state->bar : 1.0f;
    const uint32_t kept = positions > 1U ? tp_keep_diffused_f32(delta, channels, positions, bar * share)
                                         : tp_keep_above_f32(delta, channels, bar * share, 0);
    float steered = bar * (rest + per_entry * (float)kept);
    steered = steered > TP_STEERED_LOWEST ? steered : TP_STEERED_LOWEST;
    state->bar = steered < TP_STEERED_HIGHEST ? steered : TP_STEERED_HIGHEST;
    return kept;
}
