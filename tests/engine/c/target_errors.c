/* SPDX-License-Identifier: Apache-2.0 */
/* A network that learns targets: it learns from right ones, and a wrong one, or a label, changes nothing.
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
    if (status != expected || memcmp(&memory, &before, KEPT) != 0 || memcmp(&step, &step_before, sizeof step) != 0) {
        printf("%s: status %d instead of %d, or something changed\n", what, status, expected);
        ++broken;
    }
}

#define EXPECT(call, code) expect(#call, call, code)

int main(void)
{
    static const float wrong[] = {NAN, -NAN, INFINITY, -INFINITY};
    const uint32_t ends[2] = {0U, NETWORK.outputs - 1U};
    float *x = malloc(NETWORK.inputs * sizeof *x), *target = malloc(NETWORK.outputs * sizeof *target);
    for (uint32_t i = 0U; i < NETWORK.inputs; ++i) {
        x[i] = (float)(i % 5U) - 1.5f;
    }
    for (uint32_t i = 0U; i < NETWORK.outputs; ++i) {
        target[i] = (float)i / 4.0f;
    }
    float first = 0.0f;
    int status = tp_init(&model, &NETWORK, &memory, sizeof memory);
    for (uint32_t i = 0U; status == TP_OK && i < 20U; ++i) {
        status = tp_train_target(&model, x, target, 0.1f, &step);
        first = i == 0U ? step.loss : first;
    }
    if (status != TP_OK || !(step.loss < first / 2.0f)) {
        printf("nothing was learned: %s\n", tp_strerror(status));
        return 1;
    }
    memcpy(&before, &memory, sizeof memory);
    memcpy(&step_before, &step, sizeof step);
    EXPECT(tp_train_step(&model, x, 0U, 0.1f, &step), TP_ERR_LOSS);
    EXPECT(tp_train_target(NULL, x, target, 0.1f, &step), TP_ERR_NULL);
    EXPECT(tp_train_target(&model, NULL, target, 0.1f, &step), TP_ERR_NULL);
    EXPECT(tp_train_target(&model, x, NULL, 0.1f, &step), TP_ERR_NULL);
    EXPECT(tp_train_target(&model, x, target, 0.1f, NULL), TP_ERR_NULL);
    EXPECT(tp_train_target(&model, x, target, -0.1f, &step), TP_ERR_RATE);
    for (size_t w = 0U; w < sizeof wrong / sizeof *wrong; ++w) {
        EXPECT(tp_train_target(&model, x, target, wrong[w], &step), TP_ERR_RATE);
        const float sample = x[NETWORK.inputs - 1U];
        x[NETWORK.inputs - 1U] = wrong[w];
        EXPECT(tp_train_target(&model, x, target, 0.1f, &step), TP_ERR_NONFINITE);
        x[NETWORK.inputs - 1U] = sample;
        for (size_t e = 0U; e < 2U; ++e) {
            const float right = target[ends[e]];
            target[ends[e]] = wrong[w];
            EXPECT(tp_train_target(&model, x, target, 0.1f, &step), TP_ERR_NONFINITE);
            target[ends[e]] = right;
        }
    }
    target[0] = -3e38f; /* finite, but its distance from an output has no square */
    EXPECT(tp_train_target(&model, x, target, 0.1f, &step), TP_ERR_NONFINITE);
    tp_model fresh = {NULL, NULL};
    EXPECT(tp_train_target(&fresh, x, target, 0.1f, &step), TP_ERR_NOT_READY);
    free(target);
    free(x);
    return broken;
}
