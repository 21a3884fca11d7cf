/* SPDX-License-Identifier: Apache-2.0 */
/* What checkpoints and stores in flash ask of a tp_flash, and of its geometry. Compilers choose what to inline: it is
 * smaller than either way throughout. */
#ifndef TP_FLASH_CALLS_H
#define TP_FLASH_CALLS_H

#include "tp_checkpoint.h"

#include <stddef.h>
#include <stdint.h>

static inline uint32_t tp_rounded_up(uint32_t bytes, uint32_t unit)
{
    return (bytes + unit - 1U) / unit * unit;
}

static inline uint32_t tp_least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Whether the driver is there and its geometry can be. */
static inline int tp_flash_holds(const tp_flash *flash)
{
    if (flash == NULL || flash->read == NULL || flash->program == NULL) {
        return 0;
    }
    const uint32_t unit = flash->unit_bytes, block = flash->block_bytes;
    return unit != 0U && unit <= TP_FLASH_LARGEST_UNIT && (unit & (unit - 1U)) == 0U && block != 0U && block % unit == 0U
        && (flash->erase != NULL || block == unit);
}

/* Both return whether the driver did, or has nothing to do. */
static inline int tp_flash_erase(const tp_flash *flash, uint32_t offset)
{
    return flash->erase == NULL || flash->erase(flash->context, offset) == 0;
}

static inline int tp_flash_sync(const tp_flash *flash)
{
    return flash->sync == NULL || flash->sync(flash->context) == 0;
}

#endif
