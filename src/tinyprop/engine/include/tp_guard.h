/* SPDX-License-Identifier: Apache-2.0 */
/* A guard on learning: samples that are held back say whether what is learned is worth keeping.
 *
 * Every so many steps the guard looks how many of them are told right. While that is well, it saves a checkpoint; when it
 * has fallen by more than a margin, or outputs or loss are no numbers any more, it goes back to the last one. A sensor that
 * breaks, or labels that are wrong for an hour, then cost that hour and not the model.
 *
 *     static const tp_guard_settings settings = {held_back, their_labels, 40U, 200U, 5U, 2U};
 *     tp_init(&model, &digits, &memory, sizeof memory);
 *     tp_guard_init(&guard, &settings, &checkpoint, &model);
 *     status = tp_guard_train(&guard, sample, label, 0.01f, &step);
 */
#ifndef TP_GUARD_H
#define TP_GUARD_H

#include "tinyprop.h"
#include "tp_checkpoint.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Beside those of tinyprop.h and tp_checkpoint.h, and like them negative; tp_strerror knows them. */
enum {
    TP_GUARD_ERR_SETTINGS = -50, /* a setting is out of its range */
    TP_GUARD_ROLLED_BACK = -51   /* no error: the model is as it was when it was last saved */
};

/* Constant as long as the guard is. */
typedef struct tp_guard_settings {
    const float *samples;    /* [count][inputs], never learned from; they may lie in flash. NULL: none */
    const uint32_t *labels;  /* [count], of a network that learns classes. NULL: none */
    uint32_t count;          /* 0: only against what is no number; and a model that is large beyond use may be saved */
    uint32_t every;          /* steps from one look to the next, 1 or more */
    uint32_t margin;         /* samples, below count: told right less than at best by more than that is too bad */
    uint32_t looks_per_save; /* 1 or more: a checkpoint wears the flash, a look costs `count` inferences */
} tp_guard_settings;

/* What happened since tp_guard_init. */
typedef struct tp_guard_counts {
    uint32_t steps;      /* made, those that taught nothing included */
    uint32_t skipped;    /* of these, those that taught nothing */
    uint32_t refused;    /* samples that were none: NaN, infinity, values so large that outputs were, no such class */
    uint32_t looks;
    uint32_t right;      /* of the samples held back, at the last look */
    uint32_t best;       /* the most at any look after which the model was kept, since the last way back */
    uint32_t saves;
    uint32_t failures;   /* of the flash, in saving or going back */
    uint32_t rollbacks;  /* both kinds */
    uint32_t nonfinite;  /* of these, those because of an output or a loss that is no number */
} tp_guard_counts;

/* Set it to {0} if a call could come before tp_guard_init. */
typedef struct tp_guard {
    const tp_guard_settings *settings;
    const tp_checkpoint *checkpoint;
    tp_model *model;
    uint32_t steps;          /* that the model has behind it, saved with it: of all lives, less what was rolled back */
    tp_guard_counts counts;
} tp_guard;

/* Guards `model`, which tp_init has made ready: loads the newest checkpoint if there is one, looks, and saves if there was
 * none. Returns TP_OK or an error of these, of tp_load or tp_save. */
int tp_guard_init(tp_guard *guard, const tp_guard_settings *settings, const tp_checkpoint *checkpoint, tp_model *model);

/* tp_train_step, and a look when it is time. Returns its status; TP_GUARD_ROLLED_BACK; or TP_CHECKPOINT_ERR_FLASH where a
 * save or a way back failed: then the step is made, the model stays as it is but for what tp_load says, and the next look
 * tries again. */
int tp_guard_train(tp_guard *guard, const float *x, uint32_t label, float rate, tp_step *step);

/* The same for a network that learns targets; its samples cannot be told right, so that count has to be 0. */
int tp_guard_train_target(tp_guard *guard, const float *x, const float *target, float rate, tp_step *step);

/* Looks now, whatever the count: keeps and saves the model, or goes back. Before a planned loss of power, for instance. */
int tp_guard_look(tp_guard *guard);

#ifdef __cplusplus
}
#endif

#endif
