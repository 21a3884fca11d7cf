/* SPDX-License-Identifier: Apache-2.0 */
/* Two devices that learn the same samples: one in peace, one in the field. The second is given samples that are none, saves
 * now and then, is switched off while it saves and while it learns, and starts anew from its flash with rubbish in its RAM.
 * Whenever both have learned as many samples, they have to be the same, word for word. */
#include "soak.h"
#include "emulated_flash.h"
#include "soak_network.h" /* SOAK_NETWORK, soak_memory: written for each network */
#include "tp_checkpoint.h"
#include "tp_crc32.h"

#include <string.h>

#define RATE 0.02f
#define BLOCK 512U
#define UNIT 8U
#define SLOT_BYTES ((TP_CHECKPOINT_HEADER_BYTES + (uint32_t)sizeof(soak_memory) + BLOCK - 1U) / BLOCK * BLOCK)
#define FLASH_BYTES (2U * SLOT_BYTES)
/* flash_memory_bytes, as a constant. */
#define FLASH_MEMORY (5U * FLASH_BYTES + FLASH_BYTES / UNIT * (2U + 2U * (uint32_t)sizeof(flash_operation) + 4U))

typedef struct device {
    soak_memory memory;
    tp_model model;
    uint32_t steps;
} device;

/* The program's whole memory: static, so that nothing can grow. */
static device peace, field;
static emulated_flash flash;
static uint32_t flash_memory[(FLASH_MEMORY + 3U) / 4U];
static uint32_t chance;
static soak_counts counts;
static float x[64];

static uint32_t drawn(void)
{
    chance = chance * 1664525U + 1013904223U;
    return chance >> 8;
}

static int one_in(uint32_t often)
{
    return drawn() % often == 0U;
}

static tp_checkpoint checkpoint_of_field(void)
{
    const tp_checkpoint made = {&flash.driver, 0U, 2U, NULL, 0U};
    return made;
}

static uint32_t state_crc(const device *d)
{
    return tp_crc32(0U, &d->memory, 4U * SOAK_NETWORK.state_words);
}

/* The sample that has this number, for both alike: a cloud per class. Returns its class. */
static uint32_t sample_number(uint32_t number)
{
    uint32_t seed = number * 2654435761U + 12345U;
    const uint32_t label = (seed >> 20) % SOAK_NETWORK.outputs;
    for (uint32_t i = 0U; i < SOAK_NETWORK.inputs; ++i) {
        seed = seed * 1664525U + 1013904223U;
        x[i] = (float)(seed >> 8) * (1.0f / 8388608.0f) - 1.0f + (i % SOAK_NETWORK.outputs == label ? 0.5f : 0.0f);
    }
    return label;
}

static int learn(device *d)
{
    tp_step step;
    const uint32_t label = sample_number(d->steps);
    const int status = tp_train_step(&d->model, x, label, RATE, &step);
    d->steps += status == TP_OK;
    return status;
}

/* A sample that is none: refused, and nothing has changed. */
static void learn_nonsense(void)
{
    static const uint32_t no_numbers[2] = {0x7F800000U, 0xFFC00000U}; /* infinity, NaN */
    tp_step step;
    const uint32_t before = state_crc(&field), kind = drawn() % 3U;
    uint32_t label = sample_number(drawn());
    if (kind < 2U) {
        memcpy(&x[drawn() % SOAK_NETWORK.inputs], &no_numbers[kind], sizeof *x);
    } else {
        label = SOAK_NETWORK.outputs + drawn();
    }
    ++counts.bad_samples;
    counts.wrong += tp_train_step(&field.model, x, label, RATE, &step) == TP_OK || state_crc(&field) != before;
}

/* The board starts: rubbish in RAM, the flash as power left it. */
static void start_again(void)
{
    const tp_checkpoint checkpoint = checkpoint_of_field();
    const uint32_t before = field.steps;
    ++counts.resets;
    flash_power_on(&flash);
    memset(&field, (int)(drawn() & 0xFFU), sizeof field);
    if (tp_init(&field.model, &SOAK_NETWORK, &field.memory, sizeof field.memory) != TP_OK
        || tp_load(&checkpoint, &field.model, &field.steps) != TP_OK || field.steps > before) {
        ++counts.lost;
        field.steps = 0U;
        (void)tp_init(&field.model, &SOAK_NETWORK, &field.memory, sizeof field.memory);
    }
    counts.replayed += before - field.steps;
}

static void save(void)
{
    const tp_checkpoint checkpoint = checkpoint_of_field();
    ++counts.saves;
    counts.wrong += tp_save(&checkpoint, &field.model, field.steps) != TP_OK;
}

static void save_and_lose_power(void)
{
    const tp_checkpoint checkpoint = checkpoint_of_field();
    const uint32_t operations = SLOT_BYTES / UNIT + SLOT_BYTES / BLOCK;
    flash_plan_cut(&flash, drawn() % operations, (flash_cut)(drawn() % 6U), drawn());
    (void)tp_save(&checkpoint, &field.model, field.steps);
    ++counts.cuts;
    start_again();
}

static void live_one_step(void)
{
    if (one_in(50U)) {
        learn_nonsense();
    }
    if (one_in(100U)) {
        save();
    }
    if (one_in(500U)) {
        save_and_lose_power();
    }
    if (one_in(500U)) {
        start_again();
    }
    counts.wrong += learn(&field) != TP_OK;
}

void soak_start(uint32_t seed)
{
    const soak_counts none = {0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U};
    counts = none;
    chance = seed;
    flash_attach(&flash, flash_memory, FLASH_BYTES, BLOCK, UNIT, 1);
    peace.steps = field.steps = 0U;
    counts.wrong += tp_init(&peace.model, &SOAK_NETWORK, &peace.memory, sizeof peace.memory) != TP_OK;
    counts.wrong += tp_init(&field.model, &SOAK_NETWORK, &field.memory, sizeof field.memory) != TP_OK;
    save();
}

const soak_counts *soak_run(uint32_t steps)
{
    const uint32_t target = peace.steps + steps;
    while (peace.steps < target && learn(&peace) == TP_OK) {
    }
    while (field.steps < target) {
        live_one_step();
    }
    counts.steps = peace.steps;
    counts.crc = state_crc(&peace);
    counts.mismatches += peace.steps != target || state_crc(&field) != counts.crc;
    counts.violations = flash.violations;
    return &counts;
}
