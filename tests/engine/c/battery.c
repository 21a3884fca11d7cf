/* SPDX-License-Identifier: Apache-2.0 */
/* Trains every network of the battery on the same samples and prints, as bits, each loss and a hash of the weights after
 * the last step. Memory and sample are allocated to the byte, so that a sanitizer sees any step beyond them. With an
 * argument, the arena is filled with 0xFF (NaNs, and places no pool has) before every step: nothing may live there. */
#include "battery.h" /* the networks, BATTERY_EACH(M), BATTERY_STEPS, BATTERY_INPUTS, battery_x, battery_labels, BATTERY_RATE */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const tp_program *program;
    size_t arena; /* where in its memory it begins */
} entry;

#define BATTERY_ENTRY(name) {&name, offsetof(name##_memory, arena)},
static const entry entries[] = {BATTERY_EACH(BATTERY_ENTRY)};

static unsigned long bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* FNV-1a over the parameters' words. */
static unsigned long hash_of(const float *parameters, uint32_t count)
{
    uint32_t hash = 0x811C9DC5U;
    for (uint32_t i = 0U; i < count; ++i) {
        hash = (hash ^ (uint32_t)bits_of(parameters[i])) * 0x01000193U;
    }
    return hash;
}

static int train(const entry *network, int poison)
{
    const tp_program *program = network->program;
    char *memory = malloc(program->memory_bytes);
    float *x = malloc(sizeof battery_x[0]), *y = malloc(program->outputs * sizeof *y);
    float *parameters = malloc(program->parameters * sizeof *parameters);
    tp_model model;
    tp_step step;
    int status = tp_init(&model, program, memory, program->memory_bytes);
    printf("%s", program->name);
    for (uint32_t i = 0U; status == TP_OK && i < BATTERY_STEPS; ++i) {
        memcpy(x, battery_x[i], sizeof battery_x[i]);
        if (poison) {
            memset(memory + network->arena, 0xFF, program->memory_bytes - network->arena);
        }
        status = tp_train_step(&model, x, battery_labels[i], BATTERY_RATE, &step);
        printf(" %08lx", bits_of(step.loss));
    }
    status = status == TP_OK ? tp_infer(&model, x, y) : status;
    status = status == TP_OK ? tp_get_parameters(&model, parameters) : status;
    printf(" %08lx\n", hash_of(parameters, program->parameters));
    free(parameters);
    free(y);
    free(x);
    free(memory);
    return status;
}

int main(int arguments, char **values)
{
    int status = TP_OK;
    (void)values;
    for (size_t i = 0U; status == TP_OK && i < sizeof entries / sizeof entries[0]; ++i) {
        status = train(&entries[i], arguments > 1);
    }
    return status == TP_OK ? 0 : 1;
}
