/* SPDX-License-Identifier: Apache-2.0 */
/* A store of samples on the emulated flash, for tests in Python: they open it, cut its power, and look at its bytes. */
#include "emulated_flash.h"
#include "tp_flash_store.h"

#include <stdlib.h>
#include <string.h>

typedef struct device {
    emulated_flash flash;
    uint32_t flash_memory_bytes;
    tp_flash_store_settings where;
    tp_flash_store store;
} device;

device *device_new(uint32_t size, uint32_t block, uint32_t unit, uint32_t erases, uint32_t shelves, uint32_t identity);
void device_free(device *d);
int32_t device_open(device *d, tp_buffer *buffer, const tp_buffer_settings *settings, void *memory, size_t bytes);
void device_copy(device *to, const device *from);
void device_cut(device *d, uint32_t at, flash_cut cut, uint32_t draw);
void device_power_on(device *d);
uint8_t *device_bytes(device *d);
uint32_t device_count(const device *d, uint32_t which);
uint32_t ram_bytes(uint32_t capacity, uint32_t classes, uint32_t shelves);
int planned(uint32_t block, uint32_t unit, uint32_t shelves);
int nothing_given(void);

device *device_new(uint32_t size, uint32_t block, uint32_t unit, uint32_t erases, uint32_t shelves, uint32_t identity)
{
    device *d = calloc(1U, sizeof *d);
    if (d == NULL) {
        return NULL;
    }
    d->flash_memory_bytes = flash_memory_bytes(size, unit);
    void *memory = malloc(d->flash_memory_bytes);
    if (memory == NULL) {
        free(d);
        return NULL;
    }
    flash_attach(&d->flash, memory, size, block, unit, erases != 0U);
    const tp_flash_store_settings where = {&d->flash.driver, 0U, shelves, identity};
    d->where = where;
    return d;
}

void device_free(device *d)
{
    free(d->flash.queue);
    free(d);
}

int32_t device_open(device *d, tp_buffer *buffer, const tp_buffer_settings *settings, void *memory, size_t bytes)
{
    return tp_flash_store_open(&d->store, buffer, settings, &d->where, memory, bytes);
}

/* What lies in the flash, not what a store knows of it. */
void device_copy(device *to, const device *from)
{
    flash_copy(&to->flash, &from->flash, from->flash_memory_bytes);
}

void device_cut(device *d, uint32_t at, flash_cut cut, uint32_t draw)
{
    flash_plan_cut(&d->flash, at, cut, draw);
}

void device_power_on(device *d)
{
    flash_power_on(&d->flash);
}

uint8_t *device_bytes(device *d)
{
    return d->flash.bytes;
}

uint32_t device_count(const device *d, uint32_t which)
{
    const uint32_t counts[] = {d->store.erased, d->store.unreadable, d->flash.violations, d->flash.operations,
                               (uint32_t)d->flash.is_off};
    return counts[which];
}

uint32_t ram_bytes(uint32_t capacity, uint32_t classes, uint32_t shelves)
{
    return (uint32_t)TP_FLASH_STORE_BYTES(capacity, classes, shelves);
}

/* What a plan of 12 samples of 3 floats says of a flash. */
int planned(uint32_t block, uint32_t unit, uint32_t shelves)
{
    static emulated_flash flash;
    static uint32_t memory[4096];
    const tp_buffer_settings settings = {12U, 3U, 2U, TP_BUFFER_FLOAT, 0.0f, 1.0f, 15U, 1U};
    flash_attach(&flash, memory, 256U, 128U, 4U, 1);
    flash.driver.block_bytes = block;
    flash.driver.unit_bytes = unit;
    const tp_flash_store_settings where = {&flash.driver, 0U, shelves, 0U};
    tp_shelf_plan plan;
    return tp_flash_store_plan(&settings, &where, &plan);
}

/* How many of four calls without something refuse it. */
int nothing_given(void)
{
    static const tp_buffer_settings settings = {12U, 3U, 2U, TP_BUFFER_FLOAT, 0.0f, 1.0f, 15U, 1U};
    static const tp_flash_store_settings where = {NULL, 0U, 7U, 0U};
    static uint32_t memory[64];
    tp_flash_store store;
    tp_buffer buffer;
    return (tp_flash_store_open(NULL, &buffer, &settings, &where, memory, sizeof memory) == TP_ERR_NULL)
        + (tp_flash_store_open(&store, NULL, &settings, &where, memory, sizeof memory) == TP_ERR_NULL)
        + (tp_flash_store_open(&store, &buffer, &settings, &where, NULL, sizeof memory) == TP_ERR_NULL)
        + (tp_flash_store_open(&store, &buffer, &settings, NULL, memory, sizeof memory) == TP_ERR_NULL);
}
