/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in slots that take turns. A slot holds one image: header, state words, extra bytes; docs/checkpoint-format.md
 * has every byte. Only its CRC makes an image whole, so that a loss of power at any moment, and writes that reach the
 * flash in another order, leave a slot that is either the new one or none. */
#include "tp_checkpoint.h"
#include "tp_bytes.h"
#include "tp_config.h"
#include "tp_crc32.h"
#include "tp_flash_calls.h"

#include <string.h>

#define TP_PIECE TP_FLASH_LARGEST_UNIT /* moved at once through the stack: any unit divides it */

/* Words of the header. */
enum { MAGIC, VERSION, SEQUENCE, IDENTITY, STATE_WORDS, EXTRA_BYTES, STEPS, CRC, HEADER_WORDS };
#define CRC_AT (4U * (uint32_t)CRC)

/* What is to be written. */
typedef struct tp_image {
    const tp_checkpoint *checkpoint;
    const uint8_t *state; /* words of the core */
    uint32_t state_bytes;
    uint32_t bytes;
    uint8_t header[TP_CHECKPOINT_HEADER_BYTES];
} tp_image;

/* Whether the low byte of a word comes first, as in a checkpoint; compilers know. */
static int low_byte_first(void)
{
    const uint32_t one = 1U;
    uint8_t first;
    memcpy(&first, &one, 1U);
    return first == 1U;
}

/* The program's own values are no larger than its memory; extra_bytes can be anything. */
static uint32_t image_bytes(const tp_checkpoint *c, const tp_program *program)
{
    return TP_CHECKPOINT_HEADER_BYTES + 4U * program->state_words + c->extra_bytes;
}

static int settings_hold(const tp_checkpoint *c, const tp_program *program)
{
    const tp_flash *flash = c->flash;
    if (!tp_flash_holds(flash) || c->slots < 2U || c->slots > TP_MOST_SLOTS || c->offset % flash->block_bytes != 0U
        || (c->extra == NULL) != (c->extra_bytes == 0U)) {
        return 0;
    }
    const uint32_t half = UINT32_MAX / 2U; /* no sum of two of what is below it overflows */
    if (c->extra_bytes > half / 2U || program->state_words > half / 16U || program->state_words <= program->layers
        || flash->block_bytes > half / 2U) {
        return 0;
    }
    return tp_rounded_up(image_bytes(c, program), flash->block_bytes) <= (UINT32_MAX - c->offset) / c->slots;
}

static int check(const tp_checkpoint *c, const tp_program *program)
{
    if (c == NULL || program == NULL) {
        return TP_ERR_NULL;
    }
    return settings_hold(c, program) ? TP_OK : TP_CHECKPOINT_ERR_SETTINGS;
}

static int check_model(const tp_checkpoint *c, const tp_model *model)
{
    if (c == NULL || model == NULL) {
        return TP_ERR_NULL;
    }
    return model->program != NULL && model->memory != NULL ? check(c, model->program) : TP_ERR_NOT_READY;
}

uint32_t tp_checkpoint_bytes(const tp_checkpoint *checkpoint, const tp_program *program)
{
    return check(checkpoint, program) == TP_OK ? image_bytes(checkpoint, program) : 0U;
}

uint32_t tp_slot_bytes(const tp_checkpoint *checkpoint, const tp_program *program)
{
    return tp_rounded_up(tp_checkpoint_bytes(checkpoint, program), check(checkpoint, program) == TP_OK
                                                                    ? checkpoint->flash->block_bytes : 1U);
}

/* Floats of the state: parameters, velocities and residuals; behind them lie the rules' words. */
static uint32_t floats_of(const tp_program *program)
{
    return program->state_words - program->layers - 1U;
}

/* Whether none of `count` floats, low byte first, is NaN or infinite. */
TP_NOINLINE int are_finite(const uint8_t *floats, uint32_t count)
{
    for (uint32_t i = 0U; i < count; ++i, floats += 4) {
        if ((floats[3] & 0x7FU) == 0x7FU && (floats[2] & 0x80U) != 0U) {
            return 0;
        }
    }
    return 1;
}

/* Reads the slot at `slot` from end to end. Returns 1 where it holds a whole checkpoint of `program`, with its header, 0
 * where it does not, TP_CHECKPOINT_ERR_FLASH where reading fails. */
