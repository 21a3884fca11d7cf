/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the power of a device that learns and saves, at every operation of its flash, and looks what is there afterwards.
 *
 * The device saves after 7, 14 and 21 steps, and power goes while it saves for the third time: so that both slots were
 * full. After that it has to have the state of step 14 or that of step 21, and to go on from there with the losses, and
 * to end with the weights, of a device that was never switched off. */
#include "emulated_flash.h"
#include "tinyprop.h"
#include "tp_checkpoint.h"

#include <stdlib.h>
#include <string.h>

#define SAVE_EVERY 7U
#define BEFORE 14U  /* steps of the last save that is known to have ended well */
#define STEPS 35U
#define RATE 0.05f

typedef struct power_loss_geometry {
    uint32_t block, unit, erases, slots;
} power_loss_geometry;

/* tried: cuts made. lost: nothing could be loaded, or something older than the last good save. mixed: what was loaded
 * was neither state, or did not go on like it. violations: what no flash allows was asked of it. operations: of one save. */
typedef struct power_loss_counts {
    uint64_t tried, lost, mixed, violations, operations;
} power_loss_counts;

/* Of one save: units programmed and blocks erased; state_bytes: what was to be saved. */
typedef struct power_loss_cost_of {
    uint32_t state_bytes, programmed, erasures;
} power_loss_cost_of;

/* One program of one network; everything it needs is allocated once. */
typedef struct bench {
    const tp_program *program;
    tp_checkpoint checkpoint;
    tp_model model;
    emulated_flash flash, ready, between; /* at work; before the save that is cut; after the first of two cuts */
    uint32_t flash_bytes;
    uint8_t *states;  /* [STEPS + 1][state bytes] of the device that is never switched off */
    float losses[STEPS];
    float *x;
} bench;

extern const tp_program *const power_loss_program;

int power_loss_run(const power_loss_geometry *geometry, flash_cut cut, uint32_t draws, power_loss_counts *counts);
int power_loss_run_first(const power_loss_geometry *geometry, flash_cut cut, uint32_t draws, power_loss_counts *counts);
int power_loss_run_twice(const power_loss_geometry *geometry, flash_cut cut, flash_cut then, power_loss_counts *counts);
int power_loss_run_whole(const power_loss_geometry *geometry, flash_cut cut, uint32_t draws, uint32_t restarts,
                         power_loss_counts *counts);
int power_loss_flip_bits(const power_loss_geometry *geometry, uint32_t every, power_loss_counts *counts);
int power_loss_cost(const power_loss_geometry *geometry, power_loss_cost_of *cost);

static uint32_t state_bytes(const bench *b)
{
    return 4U * b->program->state_words;
}

/* One step on the sample that has this number. Returns its loss, or -1 where it was refused. */
static float step_number(bench *b, uint32_t number)
{
    uint32_t seed = number * 2654435761U + 1U;
    for (uint32_t i = 0U; i < b->program->inputs; ++i) {
        seed = seed * 1664525U + 1013904223U;
        b->x[i] = (float)(seed >> 8) * (1.0f / 8388608.0f) - 1.0f;
    }
    tp_step step;
    const int status = tp_train_step(&b->model, b->x, number % b->program->outputs, RATE, &step);
    return status == TP_OK ? step.loss : -1.0f;
}

static int is_state(const bench *b, uint32_t step)
{
    return memcmp(b->model.memory, b->states + (size_t)step * state_bytes(b), state_bytes(b)) == 0;
}

static void set_state(bench *b, uint32_t step)
{
    memcpy(b->model.memory, b->states + (size_t)step * state_bytes(b), state_bytes(b));
}

static void close_bench(bench *b)
{
    free(b->model.memory);
    free(b->states);
    free(b->x);
    free(b->flash.queue);
    free(b->ready.queue);
    free(b->between.queue);
    free(b);
}

/* A flash that holds nothing yet. Returns whether there was memory for it. */
static int attach(bench *b, emulated_flash *flash, uint32_t size, const power_loss_geometry *g)
{
    void *memory = malloc(b->flash_bytes);
    if (memory == NULL) {
        return 0;
    }
    flash_attach(flash, memory, size, g->block, g->unit, g->erases != 0U);
    return 1;
}

