/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Whether this sample's output error y is below theta of the largest seen, itself included. */
TP_KERNEL int tp_skip_by_error_f32(tp_layer_state *state, float y, float theta)
{
    if (y > state->y_max) {
        state->y_max = y;
    }
    const float relative = state->y_max > 0.0f ? y / state->y_max : 0.0f;
    return relative < theta;
}