TP_NOINLINE int read_slot(const tp_checkpoint *c, const tp_program *program, uint32_t slot,
                     uint8_t header[TP_CHECKPOINT_HEADER_BYTES])
{
    const tp_flash *flash = c->flash;
    if (flash->read(flash->context, slot, header, TP_CHECKPOINT_HEADER_BYTES) != 0) {
        return TP_CHECKPOINT_ERR_FLASH;
    }
    if (tp_word(header, MAGIC) != TP_CHECKPOINT_MAGIC || tp_word(header, VERSION) != TP_CHECKPOINT_VERSION
        || tp_word(header, IDENTITY) != program->identity || tp_word(header, STATE_WORDS) != program->state_words
        || tp_word(header, EXTRA_BYTES) != c->extra_bytes) {
        return 0;
    }
    const uint32_t end = image_bytes(c, program);
    const uint32_t end_of_floats = TP_CHECKPOINT_HEADER_BYTES + 4U * floats_of(program);
    uint32_t crc = tp_crc32(0U, header, CRC_AT);
    uint8_t piece[TP_PIECE];
    for (uint32_t at = TP_CHECKPOINT_HEADER_BYTES; at < end; at += TP_PIECE) {
        const uint32_t count = tp_least(TP_PIECE, end - at);
        if (flash->read(flash->context, slot + at, piece, count) != 0) {
            return TP_CHECKPOINT_ERR_FLASH;
        }
        crc = tp_crc32(crc, piece, count);
        if (at < end_of_floats && !are_finite(piece, tp_least(count, end_of_floats - at) / 4U)) {
            return 0;
        }
    }
    return crc == tp_word(header, CRC);
}

/* As tp_find_slots, with checked arguments; slots whose bit is set in `excluded` count as not whole. So does one that
 * cannot be read, twice in a row: flash with error correction refuses what was torn, which must not hold up the others. */
TP_NOINLINE int find(const tp_checkpoint *c, const tp_program *program, uint32_t excluded, tp_slots *slots)
{
    const uint32_t size = tp_slot_bytes(c, program);
    uint32_t whole_slots = 0U, newest = c->slots, readable = c->slots; /* c->slots: none */
    tp_slots found = {0U, 0U, 0U, 0U, 0U};
    for (uint32_t number = 0U; number < c->slots; ++number) {
        uint8_t header[TP_CHECKPOINT_HEADER_BYTES];
        const uint32_t slot = c->offset + number * size;
        int whole = read_slot(c, program, slot, header);
        if (whole < 0) {
            whole = read_slot(c, program, slot, header);
        }
        if (whole >= 0 && readable == c->slots) {
            readable = number;
        }
        if (whole <= 0 || (excluded >> number & 1U) != 0U) {
            continue;
        }
        /* Numbers wrap: the newer of two is the one that is ahead by less than half of all there are. */
        if (whole_slots == 0U || tp_word(header, SEQUENCE) - found.sequence < UINT32_MAX / 2U) {
            newest = number;
            found.sequence = tp_word(header, SEQUENCE);
            found.steps = tp_word(header, STEPS);
        }
        whole_slots |= (uint32_t)1U << number;
    }
    /* Of none that is whole, one that can be read: should another only seem unreadable, it is left alone. */
    const uint32_t next = whole_slots != 0U ? (newest + 1U) % c->slots : readable % c->slots;
    found.newest = c->offset + newest % c->slots * size;
    found.next = c->offset + next * size;
    found.next_is_whole = whole_slots >> next & 1U;
    *slots = found;
    return whole_slots != 0U ? TP_OK : readable == c->slots ? TP_CHECKPOINT_ERR_FLASH : TP_CHECKPOINT_NONE;
}

int tp_find_slots(const tp_checkpoint *checkpoint, const tp_program *program, tp_slots *slots)
{
    const int status = check(checkpoint, program);
    if (status != TP_OK) {
        return status;
    }
    return slots == NULL ? TP_ERR_NULL : find(checkpoint, program, 0U, slots);
}

/* The image of what `model` has learned. */
static tp_image image_of(const tp_checkpoint *c, const tp_model *model, uint32_t sequence, uint32_t steps)
{
    const tp_program *program = model->program;
    tp_image image = {c, model->memory, 4U * program->state_words, image_bytes(c, program), {0U}};
    tp_put_word(image.header, MAGIC, TP_CHECKPOINT_MAGIC);
    tp_put_word(image.header, VERSION, TP_CHECKPOINT_VERSION);
    tp_put_word(image.header, SEQUENCE, sequence);
    tp_put_word(image.header, IDENTITY, program->identity);
    tp_put_word(image.header, STATE_WORDS, program->state_words);
    tp_put_word(image.header, EXTRA_BYTES, c->extra_bytes);
    tp_put_word(image.header, STEPS, steps);
    return image;
}

