/* SPDX-License-Identifier: Apache-2.0 */
/* Many samples per call, for a host language: what a loop over the public calls does, with the results in columns. */
#include "tinyprop.h"
#include "tp_instrument.h"

#include <string.h>

/* Columns of n rows; kept has n rows of `layers` entries. */
typedef struct host_trace {
    float *loss;
    uint32_t *predicted;
    uint32_t *skipped;
    uint32_t *kept;
    uint64_t *macs_forward;
    uint64_t *macs_backward;
    uint64_t *looks;
} host_trace;

extern const tp_program *const host_program;

const tp_program *host_program_facts(void);
int host_fit(tp_model *model, const float *x, const void *truths, uint32_t n, float rate, const host_trace *trace,
             uint32_t *done);
int host_infer(tp_model *model, const float *x, uint32_t n, float *y, uint32_t *done);

const tp_program *host_program_facts(void)
{
    return host_program;
}

static void record(const host_trace *trace, uint32_t row, const tp_step *step, uint32_t layers)
{
    trace->loss[row] = step->loss;
    trace->predicted[row] = step->predicted;
    trace->skipped[row] = step->skipped;
    memcpy(trace->kept + (size_t)row * layers, step->kept, layers * sizeof *step->kept);
    trace->macs_forward[row] = tp_counts_now.macs_forward;
    trace->macs_backward[row] = tp_counts_now.macs_backward;
    trace->looks[row] = tp_counts_now.looks;
}

static int step_on(tp_model *model, const float *x, const void *truths, uint32_t row, float rate, tp_step *step)
{
    const tp_program *program = model->program;
    const float *sample = x + (size_t)row * program->inputs;
    if (program->train_target != NULL) {
        return tp_train_target(model, sample, (const float *)truths + (size_t)row * program->outputs, rate, step);
    }
    return tp_train_step(model, sample, ((const uint32_t *)truths)[row], rate, step);
}

/* Trains on x[n][inputs] in order, up to the first sample that fails; *done says how many steps were made.
 * truths: uint32_t labels[n], or float targets[n][outputs] where the loss learns from these. */
int host_fit(tp_model *model, const float *x, const void *truths, uint32_t n, float rate, const host_trace *trace,
             uint32_t *done)
{
    const tp_program *program = model->program;
    for (*done = 0u; *done < n; ++*done) {
        tp_step step;
        memset(&tp_counts_now, 0, sizeof tp_counts_now);
        int status = step_on(model, x, truths, *done, rate, &step);
        if (status != TP_OK) {
            return status;
        }
        record(trace, *done, &step, program->layers);
    }
    return TP_OK;
}

/* Outputs y[n][outputs] of x[n][inputs], up to the first sample that fails. */
int host_infer(tp_model *model, const float *x, uint32_t n, float *y, uint32_t *done)
{
    const tp_program *program = model->program;
    for (*done = 0u; *done < n; ++*done) {
        int status = tp_infer(model, x + (size_t)*done * program->inputs, y + (size_t)*done * program->outputs);
        if (status != TP_OK) {
            return status;
        }
    }
    return TP_OK;
}
