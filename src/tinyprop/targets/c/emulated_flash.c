/* SPDX-License-Identifier: Apache-2.0 */
#include "emulated_flash.h"

#include <string.h>

static uint32_t drawn(emulated_flash *flash)
{
    flash->draw = flash->draw * 1664525U + 1013904223U;
    return flash->draw >> 16;
}

uint32_t flash_memory_bytes(uint32_t size, uint32_t unit)
{
    return 5U * size + size / unit * (2U + 2U * (uint32_t)sizeof(flash_operation) + (uint32_t)sizeof(uint32_t));
}

/* Applies one operation to an array of bytes. Torn: each bit that was to change did, or did not, as it is drawn. */
static void apply(emulated_flash *flash, const flash_operation *operation, uint8_t *bytes, uint8_t *written, int is_torn)
{
    const int is_erasure = operation->data == FLASH_NEVER;
    const uint32_t unit = flash->driver.unit_bytes;
    const uint32_t count = is_erasure ? flash->driver.block_bytes : unit;
    for (uint32_t i = 0U; i < count; ++i) {
        uint8_t *byte = bytes + operation->offset + i;
        uint8_t target = is_erasure ? 0xFFU : flash->queued[operation->data + i];
        if (!is_erasure && flash->driver.erase != NULL) {
            target &= *byte; /* programming makes zeros, never ones */
        }
        const uint8_t changed = (uint8_t)(*byte ^ target);
        *byte = (uint8_t)(*byte ^ (is_torn ? changed & drawn(flash) : changed));
        flash->weak[operation->offset + i] = !is_torn ? 0U
            : flash->cut == FLASH_CUT_REFUSED ? 0xFFU : flash->cut == FLASH_CUT_WEAK ? changed : 0U;
    }
    /* What was torn counts as written: it has to be erased before it is programmed again. */
    memset(written + operation->offset / unit, is_torn || !is_erasure, count / unit);
}

/* What is queued becomes lasting: all of it, or of each block as many operations as are drawn, in their order. */
static void settle(emulated_flash *flash, int all)
{
    const uint32_t block = flash->driver.block_bytes;
    memset(flash->budget, 0, flash->size / block * sizeof *flash->budget);
    for (uint32_t i = 0U; i < flash->queue_length; ++i) {
        ++flash->budget[flash->queue[i].offset / block];
    }
    for (uint32_t i = 0U; !all && i < flash->size / block; ++i) {
        flash->budget[i] = drawn(flash) % (flash->budget[i] + 1U);
    }
    for (uint32_t i = 0U; i < flash->queue_length; ++i) {
        uint32_t *left = flash->budget + flash->queue[i].offset / block;
        if (*left > 0U) {
            --*left;
            apply(flash, &flash->queue[i], flash->kept, flash->kept_written, 0);
        }
    }
    flash->queue_length = 0U;
}

/* Does one operation, or what the cut leaves of it. Returns 0, or -1 where there is no power any more. */
static int operate(emulated_flash *flash, flash_operation operation)
{
    if (flash->is_off) {
        return -1;
    }
    const int is_cut = flash->operations++ == flash->cut_at;
    if (is_cut && flash->cut == FLASH_CUT_BEFORE) {
        flash->is_off = 1;
        return -1;
    }
    flash->queue[flash->queue_length++] = operation;
    const int is_torn = is_cut && flash->cut != FLASH_CUT_AFTER && flash->cut != FLASH_CUT_REORDERED;
    apply(flash, &operation, flash->bytes, flash->written, is_torn);
    if (flash->cut == FLASH_CUT_REORDERED && !is_cut) {
        return 0; /* it waits for a sync */
    }
    if (is_torn) { /* alone in the queue: the same bits survive as are seen */
        const uint32_t count = operation.data == FLASH_NEVER ? flash->driver.block_bytes : flash->driver.unit_bytes;
        memcpy(flash->kept + operation.offset, flash->bytes + operation.offset, count);
        memset(flash->kept_written + operation.offset / flash->driver.unit_bytes, 1, count / flash->driver.unit_bytes);
        flash->queue_length = 0U;
    } else {
        settle(flash, flash->cut != FLASH_CUT_REORDERED);
    }
    flash->is_off = is_cut;
    return is_cut ? -1 : 0;
}

