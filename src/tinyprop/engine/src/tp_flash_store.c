/* SPDX-License-Identifier: Apache-2.0 */
/* Values of samples on shelves in flash. A shelf is a head and places for records; a record is a header, the values, and
 * bytes of erased flash up to a whole unit. docs/sample-store.md has every byte. Of two records of a slot on one shelf the
 * later place counts, of two shelves of a group the one with the later sequence. */
#include "tp_flash_store.h"
#include "tp_bytes.h"
#include "tp_config.h"
#include "tp_crc32.h"
#include "tp_flash_calls.h"

#include <string.h>

#define TP_PIECE TP_FLASH_LARGEST_UNIT /* moved at once through the stack: any unit divides it */
#define TP_NOWHERE 0xFFFFU             /* no shelf, no place */

enum { MAGIC, SEQUENCE, GROUP, HEAD_CRC, HEAD_WORDS };
enum { SLOT, LABEL, SEEN, DRAWN, RECORD_CRC, RECORD_WORDS };

/* Number `i` of a row of numbers of two bytes. */
static uint32_t number_in(const uint8_t *row, uint32_t i)
{
    return (uint32_t)row[2U * i + 1U] << 8 | row[2U * i];
}

static void put_number(uint8_t *row, uint32_t i, uint32_t number)
{
    row[2U * i] = (uint8_t)(number & 0xFFU);
    row[2U * i + 1U] = (uint8_t)(number >> 8);
}

static uint32_t value_bytes(const tp_buffer_settings *s)
{
    return s->features * s->format;
}

