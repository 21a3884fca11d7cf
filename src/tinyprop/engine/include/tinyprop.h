/* SPDX-License-Identifier: Apache-2.0 */
/* tinyprop: a neural network that keeps learning on the device it runs on. The whole public C API.
 *
 * All memory is the caller's: a generated network NAME comes with the type NAME_memory (weights that learn, method
 * state, activations) and the constant description NAME, of type tp_program; frozen weights are constants too. Nothing
 * here allocates, keeps a global or recurses; several models live side by side, each in its own memory.
 *
 *     static digits_memory memory;
 *     tp_model model;
 *     tp_step step;
 *     tp_init(&model, &digits, &memory, sizeof memory);
 *     tp_train_step(&model, sample, label, 0.01f, &step);
 */
#ifndef TINYPROP_H
#define TINYPROP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Status of every call: TP_OK, or a negative code after which neither weights nor method state have changed. */
enum {
    TP_OK = 0,
    TP_ERR_NULL = -1,       /* a pointer is null */
    TP_ERR_MEMORY = -2,     /* the memory given is smaller than the program needs, or misaligned */
    TP_ERR_LABEL = -3,      /* the label is not a class of the program */
    TP_ERR_NONFINITE = -4,  /* an input, a target, a parameter given, an output or the loss is NaN or infinite */
    TP_ERR_RATE = -5,       /* the learning rate is negative, NaN or infinite */
    TP_ERR_NOT_READY = -6,  /* the model was not initialised */
    TP_ERR_LOSS = -7        /* a label was given where the program's loss learns targets, or the other way round */
};

/* What one layer's selection rule remembers between steps: one of these, as the rule has it; zero at first. */
typedef union tp_layer_state {
    float y_max;     /* largest sum of |delta| seen so far, or largest loss; never decays */
    uint32_t drawn;  /* the last random number */
    float bar;       /* in root mean squares, as it was steered to; 0 before it was */
} tp_layer_state;

/* What one training step did. */
typedef struct tp_step {
    float loss;            /* of this sample, before the step */
    uint32_t predicted;    /* class, or in a regression the output, with the largest value; before the step */
    uint32_t skipped;      /* 1: the sample had nothing to teach and no backward pass was made */
    const uint32_t *kept;  /* [layers], forward order: entries of delta that were back-propagated; in the model */
} tp_step;

/* A network, constant, generated. Sizes are in elements unless they say bytes. */
typedef struct tp_program {
    const char *name;
    uint32_t inputs;
    uint32_t outputs;              /* classes, or the floats of a target */
    uint32_t layers;               /* those with weights, frozen ones included */
    uint32_t parameters;           /* float32 values that learn, first in the memory, in program order */
    uint32_t memory_bytes;
    uint32_t state_words;          /* 32-bit words, first in the memory: what a checkpoint keeps */
    uint32_t identity;             /* of what these words mean; equal where a checkpoint may be carried over */
    const float *initial;          /* [parameters] */
    const float *(*infer)(void *memory, const float *x);  /* returns the outputs, in the memory */
    /* One of these, as the loss has it; the other is null. */
    int (*train)(void *memory, const float *x, uint32_t label, float rate, tp_step *step);
    int (*train_target)(void *memory, const float *x, const float *target, float rate, tp_step *step);
} tp_program;

typedef struct tp_model {
    const tp_program *program;
    void *memory;
} tp_model;

/* Binds `memory` (at least program->memory_bytes, aligned as a float) and loads the initial weights. */
int tp_init(tp_model *model, const tp_program *program, void *memory, size_t bytes);

/* Runs the network on x[inputs] and copies its outputs (before any softmax) to y[outputs]. */
int tp_infer(tp_model *model, const float *x, float *y);

/* One sample of training, batch 1: x[inputs], label < outputs, learning rate. `step` says what it did. */
int tp_train_step(tp_model *model, const float *x, uint32_t label, float rate, tp_step *step);

/* The same for a program whose loss (mean squared error) learns from target[outputs] in place of a label. */
int tp_train_target(tp_model *model, const float *x, const float *target, float rate, tp_step *step);

/* A learning rate that falls in steps: `initial` times `factor` (0 to 1) once per `every` (1 or more) steps done. */
float tp_step_rate(float initial, float factor, uint32_t every, uint32_t step);

/* Copies out, or in, the parameters that learning changes (all must be finite): program->parameters values in program
 * order; a -0 goes in as 0. Frozen weights are constants of the program, NAME_frozen, and are not among them.
 * Dense weights are stored [input][output], convolution weights [output][input][y][x]. */
int tp_get_parameters(const tp_model *model, float *values);
int tp_set_parameters(tp_model *model, const float *values);

/* One sentence for a status code. */
const char *tp_strerror(int status);

#ifdef __cplusplus
}
#endif

#endif
