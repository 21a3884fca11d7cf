/* SPDX-License-Identifier: Apache-2.0 */
/* Trains the network under test on pseudo-random samples and prints every decision, output and weight as bits.
 * Memory and sample are allocated to the byte, so that a sanitizer sees any step beyond them. With an argument, the
 * arena is filled with 0xFF (NaNs, and places no pool has) before every call: nothing may live there between calls. */
#include "network_under_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 96U

static unsigned long bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* One of two samples in turn, soon learned, so that steps are skipped; half of the values are zero. */
static void draw(float *x, uint32_t size, uint32_t step)
{
    uint32_t seed = step % 2U + 1U;
    for (uint32_t i = 0U; i < size; ++i) {
        seed = seed * 1664525U + 1013904223U;
        const uint32_t digit = seed >> 24 & 15U;
        x[i] = digit < 8U ? 0.0f : ((float)digit - 10.5f) / 4.0f;
    }
}

int main(int arguments, char **values)
{
    const tp_program *program = &NETWORK;
    char *memory = malloc(program->memory_bytes);
    float *x = malloc(program->inputs * sizeof *x), *y = malloc(program->outputs * sizeof *y);
    float *parameters = malloc(program->parameters * sizeof *parameters);
    const size_t arena = offsetof(network_memory, arena);
    tp_model model;
    tp_step step;
    int status = tp_init(&model, program, memory, program->memory_bytes);
    (void)values;
    for (uint32_t i = 0U; status == TP_OK && i < STEPS; ++i) {
        draw(x, program->inputs, i);
        if (arguments > 1) {
            memset(memory + arena, 0xFF, program->memory_bytes - arena);
        }
        if (i % 8U == 7U) {
            status = tp_infer(&model, x, y);
            printf("output %08lx\n", bits_of(y[i % program->outputs]));
        } else {
            status = tp_train_step(&model, x, i % 2U, 0.1f, &step);
            printf("step %08lx %lu %lu:", bits_of(step.loss), (unsigned long)step.predicted, (unsigned long)step.skipped);
            for (uint32_t layer = 0U; layer < program->layers; ++layer) {
                printf(" %lu", (unsigned long)step.kept[layer]);
            }
            printf("\n");
        }
    }
    if (status == TP_OK) {
        status = tp_get_parameters(&model, parameters);
    }
    for (uint32_t i = 0U; status == TP_OK && i < program->parameters; ++i) {
        printf("%08lx\n", bits_of(parameters[i]));
    }
    free(parameters);
    free(y);
    free(x);
    free(memory);
    return status == TP_OK ? 0 : 1;
}
