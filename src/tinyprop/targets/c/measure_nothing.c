/* SPDX-License-Identifier: Apache-2.0 */
/* In a file of its own: a compiler that saw both sides would fold the empty call away. */
#include "measure.h"

/* A clock that is coarser than one instruction is averaged over this many looks. */
#define LOOKS 64u

static int train_nothing(tp_model *model, const float *x, uint32_t label, float rate, tp_step *step)
{
    (void)model, (void)x, (void)label, (void)rate, (void)step;
    return TP_OK;
}

static int train_no_target(tp_model *model, const float *x, const float *target, float rate, tp_step *step)
{
    (void)model, (void)x, (void)target, (void)rate, (void)step;
    return TP_OK;
}

static int infer_nothing(tp_model *model, const float *x, float *y)
{
    (void)model, (void)x, (void)y;
    return TP_OK;
}

uint32_t measure_nothing_trained(void)
{
    uint32_t ticks = 0u;
    for (uint32_t look = 0u; look < LOOKS; look++) {
        ticks += measure_train(train_nothing, NULL, NULL, 0u, 0.0f, NULL).ticks;
    }
    return (ticks + LOOKS / 2u) / LOOKS;
}

uint32_t measure_no_target_trained(void)
{
    uint32_t ticks = 0u;
    for (uint32_t look = 0u; look < LOOKS; look++) {
        ticks += measure_train_target(train_no_target, NULL, NULL, NULL, 0.0f, NULL).ticks;
    }
    return (ticks + LOOKS / 2u) / LOOKS;
}

uint32_t measure_nothing_inferred(void)
{
    uint32_t ticks = 0u;
    for (uint32_t look = 0u; look < LOOKS; look++) {
        ticks += measure_infer(infer_nothing, NULL, NULL, NULL).ticks;
    }
    return (ticks + LOOKS / 2u) / LOOKS;
}