/* Copies what of the part[size] that begins at `start` lies in the piece at `at`. flip: 3 turns the bytes of its words. */
TP_NOINLINE void copy_overlap(uint8_t *piece, uint32_t at, uint32_t count, uint32_t start, const uint8_t *part, uint32_t size,
                         uint32_t flip)
{
    const uint32_t first = at > start ? at : start, end = tp_least(at + count, start + size);
    if (first >= end) {
        return;
    }
    if (flip == 0U) {
        memcpy(piece + (first - at), part + (first - start), end - first);
        return;
    }
    for (uint32_t i = first; i < end; ++i) {
        piece[i - at] = part[(i - start) ^ flip];
    }
}

/* Bytes [at, at + count) of the image; behind its end those of erased flash. */
TP_NOINLINE void fill(const tp_image *image, uint32_t at, uint8_t *piece, uint32_t count)
{
    const tp_checkpoint *c = image->checkpoint;
    const uint32_t state_end = TP_CHECKPOINT_HEADER_BYTES + image->state_bytes;
    if (at + count > image->bytes) {
        memset(piece, 0xFF, count);
    }
    copy_overlap(piece, at, count, 0U, image->header, TP_CHECKPOINT_HEADER_BYTES, 0U);
    copy_overlap(piece, at, count, TP_CHECKPOINT_HEADER_BYTES, image->state, image->state_bytes,
                 low_byte_first() ? 0U : 3U);
    copy_overlap(piece, at, count, state_end, c->extra, c->extra_bytes, 0U);
}

/* Puts the CRC into the header. Returns whether the floats are worth keeping: all finite. */
static int seal(tp_image *image, uint32_t floats)
{
    const uint32_t end_of_floats = TP_CHECKPOINT_HEADER_BYTES + 4U * floats;
    uint32_t crc = tp_crc32(0U, image->header, CRC_AT);
    uint8_t piece[TP_PIECE];
    for (uint32_t at = TP_CHECKPOINT_HEADER_BYTES; at < image->bytes; at += TP_PIECE) {
        const uint32_t count = tp_least(TP_PIECE, image->bytes - at);
        fill(image, at, piece, count);
        crc = tp_crc32(crc, piece, count);
        if (at < end_of_floats && !are_finite(piece, tp_least(count, end_of_floats - at) / 4U)) {
            return 0;
        }
    }
    tp_put_word(image->header, CRC, crc);
    return 1;
}

/* memcmp is more than freestanding compilers come with. */
static int are_equal(const uint8_t *a, const uint8_t *b, uint32_t count)
{
    uint32_t same = 0U;
    while (same < count && a[same] == b[same]) {
        ++same;
    }
    return same == count;
}

/* Whether the flash holds bytes [at, end) of the image already. A driver that fails is asked again when writing. */
static int is_there(const tp_image *image, uint32_t slot, uint32_t at, uint32_t end)
{
    const tp_flash *flash = image->checkpoint->flash;
    for (; at < end; at += TP_PIECE / 2U) {
        uint8_t wanted[TP_PIECE / 2U], found[TP_PIECE / 2U]; /* together no more stack than elsewhere */
        const uint32_t count = tp_least(TP_PIECE / 2U, end - at);
        fill(image, at, wanted, count);
        if (flash->read(flash->context, slot + at, found, count) != 0 || !are_equal(wanted, found, count)) {
            return 0;
        }
    }
    return 1;
}

/* Programs bytes [at, end) of the image, whole units, over what is erased. Returns whether the driver did. */
TP_NOINLINE int program_part(const tp_image *image, uint32_t slot, uint32_t at, uint32_t end)
{
    const tp_flash *flash = image->checkpoint->flash;
    uint8_t piece[TP_PIECE];
    for (; at < end; at += TP_PIECE) {
        const uint32_t count = tp_least(TP_PIECE, end - at);
        fill(image, at, piece, count);
        if (flash->program(flash->context, slot + at, piece, count) != 0) {
            return 0;
        }
    }
    return 1;
}

/* Writes the image to `slot`. Its first block goes first and comes last, its first unit, which holds the header, very last:
 * while the rest is on its way there is nothing that looks like a checkpoint. keep_equal: a block that holds its bytes
 * already is left alone; only in a whole slot, because after a loss of power a bit may read well and not stay so. */