static int flash_read(void *context, uint32_t offset, void *to, uint32_t bytes)
{
    emulated_flash *flash = context;
    if (flash->is_off) {
        return -1;
    }
    if (offset > flash->size || bytes > flash->size - offset) {
        ++flash->violations;
        return -1;
    }
    for (uint32_t i = 0U; i < bytes; ++i) {
        const uint8_t weak = flash->weak[offset + i];
        if (weak != 0U && flash->refuses) {
            return -1;
        }
        ((uint8_t *)to)[i] = (uint8_t)(flash->bytes[offset + i] ^ (weak != 0U ? weak & drawn(flash) : 0U));
    }
    return 0;
}

static int flash_program(void *context, uint32_t offset, const void *from, uint32_t bytes)
{
    emulated_flash *flash = context;
    const uint32_t unit = flash->driver.unit_bytes;
    if (offset % unit != 0U || bytes % unit != 0U || offset > flash->size || bytes > flash->size - offset) {
        ++flash->violations;
        return -1;
    }
    for (uint32_t done = 0U; done < bytes; done += unit) {
        const uint32_t at = offset + done;
        if (flash->driver.erase != NULL && flash->written[at / unit] && !flash->is_off) {
            ++flash->violations;
            return -1;
        }
        const flash_operation operation = {at, flash->queue_length * unit};
        memcpy(flash->queued + operation.data, (const uint8_t *)from + done, unit);
        flash->programmed += !flash->is_off;
        if (operate(flash, operation) != 0) {
            return -1;
        }
    }
    return 0;
}

static int flash_erase(void *context, uint32_t offset)
{
    emulated_flash *flash = context;
    if (offset % flash->driver.block_bytes != 0U || offset >= flash->size) {
        ++flash->violations;
        return -1;
    }
    const flash_operation operation = {offset, FLASH_NEVER};
    flash->erasures += !flash->is_off;
    return operate(flash, operation);
}

static int flash_sync(void *context)
{
    emulated_flash *flash = context;
    if (flash->is_off) {
        return -1;
    }
    settle(flash, 1);
    return 0;
}

void flash_attach(emulated_flash *flash, void *memory, uint32_t size, uint32_t block, uint32_t unit, int erases)
{
    const tp_flash driver = {flash, block, unit, flash_read, flash_program, erases ? flash_erase : NULL, flash_sync};
    const emulated_flash fresh = {.driver = driver, .size = size, .cut_at = FLASH_NEVER, .draw = 1U};
    *flash = fresh;
    flash->queue = memory;
    flash->budget = (uint32_t *)(flash->queue + 2U * (size / unit));
    flash->bytes = (uint8_t *)(flash->budget + size / unit);
    flash->kept = flash->bytes + size;
    flash->weak = flash->kept + size;
    flash->queued = flash->weak + size;
    flash->written = flash->queued + 2U * size;
    flash->kept_written = flash->written + size / unit;
    for (uint32_t i = 0U; i < size; ++i) {
        flash->bytes[i] = (uint8_t)drawn(flash);
    }
    memcpy(flash->kept, flash->bytes, size);
    memset(flash->weak, 0, size);
    memset(flash->written, 1, 2U * (size / unit));
}

void flash_copy(emulated_flash *to, const emulated_flash *from, uint32_t memory_bytes)
{
    memcpy(to->queue, from->queue, memory_bytes);
    to->queue_length = 0U;
    to->refuses = from->refuses;
    to->operations = to->erasures = to->programmed = to->violations = 0U;
    to->cut_at = FLASH_NEVER;
    to->is_off = 0;
}

void flash_plan_cut(emulated_flash *flash, uint32_t at, flash_cut cut, uint32_t draw)
{
    flash->operations = 0U;
    flash->cut_at = at;
    flash->cut = cut;
    flash->refuses |= cut == FLASH_CUT_REFUSED;
    flash->draw = draw;
}

void flash_power_on(emulated_flash *flash)
{
    if (flash->queue_length > 0U) {
        settle(flash, 0);
    }
    memcpy(flash->bytes, flash->kept, flash->size);
    memcpy(flash->written, flash->kept_written, flash->size / flash->driver.unit_bytes);
    flash->is_off = 0;
    flash->cut_at = FLASH_NEVER;
    flash->cut = FLASH_CUT_BEFORE;
}
