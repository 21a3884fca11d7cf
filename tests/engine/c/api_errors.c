/* SPDX-License-Identifier: Apache-2.0 */
/* Every mistake a caller can make: the documented code comes back and not one byte of weights or method state changes.
 * Prints each broken promise; returns how many there were. */
#include "network_under_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT offsetof(network_memory, arena) /* weights and method state; what follows is scratch between calls */

static network_memory memory, before;
static tp_model model;
static tp_step step, step_before;
static int broken;

static void expect(const char *what, int status, int expected)
{
    if (status != expected) {
        printf("%s: status %d instead of %d\n", what, status, expected);
        ++broken;
    }
    if (memcmp(&memory, &before, KEPT) != 0) {
        printf("%s: weights or method state changed\n", what);
        ++broken;
    }
    if (memcmp(&step, &step_before, sizeof step) != 0) {
        printf("%s: the step record changed\n", what);
        ++broken;
    }
}

#define EXPECT(call, code) expect(#call, call, code)

static void wrong_memory(void)
{
    const uint32_t bytes = NETWORK.memory_bytes;
    tp_model other = {NULL, NULL};
    EXPECT(tp_init(NULL, &NETWORK, &memory, bytes), TP_ERR_NULL);
    EXPECT(tp_init(&other, NULL, &memory, bytes), TP_ERR_NULL);
    EXPECT(tp_init(&other, &NETWORK, NULL, bytes), TP_ERR_NULL);
    EXPECT(tp_init(&other, &NETWORK, &memory, bytes - 1U), TP_ERR_MEMORY);
    EXPECT(tp_init(&other, &NETWORK, &memory, 0U), TP_ERR_MEMORY);
    EXPECT(tp_init(&other, &NETWORK, (char *)&memory + 1, bytes), TP_ERR_MEMORY);
    EXPECT(tp_init(&other, &NETWORK, (char *)&memory + 2, bytes), TP_ERR_MEMORY);
    if (other.program != NULL || other.memory != NULL) {
        printf("a refused tp_init bound the model\n");
        ++broken;
    }
}

static void not_ready(const float *x, float *y, float *values)
{
    tp_model fresh = {NULL, NULL};
    EXPECT(tp_infer(&fresh, x, y), TP_ERR_NOT_READY);
    EXPECT(tp_train_step(&fresh, x, 0U, 0.1f, &step), TP_ERR_NOT_READY);
    EXPECT(tp_get_parameters(&fresh, values), TP_ERR_NOT_READY);
    EXPECT(tp_set_parameters(&fresh, values), TP_ERR_NOT_READY);
}

static void null_pointers(const float *x, float *y, float *values)
{
    EXPECT(tp_infer(NULL, x, y), TP_ERR_NULL);
    EXPECT(tp_infer(&model, NULL, y), TP_ERR_NULL);
    EXPECT(tp_infer(&model, x, NULL), TP_ERR_NULL);
    EXPECT(tp_train_step(NULL, x, 0U, 0.1f, &step), TP_ERR_NULL);
    EXPECT(tp_train_step(&model, NULL, 0U, 0.1f, &step), TP_ERR_NULL);
    EXPECT(tp_train_step(&model, x, 0U, 0.1f, NULL), TP_ERR_NULL);
    EXPECT(tp_get_parameters(NULL, values), TP_ERR_NULL);
    EXPECT(tp_get_parameters(&model, NULL), TP_ERR_NULL);
    EXPECT(tp_set_parameters(NULL, values), TP_ERR_NULL);
    EXPECT(tp_set_parameters(&model, NULL), TP_ERR_NULL);
}

static void wrong_numbers(float *x, float *y, float *values)
{
    static const float wrong[] = {NAN, -NAN, INFINITY, -INFINITY};
    const uint32_t ends[2] = {0U, NETWORK.inputs - 1U}, last = NETWORK.parameters - 1U;
    EXPECT(tp_train_step(&model, x, NETWORK.outputs, 0.1f, &step), TP_ERR_LABEL);
    EXPECT(tp_train_step(&model, x, UINT32_MAX, 0.1f, &step), TP_ERR_LABEL);
    EXPECT(tp_train_target(&model, x, y, 0.1f, &step), TP_ERR_LOSS);
    EXPECT(tp_train_step(&model, x, 0U, -0.1f, &step), TP_ERR_RATE);
    for (size_t w = 0U; w < sizeof wrong / sizeof *wrong; ++w) {
        const float right = values[last];
        EXPECT(tp_train_step(&model, x, 0U, wrong[w], &step), TP_ERR_RATE);
        for (size_t e = 0U; e < 2U; ++e) {
            const float sample = x[ends[e]];
            x[ends[e]] = wrong[w];
            EXPECT(tp_train_step(&model, x, 0U, 0.1f, &step), TP_ERR_NONFINITE);
            EXPECT(tp_infer(&model, x, y), TP_ERR_NONFINITE);
            x[ends[e]] = sample;
        }
        values[last] = wrong[w];
        EXPECT(tp_set_parameters(&model, values), TP_ERR_NONFINITE);
        values[last] = right;
    }
}

/* Finite weights so large that the outputs are not. */
static void diverged(const float *x, float *y, float *values)
{
    for (uint32_t i = 0U; i < NETWORK.parameters; ++i) {
        values[i] = 3e38f;
    }
    if (tp_set_parameters(&model, values) != TP_OK) {
        printf("large but finite parameters were refused\n");
        ++broken;
    }
    memcpy(&before, &memory, sizeof memory);
    y[0] = 0.25f;
    EXPECT(tp_train_step(&model, x, 0U, 0.1f, &step), TP_ERR_NONFINITE);
    EXPECT(tp_infer(&model, x, y), TP_ERR_NONFINITE);
    if (!(y[0] == 0.25f)) {
        printf("outputs that are no numbers were handed out\n");
        ++broken;
    }
}

static void sentences(void)
{
    for (int one = TP_ERR_LOSS; one <= TP_OK; ++one) {
        for (int other = one - 1; other < one; ++other) {
            if (strlen(tp_strerror(one)) < 4U || strcmp(tp_strerror(one), tp_strerror(other)) == 0) {
                printf("status %d has no sentence of its own\n", one);
                ++broken;
            }
        }
    }
}

int main(void)
{
    float *x = malloc(NETWORK.inputs * sizeof *x), *y = malloc(NETWORK.outputs * sizeof *y);
    float *values = malloc(NETWORK.parameters * sizeof *values);
    for (uint32_t i = 0U; i < NETWORK.inputs; ++i) {
        x[i] = (float)(i % 5U) - 1.5f;
    }
    if (tp_init(&model, &NETWORK, &memory, sizeof memory) != TP_OK
        || tp_train_step(&model, x, 1U, 0.1f, &step) != TP_OK || tp_get_parameters(&model, values) != TP_OK) {
        printf("a correct call was refused\n");
        return 1;
    }
    memcpy(&before, &memory, sizeof memory);
    memcpy(&step_before, &step, sizeof step);
    wrong_memory();
    not_ready(x, y, values);
    null_pointers(x, y, values);
    wrong_numbers(x, y, values);
    diverged(x, y, values);
    sentences();
    free(values);
    free(y);
    free(x);
    return broken;
}
