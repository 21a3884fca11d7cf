/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include "stack.h"
#include "ticks.h"

static uintptr_t frame_of_caller;

measured measure_train(train_call call, tp_model *model, const float *x, uint32_t label, float rate, tp_step *step)
{
    measured result;
    frame_of_caller = (uintptr_t)__builtin_frame_address(0);
    ticks_profile(1u);
    uint32_t before = ticks_now();
    result.status = call(model, x, label, rate, step);
    result.ticks = ticks_now() - before;
    ticks_profile(0u);
    return result;
}

measured measure_train_target(train_target_call call, tp_model *model, const float *x, const float *target, float rate,
                              tp_step *step)
{
    measured result;
    frame_of_caller = (uintptr_t)__builtin_frame_address(0);
    ticks_profile(1u);
    uint32_t before = ticks_now();
    result.status = call(model, x, target, rate, step);
    result.ticks = ticks_now() - before;
    ticks_profile(0u);
    return result;
}

measured measure_infer(infer_call call, tp_model *model, const float *x, float *y)
{
    measured result;
    ticks_profile(1u);
    uint32_t before = ticks_now();
    result.status = call(model, x, y);
    result.ticks = ticks_now() - before;
    ticks_profile(0u);
    return result;
}

uint32_t measure_stack(void)
{
    return stack_used_below(frame_of_caller);
}
