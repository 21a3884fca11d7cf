/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware that puts a network at the command of a host: it reads commands from a stream and answers on another.
 * Words are 32 bits, little-endian. A command is {operation, count, rate} and then, for
 *   TRAIN    count × {truth, x[inputs]}   answers count × {status, loss, predicted, skipped, ticks, kept[layers]}
 *   INFER    count × {x[inputs]}          answers count × {status, ticks, y[outputs]}
 *   GET                                   answers parameters[parameters]
 *   SET      parameters[parameters]       answers {status}
 *   RESET                                 answers {status}
 *   STACK                                 answers {bytes}
 *   STATE                                 answers state[state_words]
 *   RESTORE  state[state_words]           answers {status}
 *   EXPLAIN  count: a status              answers a sentence of SENTENCE_BYTES characters, zeros behind it
 *   PART     count: of board_parts        answers {status}; TRAIN and INFER then run it. Only with BOARD_LATENT
 *   QUIT                                  answers nothing and ends
 * On power-up it says {inputs, outputs, layers, parameters, memory_bytes, state_words, identity,
 * learns_targets, status of tp_init}.
 * A truth is a label or, where the loss learns targets, target[outputs]. */
#include "measure.h"
#include "semihosting.h"
#include "stream.h"
#include "ticks.h"
#include "tinyprop.h"

#include <string.h>

enum {
    COMMAND_TRAIN = 1,
    COMMAND_INFER = 2,
    COMMAND_GET = 3,
    COMMAND_SET = 4,
    COMMAND_RESET = 5,
    COMMAND_STACK = 6,
    COMMAND_EXPLAIN = 7,
    COMMAND_QUIT = 8,
    COMMAND_STATE = 9,
    COMMAND_RESTORE = 10,
    COMMAND_PART = 11
};

#define SENTENCE_BYTES 256u
#define STATUS_NOT_RUN 1  /* an earlier sample of the same command failed */

typedef struct command {
    uint32_t operation;
    uint32_t count;
    float rate;
} command;

typedef struct train_answer {
    int32_t status;
    float loss;
    uint32_t predicted;
    uint32_t skipped;
    uint32_t ticks;
} train_answer;

extern const tp_program *const board_program;
extern void *const board_memory;
#ifdef BOARD_LATENT
extern const tp_program *const board_parts[3]; /* the whole network, its frozen prefix, and what is behind that */
#endif

/* The first free word of RAM: here live one sample and one output or target, whose sizes only the program knows. */
extern float board_scratch[];

static tp_model model;
#ifdef BOARD_LATENT
#define RUNNING model.program
#else
#define RUNNING board_program
#endif
static uint32_t ticks_of_no_training;
static uint32_t ticks_of_no_inference;

static uint32_t above(uint32_t ticks, uint32_t nothing)
{
    return ticks > nothing ? ticks - nothing : 0u;
}

static int32_t reset(void)
{
    return tp_init(&model, board_program, board_memory, board_program->memory_bytes);
}

static void write_zeros(uint32_t words)
{
    const uint32_t zero = 0u;
    for (uint32_t i = 0u; i < words; i++) {
        stream_write(&zero, sizeof zero);
    }
}

/* Reads one truth and one sample. Returns the label; a target stays behind the sample. */
static uint32_t read_lesson(float *sample, float *target)
{
    uint32_t label = 0u;
    if (RUNNING->train_target != NULL) {
        stream_read(target, RUNNING->outputs * (uint32_t)sizeof(float));
    } else {
        stream_read(&label, sizeof label);
    }
    stream_read(sample, RUNNING->inputs * (uint32_t)sizeof(float));
    return label;
}