static int write_image(const tp_image *image, uint32_t slot, int keep_equal)
{
    const tp_flash *flash = image->checkpoint->flash;
    const uint32_t unit = flash->unit_bytes, block = flash->block_bytes, end = tp_rounded_up(image->bytes, unit);
    if (!tp_flash_erase(flash, slot)) {
        return 0;
    }
    for (uint32_t at = block; at < end; at += block) {
        const uint32_t end_of_block = tp_least(at + block, end);
        if (keep_equal && is_there(image, slot, at, end_of_block)) {
            continue;
        }
        if (!tp_flash_erase(flash, slot + at) || !program_part(image, slot, at, end_of_block)) {
            return 0;
        }
    }
    return program_part(image, slot, unit, tp_least(block, end)) && tp_flash_sync(flash)
        && program_part(image, slot, 0U, unit) && tp_flash_sync(flash);
}

int tp_save(const tp_checkpoint *checkpoint, const tp_model *model, uint32_t steps)
{
    tp_slots slots;
    int status = check_model(checkpoint, model);
    if (status == TP_OK) {
        status = find(checkpoint, model->program, 0U, &slots);
    }
    if (status != TP_OK && status != TP_CHECKPOINT_NONE) {
        return status;
    }
    tp_image image = image_of(checkpoint, model, slots.sequence + 1U, steps);
    if (!seal(&image, floats_of(model->program))) {
        return TP_ERR_NONFINITE;
    }
    uint8_t header[TP_CHECKPOINT_HEADER_BYTES];
    if (!write_image(&image, slots.next, slots.next_is_whole != 0U)
        || read_slot(checkpoint, model->program, slots.next, header) != 1
        || !are_equal(header, image.header, TP_CHECKPOINT_HEADER_BYTES)) {
        return TP_CHECKPOINT_ERR_FLASH;
    }
    return TP_OK;
}

/* Reads `size` bytes at `at` to their place and takes them into `crc`. Returns whether the driver did. */
static int read_part(const tp_flash *flash, uint32_t at, void *to, uint32_t size, uint32_t *crc)
{
    if (size != 0U) {
        if (flash->read(flash->context, at, to, size) != 0) {
            return 0;
        }
        *crc = tp_crc32(*crc, to, size);
    }
    return 1;
}

/* From the order of bytes of a checkpoint to the core's. */
static void turn_words(uint8_t *bytes, uint32_t words)
{
    for (uint32_t number = 0U; number < words; ++number) {
        const uint32_t word = tp_word(bytes, number);
        memcpy(bytes + 4U * number, &word, sizeof word);
    }
}

/* Reads the checkpoint at `slot` to its place. Returns whether it is still whole: a weak bit may read differently now. */
static int read_image(const tp_checkpoint *c, const tp_model *model, uint32_t slot)
{
    const uint32_t state_at = slot + TP_CHECKPOINT_HEADER_BYTES, state_bytes = 4U * model->program->state_words;
    uint8_t header[TP_CHECKPOINT_HEADER_BYTES];
    uint32_t crc = 0U;
    if (c->flash->read(c->flash->context, slot, header, sizeof header) != 0) {
        return 0;
    }
    crc = tp_crc32(crc, header, CRC_AT);
    if (!read_part(c->flash, state_at, model->memory, state_bytes, &crc)
        || !read_part(c->flash, state_at + state_bytes, c->extra, c->extra_bytes, &crc) || crc != tp_word(header, CRC)) {
        return 0;
    }
    if (!low_byte_first()) {
        turn_words(model->memory, model->program->state_words);
    }
    return 1;
}

int tp_load(const tp_checkpoint *checkpoint, tp_model *model, uint32_t *steps)
{
    int status = check_model(checkpoint, model);
    uint32_t excluded = 0U;
    while (status == TP_OK) {
        tp_slots slots;
        status = find(checkpoint, model->program, excluded, &slots);
        if (status == TP_OK && read_image(checkpoint, model, slots.newest)) {
            if (steps != NULL) {
                *steps = slots.steps;
            }
            return TP_OK;
        }
        if (status == TP_OK) {
            excluded |= (uint32_t)1U << (slots.newest - checkpoint->offset) / tp_slot_bytes(checkpoint, model->program);
        }
    }
    if (excluded == 0U) {
        return status;
    }
    (void)tp_init(model, model->program, model->memory, model->program->memory_bytes); /* half of one may lie there */
    if (steps != NULL) {
        *steps = 0U;
    }
    return TP_CHECKPOINT_ERR_FLASH;
}
