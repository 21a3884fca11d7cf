/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: what a model has learned, in memory that outlives a loss of power at any moment.
 *
 * Two or more slots take turns; one holds weights, optimizer state, method state and the count of steps, all under one
 * CRC. Whatever happens while a slot is written, the others are as they were, and tp_load takes the newest that is whole:
 * a model that was saved goes on bit for bit as if it had never been switched off.
 *
 *     static const tp_flash flash = {NULL, 4096U, 4U, my_read, my_program, my_erase, NULL};
 *     static const tp_checkpoint checkpoint = {&flash, 0x000F0000U, 2U, NULL, 0U};
 *     tp_init(&model, &digits, &memory, sizeof memory);
 *     tp_load(&checkpoint, &model, &steps);
 *     ... learn ...
 *     tp_save(&checkpoint, &model, steps);
 *
 * The bytes are written down in docs/checkpoint-format.md. Nothing here allocates, keeps a global or recurses; nothing is
 * remembered between calls, so that there is nothing to restore after a reset.
 */
#ifndef TP_CHECKPOINT_H
#define TP_CHECKPOINT_H

#include "tinyprop.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TP_CHECKPOINT_MAGIC 0x4B435054U /* "TPCK", little-endian like every word of a checkpoint */
#define TP_CHECKPOINT_VERSION 1U
#define TP_CHECKPOINT_HEADER_BYTES 32U
#define TP_FLASH_LARGEST_UNIT 256U /* bytes */
#define TP_MOST_SLOTS 32U

/* Beside those of tinyprop.h, and like them negative; tp_strerror knows them. The model is as it was after any of them, but for
 * what tp_load says. */
enum {
    TP_CHECKPOINT_ERR_SETTINGS = -30, /* the flash's geometry, or where the slots lie in it, cannot be */
    TP_CHECKPOINT_ERR_FLASH = -31,    /* a callback failed, or what was written does not read back */
    TP_CHECKPOINT_NONE = -32          /* no slot holds a whole checkpoint of this program: so it is the first time */
};

/* Memory that keeps its content without power, reached through your driver. Offsets count from its first byte. Every
 * callback returns 0, or anything else where it failed; `context` is handed to each. A call may cross boundaries of pages that
 * the memory writes at once: split it there, or name the page as the unit. */
typedef struct tp_flash {
    void *context;
    uint32_t block_bytes; /* erased at once: a multiple of unit_bytes. Where nothing is ever erased: unit_bytes */
    uint32_t unit_bytes;  /* programmed at once: a power of two, 1 to TP_FLASH_LARGEST_UNIT */
    /* Any offset, any length. Must fail, and not fault, where error correction refuses what a loss of power left. */
    int (*read)(void *context, uint32_t offset, void *to, uint32_t bytes);
    int (*program)(void *context, uint32_t offset, const void *from, uint32_t bytes); /* whole units, erased before */
    int (*erase)(void *context, uint32_t offset);  /* one block. NULL: EEPROM or FRAM, which is overwritten as it is */
    int (*sync)(void *context);  /* returns when all that was written is there to stay. NULL: it is when a call returns */
} tp_flash;

/* Where a model is kept; constant as long as it is. */
typedef struct tp_checkpoint {
    const tp_flash *flash;
    uint32_t offset;       /* of the first slot: a multiple of block_bytes */
    uint32_t slots;        /* 2 to TP_MOST_SLOTS, one behind the other: more of them wear less */
    void *extra;           /* saved and loaded with the model, byte for byte: the memory of a tp_buffer, for instance */
    uint32_t extra_bytes;  /* 0: nothing */
} tp_checkpoint;

/* Which slots are what. */
typedef struct tp_slots {
    uint32_t newest;    /* offset in the flash of the newest whole checkpoint */
    uint32_t next;      /* offset of the slot that is written next: never the newest */
    uint32_t next_is_whole;  /* 1: it holds an older checkpoint; 0: something else, or one that was never finished */
    uint32_t sequence;  /* of the newest; grows by one with each save, and may wrap */
    uint32_t steps;     /* as given to the tp_save that wrote it */
} tp_slots;

/* Bytes of a checkpoint of `program`, header included, and of the slot that holds it: whole blocks. 0: wrong settings. */
uint32_t tp_checkpoint_bytes(const tp_checkpoint *checkpoint, const tp_program *program);
uint32_t tp_slot_bytes(const tp_checkpoint *checkpoint, const tp_program *program);

/* Writes what `model` has learned, and `steps`, a count of your own, over the oldest slot, and reads it back. Blocks of
 * that slot that hold the same bytes already are neither erased nor programmed. Returns TP_OK, TP_ERR_NULL,
 * TP_ERR_NOT_READY, TP_ERR_NONFINITE (a weight is: nothing was written), TP_CHECKPOINT_ERR_SETTINGS or
 * TP_CHECKPOINT_ERR_FLASH: then the newest checkpoint is still there. */
int tp_save(const tp_checkpoint *checkpoint, const tp_model *model, uint32_t steps);

/* Reads the newest whole checkpoint of the model's program into `model`, which tp_init has made ready, and its count into
 * `steps` (NULL: not wanted). Returns TP_OK, TP_CHECKPOINT_NONE, or an error as tp_save does. Should the flash read
 * differently from one moment to the next, so that what was whole is not, the model is as after tp_init, `steps` is 0, the
 * extra bytes are to be thrown away, and TP_CHECKPOINT_ERR_FLASH says so. It also says that no slot at all can be read:
 * then the model is as it was, and tp_save refuses too, until you have erased the slots. */
int tp_load(const tp_checkpoint *checkpoint, tp_model *model, uint32_t *steps);

/* Which slot holds the newest whole checkpoint of `program`, and which would be written next. Returns TP_OK;
 * TP_CHECKPOINT_NONE, after which only `next` has a meaning; or an error. */
int tp_find_slots(const tp_checkpoint *checkpoint, const tp_program *program, tp_slots *slots);

#ifdef __cplusplus
}
#endif

#endif
