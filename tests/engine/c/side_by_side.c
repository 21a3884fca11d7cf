/* SPDX-License-Identifier: Apache-2.0 */
/* Two networks and two models of one network, trained in turn: each ends with the weights it has when trained alone. */
#include "mlp.h"
#include "strided.h"

#include <stdio.h>
#include <string.h>

#define STEPS 20U

static mlp_memory mlp_alone, mlp_one, mlp_other;
static strided_memory strided_alone, strided_beside;

static int step_on(tp_model *model, uint32_t number)
{
    float x[STRIDED_INPUTS];
    tp_step step;
    for (uint32_t i = 0U; i < STRIDED_INPUTS; ++i) {
        x[i] = (float)((i + number) % 7U) / 4.0f - 0.5f;
    }
    return tp_train_step(model, x, number % 5U, 0.05f, &step);
}

int main(void)
{
    tp_model alone[2], beside[3];
    int status = tp_init(&alone[0], &mlp, &mlp_alone, sizeof mlp_alone);
    status |= tp_init(&alone[1], &strided, &strided_alone, sizeof strided_alone);
    status |= tp_init(&beside[0], &mlp, &mlp_one, sizeof mlp_one);
    status |= tp_init(&beside[1], &strided, &strided_beside, sizeof strided_beside);
    status |= tp_init(&beside[2], &mlp, &mlp_other, sizeof mlp_other);
    for (uint32_t model = 0U; model < 2U; ++model) {
        for (uint32_t number = 0U; number < STEPS; ++number) {
            status |= step_on(&alone[model], number);
        }
    }
    for (uint32_t number = 0U; number < STEPS; ++number) {
        for (uint32_t model = 0U; model < 3U; ++model) {
            status |= step_on(&beside[model], model == 2U ? number + 1U : number);
        }
    }
    const int same = memcmp(&mlp_one, &mlp_alone, sizeof mlp_one.parameters) == 0
        && memcmp(&strided_beside, &strided_alone, sizeof strided_beside.parameters) == 0;
    const int apart = memcmp(&mlp_other, &mlp_alone, sizeof mlp_other.parameters) != 0;
    printf("%s\n", status == TP_OK && same && apart ? "independent" : "entangled");
    return 0;
}
