/* SPDX-License-Identifier: Apache-2.0 */
/* Offers a stream of samples to a store, learns from it in rounds, and prints what was done and every weight as bits.
 * With an argument its values lie in flash; then it is opened once more at the end, and has to hold as many.
 * Memory is allocated to the byte, so that a sanitizer sees any step beyond it. */
#include "emulated_flash.h"
#include "network_under_test.h"
#include "tp_buffer.h"
#include "tp_flash_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 24U
#define OFFERED 90U
#define ROUNDS 6U
#define SHELVES 16U
#define BLOCK 256U
#define UNIT 4U

/* The same numbers as the test's. */
static float draw(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (float)(*seed >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

int main(int count, char **arguments)
{
    (void)arguments;
    const int in_flash = count > 1;
    const tp_program *program = &NETWORK;
    const tp_buffer_settings settings = {CAPACITY, program->inputs, program->outputs, TP_BUFFER_8_BIT, -1.0f, 1.0f, 15U, 7U};
    const size_t bytes = in_flash ? TP_FLASH_STORE_BYTES(CAPACITY, program->outputs, SHELVES)
                                  : TP_BUFFER_BYTES(CAPACITY, program->inputs, program->outputs, TP_BUFFER_8_BIT);
    void *memory = malloc(program->memory_bytes), *kept = malloc(bytes);
    void *flash_memory = malloc(flash_memory_bytes(SHELVES * BLOCK, UNIT));
    float *x = malloc(program->inputs * sizeof *x), *parameters = malloc(program->parameters * sizeof *parameters);
    tp_model model;
    tp_buffer store;
    emulated_flash flash;
    tp_flash_store shelves;
    tp_step step;
    uint32_t seed = 1U;
    int status = tp_init(&model, program, memory, program->memory_bytes);
    flash_attach(&flash, flash_memory, SHELVES * BLOCK, BLOCK, UNIT, 1);
    const tp_flash_store_settings where = {&flash.driver, 0U, SHELVES, 0U};
    status |= in_flash ? tp_flash_store_open(&shelves, &store, &settings, &where, kept, bytes)
                       : tp_buffer_init(&store, &settings, kept, bytes);
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
    if (in_flash) {
        status |= tp_flash_store_open(&shelves, &store, &settings, &where, kept, bytes) != (int32_t)CAPACITY;
        status |= flash.violations != 0U;
    }
    free(memory);
    free(flash_memory);
    free(kept);
    free(x);
    free(parameters);
    return status;
}
