/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls: check everything first, then hand over to the generated program. */
#define TP_INLINE_KERNELS 1 /* for the one check it makes itself */
#include "tinyprop.h"
#include "tp_checkpoint.h"
#include "tp_guard.h"
#include "tp_link.h"
#include "tp_kernels.h"

#include <string.h>

#ifdef TP_INSTRUMENT
tp_counts tp_counts_now;
#endif

/* One copy of the check for all calls. */
TP_NOINLINE int are_finite(const float *values, uint32_t size)
{
    return tp_all_finite_f32(values, size);
}

static int check_ready(const tp_model *model)
{
    if (model == NULL) {
        return TP_ERR_NULL;
    }
    return model->program != NULL && model->memory != NULL ? TP_OK : TP_ERR_NOT_READY;
}

int tp_init(tp_model *model, const tp_program *program, void *memory, size_t bytes)
{
    if (model == NULL || program == NULL || memory == NULL) {
        return TP_ERR_NULL;
    }
    if (bytes < program->memory_bytes || (uintptr_t)memory % sizeof(float) != 0U) {
        return TP_ERR_MEMORY;
    }
    memset(memory, 0, program->memory_bytes);
    memcpy(memory, program->initial, program->parameters * sizeof(float));
    model->program = program;
    model->memory = memory;
    return TP_OK;
}

int tp_infer(tp_model *model, const float *x, float *y)
{
    int status = check_ready(model);
    if (status != TP_OK) {
        return status;
    }
    if (x == NULL || y == NULL) {
        return TP_ERR_NULL;
    }
    if (!are_finite(x, model->program->inputs)) {
        return TP_ERR_NONFINITE;
    }
    const float *outputs = model->program->infer(model->memory, x);
    if (!are_finite(outputs, model->program->outputs)) {
        return TP_ERR_NONFINITE;
    }
    memcpy(y, outputs, model->program->outputs * sizeof(float));
    return TP_OK;
}

/* What a step asks of its learning rate and its sample, whatever it learns from. */
static int check_sample(const tp_model *model, const float *x, float rate)
{
    if (!are_finite(&rate, 1U) || rate < 0.0f) {
        return TP_ERR_RATE;
    }
    return are_finite(x, model->program->inputs) ? TP_OK : TP_ERR_NONFINITE;
}

int tp_train_step(tp_model *model, const float *x, uint32_t label, float rate, tp_step *step)
{
    int status = check_ready(model);
    if (status != TP_OK) {
        return status;
    }
    if (x == NULL || step == NULL) {
        return TP_ERR_NULL;
    }
    if (model->program->train == NULL) {
        return TP_ERR_LOSS;
    }
    if (label >= model->program->outputs) {
        return TP_ERR_LABEL;
    }
    status = check_sample(model, x, rate);
    return status == TP_OK ? model->program->train(model->memory, x, label, rate, step) : status;
}

int tp_train_target(tp_model *model, const float *x, const float *target, float rate, tp_step *step)
{
    int status = check_ready(model);
    if (status != TP_OK) {
        return status;
    }
    if (x == NULL || target == NULL || step == NULL) {
        return TP_ERR_NULL;
    }
    if (model->program->train_target == NULL) {
        return TP_ERR_LOSS;
    }
    if (!are_finite(target, model->program->outputs)) {
        return TP_ERR_NONFINITE;
    }
    status = check_sample(model, x, rate);
    return status == TP_OK ? model->program->train_target(model->memory, x, target, rate, step) : status;
}

float tp_step_rate(float initial, float factor, uint32_t every, uint32_t step)
{
    float rate = initial;
    for (uint32_t falls = every > 0U ? step / every : 0U; falls > 0U && rate * factor < rate; --falls) { /* ends where it falls no more */
        rate *= factor;
    }
    return rate;
}

int tp_get_parameters(const tp_model *model, float *values)
{
    int status = check_ready(model);
    if (status != TP_OK) {
        return status;
    }
    if (values == NULL) {
        return TP_ERR_NULL;
    }
    memcpy(values, model->memory, model->program->parameters * sizeof(float));
    return TP_OK;
}

int tp_set_parameters(tp_model *model, const float *values)
{
    int status = check_ready(model);
    if (status != TP_OK) {
        return status;
    }
    if (values == NULL) {
        return TP_ERR_NULL;
    }
    if (!are_finite(values, model->program->parameters)) {
        return TP_ERR_NONFINITE;
    }
    float *own = model->memory;
    for (uint32_t i = 0U; i < model->program->parameters; ++i) {
        own[i] = values[i] + 0.0f; /* makes -0 a 0: only then does adding a zero change no bit of a weight */
    }
    return TP_OK;
}

const char *tp_strerror(int status)
{
    switch (status) {
    case TP_OK:
        return "done";
    case TP_ERR_NULL:
        return "a pointer is null: pass the model, the sample and the result";
    case TP_ERR_MEMORY:
        return "the memory is too small or misaligned: declare it as the generated NAME_memory type";
    case TP_ERR_LABEL:
        return "the label is not a class of this network: labels run from 0 to outputs - 1";
    case TP_ERR_NONFINITE:
        return "an input, target, parameter, output or loss is NaN or infinite: check the sensor or lower the learning rate";
    case TP_ERR_RATE:
        return "the learning rate is negative, NaN or infinite: pass a finite value of 0 or more";
    case TP_ERR_NOT_READY:
        return "the model is not initialised: call tp_init first";
    case TP_ERR_LOSS:
        return "the loss learns the other kind of truth: labels are for tp_train_step, targets for tp_train_target";
    case TP_CHECKPOINT_ERR_SETTINGS:
        return "the flash's geometry or the place of the slots cannot be: see tp_flash and tp_checkpoint in tp_checkpoint.h";
    case TP_CHECKPOINT_ERR_FLASH:
        return "the flash failed or does not read back what was written: check the driver, or the flash is worn out";
    case TP_CHECKPOINT_NONE:
        return "no slot holds a whole checkpoint of this program: it starts from its initial weights";
    case TP_LINK_ERR_VERSION:
        return "the request is of another version of the line: host and device need the same";
    case TP_LINK_ERR_SESSION:
        return "the device knows no such session: it has started anew, or another host has opened one";
    case TP_LINK_ERR_NUMBER:
        return "the request is out of turn: open a session anew";
    case TP_LINK_ERR_REQUEST:
        return "the device does not know this request, or it has not the size it should";
    case TP_LINK_ERR_PLACE:
        return "that is outside of what can be written or read, or not at a whole word or unit";
    case TP_LINK_ERR_NOT_BUILT:
        return "this firmware has no checkpoints, or was not built with TP_LINK_PUSH=1";
    case TP_GUARD_ERR_SETTINGS:
        return "a setting of the guard is out of its range: see tp_guard_settings in tp_guard.h";
    case TP_GUARD_ROLLED_BACK:
        return "what was learned made the model worse: it is as it was when it was last saved";
    default:
        return "unknown status code";
    }
}
