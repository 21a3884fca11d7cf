/* SPDX-License-Identifier: Apache-2.0 */
/* The guard. What it knows of the past is in the checkpoint; what it counts is in the caller's memory. */
#include "tp_guard.h"
#include "tp_config.h"
#include "tp_math.h"

#include <stddef.h>

static int is_ready(const tp_guard *guard)
{
    return guard->settings != NULL && guard->checkpoint != NULL && guard->model != NULL;
}

static int settings_hold(const tp_guard_settings *s, const tp_program *program)
{
    if (s->every == 0U || s->looks_per_save == 0U) {
        return 0;
    }
    if (s->count == 0U) {
        return 1;
    }
    return s->samples != NULL && s->labels != NULL && s->margin < s->count && program->train != NULL;
}

TP_NOINLINE int are_numbers(const float *x, uint32_t count)
{
    for (uint32_t i = 0U; i < count; ++i) {
        if (tp_magnitude_bits(x[i]) >= 0x7F800000U) {
            return 0;
        }
    }
    return 1;
}

/* How many of the samples held back are told right; a tie goes to the first output. Outputs that are no numbers are wrong. */
TP_NOINLINE uint32_t count_right(const tp_guard *guard)
{
    const tp_guard_settings *s = guard->settings;
    const tp_program *program = guard->model->program;
    uint32_t right = 0U;
    for (uint32_t i = 0U; i < s->count; ++i) {
        const float *y = program->infer(guard->model->memory, s->samples + (size_t)i * program->inputs);
        uint32_t told = 0U;
        for (uint32_t j = 1U; j < program->outputs; ++j) {
            told = y[j] > y[told] ? j : told;
        }
        right += told == s->labels[i] && are_numbers(y, program->outputs);
    }
    return right;
}

static int save(tp_guard *guard)
{
    const int status = tp_save(guard->checkpoint, guard->model, guard->steps);
    guard->counts.saves += status == TP_OK;
    guard->counts.failures += status == TP_CHECKPOINT_ERR_FLASH;
    return status;
}

/* To the last checkpoint; where there is none that can be read, to the initial weights if this model is good for nothing. */
TP_NOINLINE int go_back(tp_guard *guard, int is_useless)
{
    tp_model *model = guard->model;
    const int status = tp_load(guard->checkpoint, model, &guard->steps);
    if (status != TP_OK) {
        ++guard->counts.failures;
        if (!is_useless) {
            return status;
        }
        (void)tp_init(model, model->program, model->memory, model->program->memory_bytes);
        guard->steps = 0U;
    }
    ++guard->counts.rollbacks;
    /* What was reached since the last save is gone: measured by it, the model could never be good enough again. */
    guard->counts.right = guard->counts.best = count_right(guard);
    return TP_GUARD_ROLLED_BACK;
}

int tp_guard_init(tp_guard *guard, const tp_guard_settings *settings, const tp_checkpoint *checkpoint, tp_model *model)
{
    if (guard == NULL || settings == NULL || checkpoint == NULL || model == NULL) {
        return TP_ERR_NULL;
    }
    if (model->program == NULL || model->memory == NULL) {
        return TP_ERR_NOT_READY;
    }
    if (!settings_hold(settings, model->program)) {
        return TP_GUARD_ERR_SETTINGS;
    }
    uint32_t steps = 0U;
    const int loaded = tp_load(checkpoint, model, &steps);
    if (loaded != TP_OK && loaded != TP_CHECKPOINT_NONE) {
        return loaded;
    }
    const tp_guard fresh = {settings, checkpoint, model, steps, {0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U}};
    *guard = fresh;
    guard->counts.right = guard->counts.best = count_right(guard);
    return loaded == TP_OK ? TP_OK : save(guard);
}

/* Looks, and keeps the model or goes back; a model that is kept is saved where `saves`. */
static int look(tp_guard *guard, int saves)
{
    tp_guard_counts *counts = &guard->counts;
    counts->right = count_right(guard);
    ++counts->looks;
    if (counts->right + guard->settings->margin < counts->best) {
        return go_back(guard, 0);
    }
    const int status = saves ? save(guard) : TP_OK;
    if (status == TP_ERR_NONFINITE) { /* a weight that no output has shown yet */
        ++counts->nonfinite;
        return go_back(guard, 1);
    }
    counts->best = counts->right > counts->best ? counts->right : counts->best;
    return status;
}

int tp_guard_look(tp_guard *guard)
{
    if (guard == NULL) {
        return TP_ERR_NULL;
    }
    return is_ready(guard) ? look(guard, 1) : TP_ERR_NOT_READY;
}

/* Whether a sample that is known to be good still has outputs that are numbers; without one, who can say. */
TP_NOINLINE int is_sound(const tp_guard *guard)
{
    const tp_program *program = guard->model->program;
    return guard->settings->count != 0U
        && are_numbers(program->infer(guard->model->memory, guard->settings->samples), program->outputs);
}

/* What a step came to, counted; and a look where it is time. is_sample: what was given were numbers. */
static int after_step(tp_guard *guard, int status, const tp_step *step, int is_sample)
{
    const tp_guard_settings *s = guard->settings;
    tp_guard_counts *counts = &guard->counts;
    if (status == TP_ERR_NONFINITE && is_sample && !is_sound(guard)) {
        ++counts->nonfinite;
        return go_back(guard, 1);
    }
    if (status != TP_OK) {
        counts->refused += status == TP_ERR_NONFINITE || status == TP_ERR_LABEL;
        return status;
    }
    ++guard->steps;
    ++counts->steps;
    counts->skipped += step->skipped;
    return counts->steps % s->every == 0U ? look(guard, (counts->looks + 1U) % s->looks_per_save == 0U) : TP_OK;
}

int tp_guard_train(tp_guard *guard, const float *x, uint32_t label, float rate, tp_step *step)
{
    if (guard == NULL || x == NULL) {
        return TP_ERR_NULL;
    }
    if (!is_ready(guard)) {
        return TP_ERR_NOT_READY;
    }
    const int status = tp_train_step(guard->model, x, label, rate, step);
    return after_step(guard, status, step, status == TP_ERR_NONFINITE && are_numbers(x, guard->model->program->inputs));
}

int tp_guard_train_target(tp_guard *guard, const float *x, const float *target, float rate, tp_step *step)
{
    if (guard == NULL || x == NULL || target == NULL) {
        return TP_ERR_NULL;
    }
    if (!is_ready(guard)) {
        return TP_ERR_NOT_READY;
    }
    const tp_program *program = guard->model->program;
    const int status = tp_train_target(guard->model, x, target, rate, step);
    return after_step(guard, status, step,
                      status == TP_ERR_NONFINITE && are_numbers(x, program->inputs) && are_numbers(target, program->outputs));
}
