/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the engine between two looks at the clock. The call is passed in, so that an empty one goes the same way. */
#ifndef TINYPROP_BOARD_MEASURE_H
#define TINYPROP_BOARD_MEASURE_H

#include "tinyprop.h"

typedef int (*train_call)(tp_model *model, const float *x, uint32_t label, float rate, tp_step *step);
typedef int (*train_target_call)(tp_model *model, const float *x, const float *target, float rate, tp_step *step);
typedef int (*infer_call)(tp_model *model, const float *x, float *y);

typedef struct measured {
    int32_t status;
    uint32_t ticks;
} measured;

measured measure_train(train_call call, tp_model *model, const float *x, uint32_t label, float rate, tp_step *step);
measured measure_train_target(train_target_call call, tp_model *model, const float *x, const float *target, float rate,
                              tp_step *step);
measured measure_infer(infer_call call, tp_model *model, const float *x, float *y);

/* Ticks that measure_train, measure_train_target and measure_infer show for a call that does nothing. */
uint32_t measure_nothing_trained(void);
uint32_t measure_no_target_trained(void);
uint32_t measure_nothing_inferred(void);

/* Stack the measured calls have used, in bytes. */
uint32_t measure_stack(void);

#endif