int tp_flash_store_plan(const tp_buffer_settings *settings, const tp_flash_store_settings *where, tp_shelf_plan *plan)
{
    if (settings == NULL || where == NULL || plan == NULL) {
        return TP_ERR_NULL;
    }
    const tp_flash *flash = where->flash;
    const uint32_t most = UINT32_MAX / 8U; /* no sum of what is below it overflows */
    if (!tp_flash_holds(flash) || flash->block_bytes > most || where->offset % flash->block_bytes != 0U
        || where->shelves < 2U || where->shelves > TP_FLASH_STORE_MOST || settings->features > most / sizeof(float)
        || settings->format > sizeof(float) || settings->capacity == 0U || settings->capacity > most) {
        return TP_BUFFER_ERR_SETTINGS;
    }
    tp_shelf_plan p;
    p.head_bytes = tp_rounded_up(TP_FLASH_STORE_HEAD_BYTES, flash->unit_bytes);
    p.record_bytes = tp_rounded_up(TP_FLASH_STORE_RECORD_BYTES + value_bytes(settings), flash->unit_bytes);
    p.shelf_bytes = tp_rounded_up(p.head_bytes + p.record_bytes, flash->block_bytes);
    p.places = tp_least((p.shelf_bytes - p.head_bytes) / p.record_bytes, TP_FLASH_STORE_MOST);
    p.group = (settings->capacity + where->shelves - 2U) / (where->shelves - 1U);
    p.groups = (settings->capacity + p.group - 1U) / p.group;
    if (p.group > p.places || p.shelf_bytes > (UINT32_MAX - where->offset) / where->shelves) {
        return TP_BUFFER_ERR_SETTINGS;
    }
    *plan = p;
    return TP_OK;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* What other settings would read wrongly. The seed is not part of it, nor how long samples sleep. */
static uint32_t identity_of(const tp_buffer_settings *s, const tp_flash_store *store)
{
    const int is_scaled = s->format == TP_BUFFER_8_BIT;
    const uint32_t words[] = {store->settings->identity, s->capacity, s->features, s->classes, s->format,
                              is_scaled ? bits_of(s->low) : 0U, is_scaled ? bits_of(s->high) : 0U,
                              store->plan.shelf_bytes, store->plan.record_bytes, store->plan.group};
    uint32_t crc = 0U;
    for (uint32_t i = 0U; i < sizeof words / sizeof words[0]; ++i) {
        uint8_t bytes[4];
        tp_put_word(bytes, 0U, words[i]);
        crc = tp_crc32(crc, bytes, sizeof bytes);
    }
    return crc;
}

static uint32_t shelf_at(const tp_flash_store *store, uint32_t shelf)
{
    return store->settings->offset + shelf * store->plan.shelf_bytes;
}

static uint32_t record_at(const tp_flash_store *store, uint32_t shelf, uint32_t place)
{
    return shelf_at(store, shelf) + store->plan.head_bytes + place * store->plan.record_bytes;
}

/* Where the sample of a slot lies that has a place. */
static uint32_t current_record(const tp_flash_store *store, uint32_t slot)
{
    return record_at(store, number_in(store->shelf_of, slot / store->plan.group), number_in(store->place_of, slot));
}

/* Both return whether the driver did. */
static int read_flash(const tp_flash_store *store, uint32_t at, void *to, uint32_t bytes)
{
    const tp_flash *flash = store->settings->flash;
    return flash->read(flash->context, at, to, bytes) == 0;
}

static int program_flash(const tp_flash_store *store, uint32_t at, const void *from, uint32_t bytes)
{
    const tp_flash *flash = store->settings->flash;
    return flash->program(flash->context, at, from, bytes) == 0;
}

static uint32_t head_crc(const tp_flash_store *store, const uint8_t *head)
{
    return tp_crc32(store->identity, head, 4U * (uint32_t)HEAD_CRC);
}

/* Reads the head of a shelf. Returns 1: it is one of this store's, 0: it is not, TP_BUFFER_ERR_FLASH: reading fails. */
static int read_head(const tp_flash_store *store, uint32_t shelf, uint8_t head[TP_FLASH_STORE_HEAD_BYTES])
{
    if (!read_flash(store, shelf_at(store, shelf), head, TP_FLASH_STORE_HEAD_BYTES)) {
        return TP_BUFFER_ERR_FLASH;
    }
    return tp_word(head, MAGIC) == TP_FLASH_STORE_MAGIC && tp_word(head, HEAD_CRC) == head_crc(store, head)
        && tp_word(head, GROUP) < store->plan.groups;
}

/* Reads a record from end to end. Returns whether it is whole. */
TP_NOINLINE int read_record(const tp_flash_store *store, const tp_buffer_settings *s, uint32_t at,
                            uint8_t header[TP_FLASH_STORE_RECORD_BYTES])
{
    if (!read_flash(store, at, header, TP_FLASH_STORE_RECORD_BYTES) || tp_word(header, SLOT) >= s->capacity
        || tp_word(header, LABEL) >= s->classes) {
        return 0;
    }
    uint8_t piece[TP_PIECE];
    const uint32_t end = value_bytes(s);
    uint32_t crc = tp_crc32(store->identity, header, 4U * (uint32_t)RECORD_CRC);
    for (uint32_t first = 0U; first < end; first += TP_PIECE) {
        const uint32_t count = tp_least(TP_PIECE, end - first);
        if (!read_flash(store, at + TP_FLASH_STORE_RECORD_BYTES + first, piece, count)) {
            return 0;
        }
        crc = tp_crc32(crc, piece, count);
    }
    return crc == tp_word(header, RECORD_CRC);
}

static int holds_slot(const tp_flash_store *store, const tp_buffer_settings *s, uint32_t at, uint32_t slot)
{
    uint8_t header[TP_FLASH_STORE_RECORD_BYTES];
    return read_record(store, s, at, header) && tp_word(header, SLOT) == slot;
}

/* Writes a sample over what is erased, and reads it back. Returns whether it is there to stay. */
TP_NOINLINE int write_record(const tp_flash_store *store, const tp_buffer *b, uint32_t at, uint32_t slot, uint32_t label,
                             const float *x)
{
    const tp_buffer_settings *s = b->settings;
    const uint32_t end = value_bytes(s);
    uint8_t header[TP_FLASH_STORE_RECORD_BYTES], piece[TP_PIECE];
    tp_put_word(header, SLOT, slot);
    tp_put_word(header, LABEL, label);
    tp_put_word(header, SEEN, tp_buffer_seen(b, label));
    tp_put_word(header, DRAWN, b->state->drawn);
    uint32_t crc = tp_crc32(store->identity, header, 4U * (uint32_t)RECORD_CRC);
    for (uint32_t first = 0U; first < end; first += TP_PIECE) {
        const uint32_t count = tp_least(TP_PIECE, end - first);
        tp_buffer_encode(s, x, first, count, piece);
        crc = tp_crc32(crc, piece, count);
    }
    tp_put_word(header, RECORD_CRC, crc);
    uint32_t taken = TP_FLASH_STORE_RECORD_BYTES; /* of a piece, by the header */
    for (uint32_t done = 0U, first = 0U; done < store->plan.record_bytes; done += TP_PIECE, taken = 0U) {
        const uint32_t bytes = tp_least(TP_PIECE, store->plan.record_bytes - done);
        const uint32_t count = tp_least(bytes - taken, end - first);
        memset(piece, 0xFF, sizeof piece);
        memcpy(piece, header, taken);
        tp_buffer_encode(s, x, first, count, piece + taken);
        first += count;
        if (!program_flash(store, at + done, piece, bytes)) {
            return 0;
        }
    }
    return tp_flash_sync(store->settings->flash) && holds_slot(store, s, at, slot);
}

TP_NOINLINE int copy_record(const tp_flash_store *store, uint32_t from, uint32_t to)
{
    uint8_t piece[TP_PIECE];
    for (uint32_t done = 0U; done < store->plan.record_bytes; done += TP_PIECE) {
        const uint32_t bytes = tp_least(TP_PIECE, store->plan.record_bytes - done);
        if (!read_flash(store, from + done, piece, bytes) || !program_flash(store, to + done, piece, bytes)) {
            return 0;
        }
    }
    return 1;
}

/* From now on the shelf counts. */
TP_NOINLINE int write_head(tp_flash_store *store, uint32_t shelf, uint32_t group)
{
    uint8_t piece[TP_PIECE], found[TP_FLASH_STORE_HEAD_BYTES];
    memset(piece, 0xFF, sizeof piece);
    tp_put_word(piece, MAGIC, TP_FLASH_STORE_MAGIC);
    tp_put_word(piece, SEQUENCE, ++store->sequence);
    tp_put_word(piece, GROUP, group);
    tp_put_word(piece, HEAD_CRC, head_crc(store, piece));
    return program_flash(store, shelf_at(store, shelf), piece, store->plan.head_bytes)
        && tp_flash_sync(store->settings->flash) && read_head(store, shelf, found) == 1;
}

static int keeps_a_group(const tp_flash_store *store, uint32_t shelf)
{
    uint32_t group = 0U;
    while (group < store->plan.groups && number_in(store->shelf_of, group) != shelf) {
        ++group;
    }
    return group < store->plan.groups;
}

/* The next shelf that keeps no group: there are more shelves than groups, in a full store mostly by one. */
static uint32_t spare_shelf(const tp_flash_store *store)
{
    uint32_t shelf = store->last;
    do {
        shelf = (shelf + 1U) % store->settings->shelves;
    } while (keeps_a_group(store, shelf));
    return shelf;
}

static int erase_shelf(tp_flash_store *store, uint32_t shelf)
{
    const tp_flash *flash = store->settings->flash;
    ++store->erased;
    for (uint32_t done = 0U; done < store->plan.shelf_bytes; done += flash->block_bytes) {
        if (!tp_flash_erase(flash, shelf_at(store, shelf) + done)) {
            return 0;
        }
    }
    return tp_flash_sync(flash);
}

/* What the group of `slot` keeps, but for that slot, goes to the first places of `shelf`, and the number of them to
 * `count`. A sample that is not whole any more is given up. Returns whether the driver did. */
static int copy_group(const tp_flash_store *store, const tp_buffer_settings *s, uint32_t slot, uint32_t shelf,
                      uint32_t *count)
{
    const uint32_t group = slot / store->plan.group, first = group * store->plan.group;
    const uint32_t end = tp_least(first + store->plan.group, s->capacity);
    *count = 0U;
    for (uint32_t other = first; other < end; ++other) {
        if (other == slot || number_in(store->place_of, other) == TP_NOWHERE) {
            continue;
        }
        const uint32_t from = current_record(store, other);
        if (!holds_slot(store, s, from, other)) {
            put_number(store->place_of, other, TP_NOWHERE);
            continue;
        }
        const uint32_t to = record_at(store, shelf, *count);
        if (!copy_record(store, from, to) || !holds_slot(store, s, to, other)) {
            return 0;
        }
        ++*count;
    }
    return 1;
}

/* The group of `slot` moves to the spare shelf, with x in that slot; until its head is written the old shelf counts. */
static int move_group(tp_flash_store *store, const tp_buffer *b, uint32_t slot, uint32_t label, const float *x)
{
    const tp_buffer_settings *s = b->settings;
    const uint32_t group = slot / store->plan.group, first = group * store->plan.group, shelf = spare_shelf(store);
    uint32_t count;
    store->last = shelf;
    if (!erase_shelf(store, shelf) || !copy_group(store, s, slot, shelf, &count)
        || !write_record(store, b, record_at(store, shelf, count), slot, label, x) || !write_head(store, shelf, group)) {
        return 0;
    }
    put_number(store->shelf_of, group, shelf);
    put_number(store->used, group, count + 1U);
    put_number(store->place_of, slot, count);
    for (uint32_t other = first, place = 0U; place < count; ++other) {
        if (other != slot && number_in(store->place_of, other) != TP_NOWHERE) {
            put_number(store->place_of, other, place++);
        }
    }
    return 1;
}

static int put_on_shelf(void *context, const tp_buffer *b, uint32_t slot, uint32_t label, const float *x)
{
    tp_flash_store *store = context;
    const uint32_t group = slot / store->plan.group, place = number_in(store->used, group);
    if (place == store->plan.places) {
        return move_group(store, b, slot, label, x) ? TP_OK : TP_BUFFER_ERR_FLASH;
    }
    put_number(store->used, group, place + 1U); /* spoilt, should writing fail */
    if (!write_record(store, b, record_at(store, number_in(store->shelf_of, group), place), slot, label, x)) {
        return TP_BUFFER_ERR_FLASH;
    }
    put_number(store->place_of, slot, place);
    return TP_OK;
}

static int get_from_shelf(void *context, const tp_buffer *b, uint32_t slot, float *x)
{
    tp_flash_store *store = context;
    const tp_buffer_settings *s = b->settings;
    const uint32_t bytes = value_bytes(s);
    uint8_t header[TP_FLASH_STORE_RECORD_BYTES], *values = (uint8_t *)(x + s->features) - bytes; /* x is room enough */
    if (number_in(store->place_of, slot) != TP_NOWHERE) {
        const uint32_t at = current_record(store, slot);
        if (read_flash(store, at, header, sizeof header) && tp_word(header, SLOT) == slot
            && read_flash(store, at + TP_FLASH_STORE_RECORD_BYTES, values, bytes)
            && tp_crc32(tp_crc32(store->identity, header, 4U * (uint32_t)RECORD_CRC), values, bytes)
                   == tp_word(header, RECORD_CRC)) {
            tp_buffer_decode(s, values, x);
            return TP_OK;
        }
    }
    ++store->unreadable;
    return TP_BUFFER_ERR_FLASH;
}

/* Whether `a` was written after `b`: numbers wrap, and the later is ahead by less than half of all there are. */
static int is_later(uint32_t a, uint32_t b)
{
    return a - b < UINT32_MAX / 2U;
}

/* Finds the shelf of each group. Returns whether any shelf can be read. */
static int find_shelves(tp_flash_store *store)
{
    uint32_t readable = 0U, found = 0U;
    for (uint32_t shelf = 0U; shelf < store->settings->shelves; ++shelf) {
        uint8_t head[TP_FLASH_STORE_HEAD_BYTES], other[TP_FLASH_STORE_HEAD_BYTES];
        const int is_head = read_head(store, shelf, head);
        readable += is_head >= 0;
        if (is_head != 1) {
            continue;
        }
        const uint32_t sequence = tp_word(head, SEQUENCE);
        const uint32_t group = tp_word(head, GROUP), holder = number_in(store->shelf_of, group);
        if (holder == TP_NOWHERE || read_head(store, holder, other) != 1
            || is_later(sequence, tp_word(other, SEQUENCE))) {
            put_number(store->shelf_of, group, shelf);
        }
        if (found++ == 0U || is_later(sequence, store->sequence)) {
            store->sequence = sequence;
            store->last = shelf;
        }
    }
    return readable != 0U;
}

/* Tells the rules of every sample of a group, place by place. */
static void recall_group(tp_flash_store *store, const tp_buffer *b, uint32_t group)
{
    for (uint32_t place = 0U; place < store->plan.places; ++place) {
        uint8_t header[TP_FLASH_STORE_RECORD_BYTES];
        if (!read_record(store, b->settings, record_at(store, number_in(store->shelf_of, group), place), header)
            || tp_word(header, SLOT) / store->plan.group != group) {
            continue;
        }
        const uint32_t slot = tp_word(header, SLOT);
        put_number(store->place_of, slot, place);
        tp_buffer_recall(b, slot, tp_word(header, LABEL), tp_word(header, SEEN), tp_word(header, DRAWN));
    }
}

int32_t tp_flash_store_open(tp_flash_store *store, tp_buffer *buffer, const tp_buffer_settings *settings,
                            const tp_flash_store_settings *where, void *memory, size_t bytes)
{
    if (store == NULL || buffer == NULL || memory == NULL) {
        return TP_ERR_NULL;
    }
    tp_shelf_plan plan;
    const int planned = tp_flash_store_plan(settings, where, &plan);
    if (planned != TP_OK) {
        return planned;
    }
    const size_t needed = TP_FLASH_STORE_BYTES(settings->capacity, settings->classes, where->shelves);
    if (bytes < needed) {
        return TP_ERR_MEMORY;
    }
    const tp_flash_store fresh = {.settings = where, .values = {store, get_from_shelf, put_on_shelf}, .plan = plan,
                                  .last = where->shelves - 1U};
    const int prepared = tp_buffer_prepare(buffer, settings, &store->values, memory, bytes);
    if (prepared != TP_OK) {
        return prepared;
    }
    *store = fresh;
    store->identity = identity_of(settings, store);
    store->shelf_of = (uint8_t *)memory + TP_BUFFER_BYTES(settings->capacity, 0U, settings->classes, settings->format);
    store->used = store->shelf_of + 2U * plan.groups;
    store->place_of = store->used + 2U * plan.groups;
    memset(store->shelf_of, 0xFF, 2U * (2U * plan.groups + settings->capacity));
    if (!find_shelves(store)) {
        buffer->state = NULL;
        return TP_BUFFER_ERR_FLASH;
    }
    for (uint32_t group = 0U; group < plan.groups; ++group) {
        /* A place that reads as erased may be one that a cut left: none is written that was not erased since. */
        put_number(store->used, group, plan.places);
        if (number_in(store->shelf_of, group) != TP_NOWHERE) {
            recall_group(store, buffer, group);
        }
    }
    return (int32_t)buffer->state->filled;
}