/* The undisturbed run, and a flash that holds its states after 7 and 14 steps. NULL: no memory, or wrong settings. */
static bench *open_bench(const power_loss_geometry *g)
{
    bench *b = calloc(1U, sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    const tp_program *program = power_loss_program;
    b->program = program;
    b->model.program = program;
    b->model.memory = malloc(program->memory_bytes);
    b->states = malloc((size_t)(STEPS + 1U) * 4U * program->state_words);
    b->x = malloc(program->inputs * sizeof *b->x);
    const uint32_t bytes = TP_CHECKPOINT_HEADER_BYTES + 4U * program->state_words;
    const uint32_t size = (bytes + g->block - 1U) / g->block * g->block * g->slots;
    b->flash_bytes = flash_memory_bytes(size, g->unit);
    const tp_checkpoint checkpoint = {&b->flash.driver, 0U, g->slots, NULL, 0U};
    b->checkpoint = checkpoint;
    if (b->model.memory == NULL || b->states == NULL || b->x == NULL || !attach(b, &b->flash, size, g)
        || !attach(b, &b->ready, size, g) || !attach(b, &b->between, size, g)
        || tp_init(&b->model, program, b->model.memory, program->memory_bytes) != TP_OK) {
        close_bench(b);
        return NULL;
    }
    for (uint32_t step = 0U; step <= STEPS; ++step) {
        memcpy(b->states + (size_t)step * state_bytes(b), b->model.memory, state_bytes(b));
        if (step > 0U && step <= BEFORE && step % SAVE_EVERY == 0U && tp_save(&b->checkpoint, &b->model, step) != TP_OK) {
            close_bench(b);
            return NULL;
        }
        if (step < STEPS) {
            b->losses[step] = step_number(b, step);
        }
    }
    flash_copy(&b->ready, &b->flash, b->flash_bytes);
    return b;
}

/* The board starts anew, with nothing in RAM, and loads. Returns the steps it has learned; STEPS + 1: it lost them. */
static uint32_t restart(bench *b)
{
    uint32_t steps = STEPS + 1U;
    flash_power_on(&b->flash);
    memset(b->model.memory, 0xA5, b->program->memory_bytes);
    if (tp_init(&b->model, b->program, b->model.memory, b->program->memory_bytes) != TP_OK
        || tp_load(&b->checkpoint, &b->model, &steps) != TP_OK) {
        return STEPS + 1U;
    }
    return steps;
}

/* Whether from here on it learns as if nothing had happened. */
static int goes_on(bench *b, uint32_t steps)
{
    if (!is_state(b, steps)) {
        return 0;
    }
    for (uint32_t step = steps; step < STEPS; ++step) {
        if (step_number(b, step) != b->losses[step]) {
            return 0;
        }
    }
    return is_state(b, STEPS);
}

/* Judges a device that had the state of `before` steps, and was cut while it saved that of `after`. confirmed: steps of the
 * last save that ended; where that is older than `before`, the flash may have only seemed to hold the latter. */
static void judge(bench *b, uint32_t confirmed, uint32_t before, uint32_t after, power_loss_counts *counts)
{
    const uint32_t steps = restart(b);
    ++counts->tried;
    counts->violations += b->flash.violations;
    if (steps != confirmed && steps != before && steps != after) {
        ++counts->lost;
    } else if (!goes_on(b, steps)) {
        ++counts->mixed;
    }
}

/* Saves the state of `step`. Returns whether the planned cut came, or 0 where the save ended before it. */
static int cut_save(bench *b, uint32_t step, uint32_t at, flash_cut cut, uint32_t draw)
{
    set_state(b, step);
    flash_plan_cut(&b->flash, at, cut, draw);
    (void)tp_save(&b->checkpoint, &b->model, step);
    return b->flash.is_off;
}

/* One cut at every operation; `draws` times where chance has a part in it. Adds to *counts, as all that follow do. Returns
 * 0, or -1 without memory. */
int power_loss_run(const power_loss_geometry *geometry, flash_cut cut, uint32_t draws, power_loss_counts *counts)
{
    bench *b = open_bench(geometry);
    if (b == NULL) {
        return -1;
    }
    int is_cut = 1;
    for (uint32_t at = 0U; is_cut; ++at) {
        for (uint32_t draw = 0U; draw < draws && is_cut; ++draw) {
            flash_copy(&b->flash, &b->ready, b->flash_bytes);
            is_cut = cut_save(b, BEFORE + SAVE_EVERY, at, cut, 1U + draw * 977U + at);
            if (is_cut) {
                judge(b, BEFORE, BEFORE, BEFORE + SAVE_EVERY, counts);
            }
        }
        counts->operations = at;
    }
    close_bench(b);
    return 0;
}

/* The same for the first save of all, into a flash full of what was there before: afterwards it is as if there had been no
 * save, or it is there; and the next one ends well. */
int power_loss_run_first(const power_loss_geometry *geometry, flash_cut cut, uint32_t draws, power_loss_counts *counts)
{
    bench *b = open_bench(geometry);
    if (b == NULL) {
        return -1;
    }
    int is_cut = 1;
    for (uint32_t at = 0U; is_cut; ++at) {
        for (uint32_t draw = 0U; draw < draws && is_cut; ++draw) {
            uint32_t steps = 0U;
            flash_attach(&b->flash, b->flash.queue, b->flash.size, geometry->block, geometry->unit, geometry->erases != 0U);
            is_cut = cut_save(b, SAVE_EVERY, at, cut, 1U + draw * 977U + at);
            if (!is_cut) {
                break;
            }
            flash_power_on(&b->flash);
            const int status = tp_load(&b->checkpoint, &b->model, &steps);
            ++counts->tried;
            counts->lost += status == TP_OK ? steps != SAVE_EVERY || !is_state(b, SAVE_EVERY) : status != TP_CHECKPOINT_NONE;
            set_state(b, BEFORE);
            counts->lost += tp_save(&b->checkpoint, &b->model, BEFORE) != TP_OK;
            judge(b, BEFORE, BEFORE, BEFORE, counts);
        }
        counts->operations = at;
    }
    close_bench(b);
    return 0;
}

/* A second cut, of kind `then`, at every operation of the save that follows the first. */
int power_loss_run_twice(const power_loss_geometry *geometry, flash_cut cut, flash_cut then, power_loss_counts *counts)
{
    bench *b = open_bench(geometry);
    if (b == NULL) {
        return -1;
    }
    for (uint32_t first = 0U;; ++first) {
        flash_copy(&b->flash, &b->ready, b->flash_bytes);
        if (!cut_save(b, BEFORE + SAVE_EVERY, first, cut, first + 1U)) {
            counts->operations = first;
            break;
        }
        const uint32_t steps = restart(b);
        if (steps != BEFORE && steps != BEFORE + SAVE_EVERY) {
            ++counts->tried;
            ++counts->lost;
            continue;
        }
        flash_copy(&b->between, &b->flash, b->flash_bytes);
        for (uint32_t second = 0U;; ++second) {
            flash_copy(&b->flash, &b->between, b->flash_bytes);
            if (!cut_save(b, steps + SAVE_EVERY, second, then, first * 7919U + second)) {
                break;
            }
            judge(b, cut == FLASH_CUT_WEAK ? BEFORE : steps, steps, steps + SAVE_EVERY, counts);
        }
    }
    close_bench(b);
    return 0;
}

/* A save that ends well after one that was cut: from then on its state is there, however often the board starts. It is the
 * state that was being saved, so that much of it is there already, or seems to be. */
int power_loss_run_whole(const power_loss_geometry *geometry, flash_cut cut, uint32_t draws, uint32_t restarts,
                         power_loss_counts *counts)
{
    bench *b = open_bench(geometry);
    const uint32_t steps = BEFORE + SAVE_EVERY;
    if (b == NULL) {
        return -1;
    }
    int is_cut = 1;
    for (uint32_t at = 0U; is_cut; ++at) {
        for (uint32_t draw = 0U; draw < draws && is_cut; ++draw) {
            flash_copy(&b->flash, &b->ready, b->flash_bytes);
            is_cut = cut_save(b, steps, at, cut, 1U + draw * 977U + at);
            flash_power_on(&b->flash);
            set_state(b, steps);
            counts->lost += tp_save(&b->checkpoint, &b->model, steps) != TP_OK;
            for (uint32_t i = 0U; i < restarts && is_cut; ++i) {
                judge(b, steps, steps, steps, counts);
            }
        }
        counts->operations = at;
    }
    close_bench(b);
    return 0;
}

/* One bit in `every`, anywhere in the two newest slots: the damaged one is not taken, the other is. */
int power_loss_flip_bits(const power_loss_geometry *geometry, uint32_t every, power_loss_counts *counts)
{
    bench *b = open_bench(geometry);
    tp_slots slots;
    if (b == NULL) {
        return -1;
    }
    if (tp_find_slots(&b->checkpoint, b->program, &slots) != TP_OK) {
        close_bench(b);
        return -1;
    }
    const uint32_t size = tp_checkpoint_bytes(&b->checkpoint, b->program);
    const uint32_t older = slots.newest == 0U ? tp_slot_bytes(&b->checkpoint, b->program) : 0U;
    for (uint32_t bit = 0U; bit < 16U * size; bit += every) {
        const int in_newest = bit < 8U * size;
        const uint32_t place = in_newest ? bit : bit - 8U * size;
        flash_copy(&b->flash, &b->ready, b->flash_bytes);
        b->flash.kept[(in_newest ? slots.newest : older) + place / 8U] ^= (uint8_t)(1U << place % 8U);
        const uint32_t expected = in_newest ? BEFORE - SAVE_EVERY : BEFORE;
        judge(b, expected, expected, expected, counts);
    }
    close_bench(b);
    return 0;
}

/* What one save into a slot in which everything differs asks of the flash. Returns 0, or -1 without memory. */
int power_loss_cost(const power_loss_geometry *geometry, power_loss_cost_of *cost)
{
    bench *b = open_bench(geometry);
    if (b == NULL) {
        return -1;
    }
    flash_attach(&b->flash, b->flash.queue, b->flash.size, geometry->block, geometry->unit, geometry->erases != 0U);
    (void)tp_save(&b->checkpoint, &b->model, STEPS);
    const power_loss_cost_of found = {state_bytes(b), b->flash.programmed, b->flash.erasures};
    *cost = found;
    close_bench(b);
    return 0;
}
