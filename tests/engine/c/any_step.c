/* SPDX-License-Identifier: Apache-2.0 */
/* Every pair of training steps at once, for a static analyser: nothing is known of samples, labels and rates, and after
 * the first step nothing of the weights. */
#include "network_under_test.h" /* NETWORK, network_memory, INPUTS, OUTPUTS */

extern volatile float any_float;
extern volatile uint32_t any_number;

static network_memory memory;
static float x[INPUTS], y[OUTPUTS];

int main(void)
{
    tp_model model;
    tp_step step;
    int status = tp_init(&model, &NETWORK, &memory, sizeof memory);
    for (uint32_t i = 0U; status == TP_OK && i < 2U; ++i) {
        for (uint32_t k = 0U; k < INPUTS; ++k) {
            x[k] = any_float;
        }
        status = tp_train_step(&model, x, any_number, any_float, &step);
        if (status == TP_OK) {
            status = tp_infer(&model, x, y);
        }
    }
    return status;
}
