/* SPDX-License-Identifier: Apache-2.0 */
/* Offers a stream of samples to a store, learns from it in rounds, and prints what was done and every weight as bits.
 * Memory is allocated to the byte, so that a sanitizer sees any step beyond it. */
#include "network_under_test.h"
#include "tp_buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 24U
#define OFFERED 90U
#define ROUNDS 6U

/* The same numbers as the test's. */
static float draw(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (float)(*seed >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

int main(void)
{
    const tp_program *program = &NETWORK;
    const tp_buffer_settings settings = {CAPACITY, program->inputs, program->outputs, TP_BUFFER_8_BIT, -1.0f, 1.0f, 15U, 7U};
    const size_t bytes = TP_BUFFER_BYTES(CAPACITY, program->inputs, program->outputs, TP_BUFFER_8_BIT);
    void *memory = malloc(program->memory_bytes), *kept = malloc(bytes);
    float *x = malloc(program->inputs * sizeof *x), *parameters = malloc(program->parameters * sizeof *parameters);
    tp_model model;
    tp_buffer store;
    tp_step step;
    uint32_t seed = 1U;
    int status = tp_init(&model, program, memory, program->memory_bytes);
    status |= tp_buffer_init(&store, &settings, kept, bytes);
    for (uint32_t number = 0U; status == TP_OK && number < OFFERED; ++number) {
        const uint32_t label = number % 7U == 0U ? number / 7U % program->outputs : 0U;
        for (uint32_t i = 0U; i < program->inputs; ++i) {
            x[i] = draw(&seed) * 0.25f + (i % program->outputs == label ? 0.75f : 0.0f);
        }
        printf("%ld ", (long)tp_buffer_offer(&store, x, label));
    }
    printf("\n");
    for (uint32_t round = 0U; status == TP_OK && round < ROUNDS; ++round) {
        int32_t slot;
        uint32_t label;
        while (status == TP_OK && (slot = tp_buffer_next(&store, x, &label)) >= 0) {
            status = tp_train_step(&model, x, label, 0.1f, &step);
            status |= tp_buffer_told(&store, (uint32_t)slot, step.skipped != 0U);
            printf("%ld:%lu ", (long)slot, (unsigned long)step.skipped);
        }
        printf("\n");
    }
    status |= tp_get_parameters(&model, parameters);
    for (uint32_t i = 0U; i < program->parameters; ++i) {
        uint32_t word;
        memcpy(&word, parameters + i, sizeof word);
        printf("%08lx\n", (unsigned long)word);
    }
    free(memory);
    free(kept);
    free(x);
    free(parameters);
    return status;
}