static void train(const command *order)
{
    float *sample = board_scratch;
    float *target = board_scratch + RUNNING->inputs;
    uint32_t layers = RUNNING->layers;
    int32_t status = TP_OK;
    for (uint32_t i = 0u; i < order->count; i++) {
        train_answer answer = {STATUS_NOT_RUN, 0.0f, 0u, 0u, 0u};
        uint32_t label = read_lesson(sample, target);
        if (status != TP_OK) {
            stream_write(&answer, sizeof answer);
            write_zeros(layers);
            continue;
        }
        tp_step step = {0.0f, 0u, 0u, NULL};
        measured run = RUNNING->train_target != NULL
            ? measure_train_target(tp_train_target, &model, sample, target, order->rate, &step)
            : measure_train(tp_train_step, &model, sample, label, order->rate, &step);
        status = run.status;
        answer.status = status;
        answer.loss = step.loss;
        answer.predicted = step.predicted;
        answer.skipped = step.skipped;
        answer.ticks = above(run.ticks, ticks_of_no_training);
        stream_write(&answer, sizeof answer);
        if (status == TP_OK) {
            stream_write(step.kept, layers * (uint32_t)sizeof *step.kept);
        } else {
            write_zeros(layers);
        }
    }
}

static void infer(const command *order)
{
    float *sample = board_scratch;
    float *outputs = board_scratch + RUNNING->inputs;
    for (uint32_t i = 0u; i < order->count; i++) {
        stream_read(sample, RUNNING->inputs * (uint32_t)sizeof(float));
        memset(outputs, 0, RUNNING->outputs * sizeof(float));
        measured run = measure_infer(tp_infer, &model, sample, outputs);
        run.ticks = above(run.ticks, ticks_of_no_inference);
        stream_write(&run, sizeof run);
        stream_write(outputs, RUNNING->outputs * (uint32_t)sizeof(float));
    }
}

/* Parameters, and behind them all else that a checkpoint keeps, lie first in the memory, as tinyprop.h says: no second
 * copy, which might not fit. The host has already seen that all are finite. */
static void set_words(uint32_t words)
{
    const int32_t status = TP_OK;
    stream_read(model.memory, 4u * words);
    stream_write(&status, sizeof status);
}

static void explain(int status)
{
    static char sentence[SENTENCE_BYTES];  /* not on the stack, whose depth is being measured */
    const char *text = tp_strerror(status);
    memset(sentence, 0, sizeof sentence);
    for (uint32_t i = 0u; i < SENTENCE_BYTES && text[i] != '\0'; i++) {
        sentence[i] = text[i];
    }
    stream_write(sentence, sizeof sentence);
}

static void greet(void)
{
    const tp_program *p = board_program;
    int32_t status = reset();
    const uint32_t learns_targets = p->train_target != NULL;
    const uint32_t facts[9] = {
        p->inputs, p->outputs, p->layers, p->parameters, p->memory_bytes, p->state_words, p->identity,
        learns_targets, (uint32_t)status,
    };
    ticks_of_no_training = learns_targets ? measure_no_target_trained() : measure_nothing_trained();
    ticks_of_no_inference = measure_nothing_inferred();
    stream_write(facts, sizeof facts);
}

static void obey(const command *order)
{
    int32_t status;
    uint32_t bytes;
    switch (order->operation) {
    case COMMAND_TRAIN:
        train(order);
        break;
    case COMMAND_INFER:
        infer(order);
        break;
    case COMMAND_GET:
        stream_write(model.memory, board_program->parameters * (uint32_t)sizeof(float));
        break;
    case COMMAND_SET:
        set_words(board_program->parameters);
        break;
    case COMMAND_STATE:
        stream_write(model.memory, 4u * board_program->state_words);
        break;
    case COMMAND_RESTORE:
        set_words(board_program->state_words);
        break;
    case COMMAND_RESET:
        status = reset();
        stream_write(&status, sizeof status);
        break;
#ifdef BOARD_LATENT
    case COMMAND_PART:
        status = TP_OK;
        model.program = board_parts[order->count];
        stream_write(&status, sizeof status);
        break;
#endif
    case COMMAND_STACK:
        bytes = measure_stack();
        stream_write(&bytes, sizeof bytes);
        break;
    case COMMAND_EXPLAIN:
        explain((int)(int32_t)order->count);
        break;
    default:
        semihosting_exit(order->operation == COMMAND_QUIT);
    }
}

void board_main(void);

void board_main(void)
{
    command order;
    ticks_open();
    stream_open();
    greet();
    for (;;) {
        stream_flush();
        stream_read(&order, sizeof order);
        obey(&order);
    }
}
