/* SPDX-License-Identifier: Apache-2.0 */
/* Flash as it is: a block is erased to ones, a unit is programmed once after that, and power goes at any operation. */
#ifndef TINYPROP_EMULATED_FLASH_H
#define TINYPROP_EMULATED_FLASH_H

#include "tp_checkpoint.h"

#include <stdint.h>

#define FLASH_NEVER UINT32_MAX

/* What becomes of the operation at which power goes. */
typedef enum flash_cut {
    FLASH_CUT_BEFORE,    /* nothing */
    FLASH_CUT_AFTER,     /* all of it, but the caller never hears of it */
    FLASH_CUT_TORN,      /* each bit that was to change did or did not */
    FLASH_CUT_WEAK,      /* each of these bits reads one way now and another way then, until it is written again */
    FLASH_CUT_REFUSED,   /* torn, and reading it fails until it is written again: flash with error correction */
    FLASH_CUT_REORDERED  /* of what was written since the last sync, each block has got any number of its operations */
} flash_cut;

typedef struct flash_operation {
    uint32_t offset;
    uint32_t data; /* where its unit begins in `queued`; FLASH_NEVER: an erasure */
} flash_operation;

/* One operation is one unit programmed or one block erased. Arrays are the caller's, see flash_attach. */
typedef struct emulated_flash {
    tp_flash driver;
    uint32_t size;
    uint8_t *bytes;       /* [size] what reads see */
    uint8_t *kept;        /* [size] what survives: less than that, where writes are queued */
    uint8_t *written;     /* [size / unit] since it was erased */
    uint8_t *kept_written;
    uint8_t *weak;        /* [size] bits that read as they like, or bytes that cannot be read */
    int refuses;          /* the latter */
    uint8_t *queued;      /* [2 * size] of the operations since the last sync */
    flash_operation *queue; /* [2 * size / unit] */
    uint32_t queue_length;
    uint32_t *budget;     /* [size / block] how many operations of a block get through */
    uint32_t operations, erasures, programmed; /* so far: all, blocks, units */
    uint32_t cut_at;      /* the number of the operation at which power goes */
    flash_cut cut;
    uint32_t draw;        /* of what is torn, and of what gets through */
    int is_off;
    uint32_t violations;  /* what no flash allows: units programmed twice, outside, or not whole */
} emulated_flash;

/* Bytes of memory for a flash of `size` bytes in units of `unit`. */
uint32_t flash_memory_bytes(uint32_t size, uint32_t unit);

/* A flash in `memory`, full of what was there before, as a board out of the box. erases: 0 for EEPROM and FRAM. */
void flash_attach(emulated_flash *flash, void *memory, uint32_t size, uint32_t block, uint32_t unit, int erases);

/* Over `to`, of the same size, all that `from` holds: both are at rest, with nothing queued. */
void flash_copy(emulated_flash *to, const emulated_flash *from, uint32_t memory_bytes);

/* Power goes at the operation `at`, counted from now. */
void flash_plan_cut(emulated_flash *flash, uint32_t at, flash_cut cut, uint32_t draw);

/* Power comes back; what did not survive is gone. */
void flash_power_on(emulated_flash *flash);

#endif
