/* SPDX-License-Identifier: Apache-2.0 */
/* A store of samples whose values lie in flash, EEPROM or FRAM: a tp_buffer like any other, with labels, sleep and counts
 * in RAM, that keeps the samples which it would keep in RAM and is found again after a loss of power at any moment.
 *
 *     static const tp_buffer_settings settings = {500U, 64U, 10U, TP_BUFFER_8_BIT, 0.0f, 1.0f, 15U, 1U};
 *     static const tp_flash_store_settings where = {&flash, 0x000E0000U, 27U, 1U};
 *     static uint32_t memory[TP_FLASH_STORE_BYTES(500U, 10U, 27U) / 4U];
 *     found = tp_flash_store_open(&shelves, &store, &settings, &where, memory, sizeof memory);
 *     tp_buffer_offer(&store, sample, label); ... as in tp_buffer.h
 *
 * The flash is divided into shelves, each of whole blocks. A shelf keeps a group of neighbouring slots, and has room for
 * more: a sample that takes another's place is written to the next place that is free. Where there is none, what is still
 * valid goes to the one shelf that nobody needs, with the new sample, and a head is written last; from then on that shelf
 * counts. Nothing is erased that counts, so that a cut leaves the old sample or the new one. Every sample has a CRC, which is
 * looked at whenever it is read.
 */
#ifndef TP_FLASH_STORE_H
#define TP_FLASH_STORE_H

#include "tp_buffer.h"
#include "tp_buffer_values.h"
#include "tp_checkpoint.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TP_FLASH_STORE_MAGIC 0x53425054U      /* "TPBS", the low byte first */
#define TP_FLASH_STORE_HEAD_BYTES 16U         /* of a shelf: magic, sequence, group, CRC */
#define TP_FLASH_STORE_RECORD_BYTES 20U       /* of a sample, before its values: slot, label, seen, drawn, CRC */
#define TP_FLASH_STORE_MOST 65534U            /* shelves, and places of a shelf */

/* Bytes of RAM, a multiple of four: what tp_buffer keeps but the values, two bytes per sample, four per shelf but one. */
#define TP_FLASH_STORE_BYTES(capacity, classes, shelves)                                                               \
    (TP_BUFFER_BYTES(capacity, 0U, classes, TP_BUFFER_8_BIT) + (2U * (capacity) + 4U * ((shelves)-1U) + 3U) / 4U * 4U)

/* Constant as long as the store lives. */
typedef struct tp_flash_store_settings {
    const tp_flash *flash;
    uint32_t offset;   /* of the first shelf: a multiple of block_bytes */
    uint32_t shelves;  /* one behind the other. More than it takes: fewer erasures */
    uint32_t identity; /* any number. A store that was written under another one is not found: change it when the frozen
                          weights that make latents change */
} tp_flash_store_settings;

/* How samples lie in the flash; follows from the settings. */
typedef struct tp_shelf_plan {
    uint32_t shelf_bytes;  /* whole blocks */
    uint32_t head_bytes;   /* whole units */
    uint32_t record_bytes; /* whole units */
    uint32_t places;       /* records that a shelf has room for */
    uint32_t group;        /* slots that share a shelf: slot / group is the number of their group */
    uint32_t groups;       /* fewer than shelves */
} tp_shelf_plan;

/* Beside the tp_buffer; both stay where they are as long as the store lives. All but the counts is the store's own. */
typedef struct tp_flash_store {
    const tp_flash_store_settings *settings;
    tp_buffer_values values;
    tp_shelf_plan plan;
    uint32_t identity;   /* of all settings: every CRC goes on from it */
    uint32_t sequence;   /* of the head written last, modulo 2^32 */
    uint32_t last;       /* the shelf that was written last */
    uint32_t erased;     /* shelves erased since it was opened */
    uint32_t unreadable; /* reads of a sample that was not whole */
    uint8_t *shelf_of;   /* [groups] numbers of two bytes, the low one first, behind what tp_buffer keeps */
    uint8_t *used;       /* [groups] places of its shelf that may not be written any more */
    uint8_t *place_of;   /* [capacity] */
} tp_flash_store;

/* How the samples of a store would lie. Returns TP_OK, TP_ERR_NULL or TP_BUFFER_ERR_SETTINGS: settings out of range, or not
 * enough shelves. */
int tp_flash_store_plan(const tp_buffer_settings *settings, const tp_flash_store_settings *where, tp_shelf_plan *plan);

/* Makes `buffer` a store with its values in flash, in `memory` of TP_FLASH_STORE_BYTES, and looks for what is there. Nothing is
 * written. Returns the number of samples found, all awake, 0 the first time; the counts of samples offered are those of
 * the last sample stored of each class. Or TP_ERR_NULL, TP_ERR_MEMORY, TP_BUFFER_ERR_SETTINGS, or TP_BUFFER_ERR_FLASH: no
 * shelf can be read at all. */
int32_t tp_flash_store_open(tp_flash_store *store, tp_buffer *buffer, const tp_buffer_settings *settings,
                            const tp_flash_store_settings *where, void *memory, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
