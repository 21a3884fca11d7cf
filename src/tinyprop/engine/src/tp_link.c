/* SPDX-License-Identifier: Apache-2.0 */
/* The line. Bytes become a frame, a frame a request, a request an answer; each step checks what the one before left. */
#include "tp_link.h"
#include "tp_bytes.h"
#include "tp_config.h"
#include "tp_crc32.h"

#include <stddef.h>
#include <string.h>

#define CRC_BYTES 4U
#define STUFFING 3U    /* bytes that stuffing may be ahead of what it reads */
#define PLACE_BYTES 8U /* of a WRITE or READ: what, and the offset */
#define MOST_LAYERS ((TP_LINK_PAYLOAD_BYTES - 16U) / 4U)
#define MOST_NAME 32U

/* A request, and the answer that is being written to it. */
typedef struct tp_exchange {
    uint32_t type;
    const uint8_t *payload;
    uint32_t size;
    uint8_t *answer;  /* payload of the answer */
    uint32_t length;  /* of it, so far */
} tp_exchange;

TP_NOINLINE void add_word(tp_exchange *e, uint32_t word)
{
    tp_put_word(e->answer + e->length, 0U, word);
    e->length += 4U;
}

static void add_float(tp_exchange *e, float value)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    add_word(e, word);
}

static uint32_t steps_of(const tp_link *link)
{
    return link->guard != NULL ? link->guard->steps : link->steps;
}

/* Removes the stuffing of bytes[size] in place. Returns how many bytes are left; 0: it was none. */
static uint32_t unstuffed(uint8_t *bytes, uint32_t size)
{
    uint32_t from = 0U, to = 0U;
    while (from < size) {
        const uint32_t code = bytes[from++];
        if (code - 1U > size - from) {
            return 0U;
        }
        for (uint32_t i = 1U; i < code; ++i) {
            bytes[to++] = bytes[from++];
        }
        if (code != 0xFFU && from < size) {
            bytes[to++] = 0U;
        }
    }
    return to;
}

/* Stuffs bytes[size], so that no zero is left in it, with a zero behind; returns the bytes in `to`. Both may lie in the
 * same memory, `to` STUFFING bytes before: a frame has at most two bytes of it and a zero. */
static uint32_t stuffed(uint8_t *to, const uint8_t *bytes, uint32_t size)
{
    uint32_t place = 0U, end = 1U;
    uint8_t code = 1U;
    for (uint32_t i = 0U; i < size; ++i) {
        const uint8_t byte = bytes[i];
        if (byte != 0U) {
            to[end++] = byte;
            ++code;
        }
        if (byte == 0U || (code == 0xFFU && i + 1U < size)) {
            to[place] = code;
            place = end++;
            code = 1U;
        }
    }
    to[place] = code;
    to[end++] = 0U;
    return end;
}

static int hello(tp_link *link, tp_exchange *e)
{
    const tp_program *p = link->model->program;
    const uint32_t built = (p->train_target != NULL ? (uint32_t)TP_LINK_HAS_TARGETS : 0U)
        | (link->checkpoint != NULL ? (uint32_t)TP_LINK_HAS_CHECKPOINTS : 0U)
        | (TP_LINK_PUSH && link->checkpoint != NULL ? (uint32_t)TP_LINK_HAS_PUSH : 0U)
        | (link->guard != NULL ? (uint32_t)TP_LINK_HAS_GUARD : 0U);
    const uint32_t unit = link->checkpoint != NULL ? link->checkpoint->flash->unit_bytes : 0U;
    const uint32_t bytes = link->checkpoint != NULL ? tp_checkpoint_bytes(link->checkpoint, p) : 0U;
    const uint32_t facts[9]
        = {p->identity, p->inputs, p->outputs, p->layers, p->parameters, p->state_words, built, bytes, unit};
    TP_ROLLED for (uint32_t i = 0U; i < 9U; ++i) {
        add_word(e, facts[i]);
    }
    for (uint32_t i = 0U; i < MOST_NAME && p->name[i] != '\0'; ++i) {
        e->answer[e->length++] = (uint8_t)p->name[i];
    }
    return TP_OK;
}

/* The floats that a WRITE or READ of `what` is about, and how many; NULL: it is about none. */
static float *floats_of(const tp_link *link, uint32_t what, uint32_t *count)
{
    const tp_program *program = link->model->program;
    *count = what == (uint32_t)TP_LINK_SAMPLE ? program->inputs : program->outputs;
    return what == (uint32_t)TP_LINK_SAMPLE ? link->sample : what == (uint32_t)TP_LINK_TRUTH ? link->truth : NULL;
}

TP_NOINLINE int lies_within(uint32_t offset, uint32_t size, uint32_t whole)
{
    return offset <= whole && size <= whole - offset;
}

#if TP_LINK_PUSH
/* Writes a piece of a checkpoint to the slot that is written next; nobody reads it before it is whole. Pieces come in order
 * and without another request between them, which might save: the slot would be the newest then. */
static int push(tp_link *link, const uint8_t *piece, uint32_t offset, uint32_t size)
{
    const tp_flash *flash = link->checkpoint->flash;
    const uint32_t block = flash->block_bytes, unit = flash->unit_bytes;
    if (!lies_within(offset, size, tp_slot_bytes(link->checkpoint, link->model->program)) || offset % unit != 0U
        || size % unit != 0U || (offset != 0U && offset != link->pushed)) {
        return TP_LINK_ERR_PLACE;
    }
    link->pushed = 0U;
    if (offset == 0U) {
        tp_slots slots;
        const int status = tp_find_slots(link->checkpoint, link->model->program, &slots);
        if (status != TP_OK && status != TP_CHECKPOINT_NONE) {
            return status;
        }
        link->slot = slots.next;
    }
    for (uint32_t done = 0U; done < size;) {
        const uint32_t at = offset + done, left_of_block = block - at % block;
        const uint32_t part = size - done < left_of_block ? size - done : left_of_block;
        if ((at % block == 0U && flash->erase != NULL && flash->erase(flash->context, link->slot + at) != 0)
            || flash->program(flash->context, link->slot + at, piece + done, part) != 0) {
            return TP_CHECKPOINT_ERR_FLASH;
        }
        done += part;
    }
    if (flash->sync != NULL && flash->sync(flash->context) != 0) {
        return TP_CHECKPOINT_ERR_FLASH;
    }
    link->pushed = offset + size;
    return TP_OK;
}
#endif

static int write_piece(tp_link *link, tp_exchange *e)
{
    if (e->size <= PLACE_BYTES) {
        return TP_LINK_ERR_REQUEST;
    }
    const uint32_t what = tp_word(e->payload, 0U), offset = tp_word(e->payload, 1U), size = e->size - PLACE_BYTES;
    const uint8_t *piece = e->payload + PLACE_BYTES;
    if (what == (uint32_t)TP_LINK_CHECKPOINT) {
#if TP_LINK_PUSH
        return link->checkpoint != NULL ? push(link, piece, offset, size) : TP_LINK_ERR_NOT_BUILT;
#else
        return TP_LINK_ERR_NOT_BUILT;
#endif
    }
    uint32_t count;
    float *floats = floats_of(link, what, &count);
    if (floats == NULL) {
        return TP_LINK_ERR_REQUEST;
    }
    if (offset % 4U != 0U || size % 4U != 0U || !lies_within(offset / 4U, size / 4U, count)) {
        return TP_LINK_ERR_PLACE;
    }
    for (uint32_t i = 0U; i < size / 4U; ++i) {
        const uint32_t word = tp_word(piece, i);
        memcpy(floats + offset / 4U + i, &word, sizeof word);
    }
    return TP_OK;
}

/* A piece of the newest checkpoint, as it lies in the flash. */
static int pull(tp_link *link, tp_exchange *e, uint32_t offset, uint32_t size)
{
    const tp_checkpoint *checkpoint = link->checkpoint;
    tp_slots slots;
    if (checkpoint == NULL) {
        return TP_LINK_ERR_NOT_BUILT;
    }
    if (!lies_within(offset, size, tp_checkpoint_bytes(checkpoint, link->model->program))) {
        return TP_LINK_ERR_PLACE;
    }
    const int status = tp_find_slots(checkpoint, link->model->program, &slots);
    if (status != TP_OK) {
        return status;
    }
    if (checkpoint->flash->read(checkpoint->flash->context, slots.newest + offset, e->answer, size) != 0) {
        return TP_CHECKPOINT_ERR_FLASH;
    }
    e->length = size;
    return TP_OK;
}

static int read_piece(tp_link *link, tp_exchange *e)
{
    if (e->size != PLACE_BYTES + 4U) {
        return TP_LINK_ERR_REQUEST;
    }
    const uint32_t what = tp_word(e->payload, 0U), offset = tp_word(e->payload, 1U), size = tp_word(e->payload, 2U);
    if (size > TP_LINK_PAYLOAD_BYTES) {
        return TP_LINK_ERR_PLACE;
    }
    if (what == (uint32_t)TP_LINK_CHECKPOINT) {
        return pull(link, e, offset, size);
    }
    uint32_t count;
    const float *floats = floats_of(link, what, &count);
    if (floats == NULL) {
        return TP_LINK_ERR_REQUEST;
    }
    if (offset % 4U != 0U || size % 4U != 0U || !lies_within(offset / 4U, size / 4U, count)) {
        return TP_LINK_ERR_PLACE;
    }
    for (uint32_t i = 0U; i < size / 4U; ++i) {
        add_float(e, floats[offset / 4U + i]);
    }
    return TP_OK;
}

static int train(tp_link *link, tp_exchange *e)
{
    if (e->size != 8U) {
        return TP_LINK_ERR_REQUEST;
    }
    const tp_program *program = link->model->program;
    const uint32_t label = tp_word(e->payload, 0U), rate_bits = tp_word(e->payload, 1U);
    const int learns_targets = program->train_target != NULL;
    float rate;
    tp_step step = {0.0f, 0U, 0U, NULL};
    int status;
    memcpy(&rate, &rate_bits, sizeof rate);
    if (link->guard != NULL) {
        status = learns_targets ? tp_guard_train_target(link->guard, link->sample, link->truth, rate, &step)
                                : tp_guard_train(link->guard, link->sample, label, rate, &step);
    } else {
        status = learns_targets ? tp_train_target(link->model, link->sample, link->truth, rate, &step)
                                : tp_train_step(link->model, link->sample, label, rate, &step);
    }
    if (link->guard != NULL && status == TP_CHECKPOINT_ERR_FLASH) {
        status = TP_OK; /* of the look behind it: the step is made, and the guard has counted the failure */
    }
    link->counts.refused += status == TP_ERR_NONFINITE || status == TP_ERR_LABEL;
    if (status != TP_OK) {
        return status;
    }
    ++link->counts.steps;
    ++link->steps;
    link->counts.skipped += step.skipped;
    add_float(e, step.loss);
    add_word(e, step.predicted);
    add_word(e, step.skipped);
    add_word(e, steps_of(link));
    for (uint32_t layer = 0U; layer < program->layers && layer < MOST_LAYERS; ++layer) {
        add_word(e, step.kept[layer]);
    }
    return TP_OK;
}

static int infer(tp_link *link, tp_exchange *e)
{
    const int status = tp_infer(link->model, link->sample, link->truth);
    if (status != TP_OK) {
        return status;
    }
    uint32_t predicted = 0U;
    for (uint32_t i = 1U; i < link->model->program->outputs; ++i) {
        predicted = link->truth[i] > link->truth[predicted] ? i : predicted;
    }
    add_word(e, predicted);
    return TP_OK;
}

/* The line's counts, and behind them the guard's. Later versions may add to either; the first word says how many are ours. */
static int counters(const tp_link *link, tp_exchange *e)
{
    const tp_link_counts *c = &link->counts;
    const uint32_t own[7] = {c->frames, c->damaged, c->repeated, c->rejected, c->steps, c->skipped, c->refused};
    add_word(e, 7U);
    TP_ROLLED for (uint32_t i = 0U; i < 7U; ++i) {
        add_word(e, own[i]);
    }
    if (link->guard != NULL) {
        const tp_guard_counts *g = &link->guard->counts;
        const uint32_t guards[10] = {g->steps, g->skipped, g->refused, g->looks, g->right,
                                     g->best, g->saves, g->failures, g->rollbacks, g->nonfinite};
        TP_ROLLED for (uint32_t i = 0U; i < 10U; ++i) {
            add_word(e, guards[i]);
        }
    }
    return TP_OK;
}

TP_NOINLINE int save_or_load(tp_link *link, tp_exchange *e)
{
    tp_slots slots;
    if (link->checkpoint == NULL) {
        return TP_LINK_ERR_NOT_BUILT;
    }
    uint32_t *steps = link->guard != NULL ? &link->guard->steps : &link->steps;
    int status;
    if (e->type == (uint32_t)TP_LINK_LOAD) {
        status = tp_load(link->checkpoint, link->model, steps);
    } else { /* what a guard would not keep is not saved */
        status = link->guard != NULL ? tp_guard_look(link->guard) : tp_save(link->checkpoint, link->model, *steps);
    }
    if (status == TP_OK) {
        status = tp_find_slots(link->checkpoint, link->model->program, &slots);
    }
    if (status != TP_OK) {
        return status;
    }
    if (link->guard != NULL && e->type == (uint32_t)TP_LINK_LOAD) {
        link->guard->counts.best = 0U; /* what was loaded on request is what the guard measures by from now on */
    }
    add_word(e, slots.steps);
    add_word(e, slots.sequence);
    return TP_OK;
}

static int execute(tp_link *link, tp_exchange *e)
{
    if (e->type != (uint32_t)TP_LINK_WRITE) {
        link->pushed = 0U;
    }
    switch (e->type) {
    case TP_LINK_HELLO:
        return hello(link, e);
    case TP_LINK_WRITE:
        return write_piece(link, e);
    case TP_LINK_READ:
        return read_piece(link, e);
    case TP_LINK_TRAIN:
        return train(link, e);
    case TP_LINK_INFER:
        return e->size == 0U ? infer(link, e) : TP_LINK_ERR_REQUEST;
    case TP_LINK_COUNTERS:
        return e->size == 0U ? counters(link, e) : TP_LINK_ERR_REQUEST;
    case TP_LINK_SAVE:
    case TP_LINK_LOAD:
        return e->size == 0U ? save_or_load(link, e) : TP_LINK_ERR_REQUEST;
    default:
        return TP_LINK_ERR_REQUEST;
    }
}

/* Whether it is the turn of this request: TP_OK, or why not. A HELLO opens a session, once. */
static int check_turn(tp_link *link, uint32_t type, uint32_t session, uint8_t number)
{
    if (type == (uint32_t)TP_LINK_HELLO && session != 0U && session != link->session) {
        link->session = (uint16_t)session;
    } else if (session == 0U || session != link->session) {
        return TP_LINK_ERR_SESSION;
    } else if (number != (uint8_t)(link->number + 1U)) {
        return TP_LINK_ERR_NUMBER;
    }
    link->number = number;
    link->type = (uint8_t)type;
    return TP_OK;
}

/* Writes header and CRC around `length` bytes of payload that lie ready behind `frame`, and stuffs it all to `to`. */
static uint32_t sealed(uint8_t *to, uint8_t *frame, const uint8_t *request, uint32_t length, int status)
{
    frame[0] = (uint8_t)TP_LINK_VERSION;
    frame[1] = (uint8_t)(request[1] | 0x80U);
    frame[2] = request[2];
    frame[3] = request[3];
    frame[4] = request[4];
    frame[5] = (uint8_t)(status & 0xFF);
    tp_put_word(frame + TP_LINK_HEADER_BYTES + length, 0U, tp_crc32(0U, frame, TP_LINK_HEADER_BYTES + length));
    return stuffed(to, frame, TP_LINK_HEADER_BYTES + length + CRC_BYTES);
}

/* Answers the request in in[size], which has a right CRC. Returns the bytes at `ready`. */
static uint32_t answer(tp_link *link, uint32_t size)
{
    const uint8_t *in = link->in;
    const uint32_t session = (uint32_t)in[3] << 8 | in[2];
    link->ready = link->out;
    if ((in[1] & 0x80U) != 0U) {
        return 0U; /* an answer, ours perhaps: some lines echo */
    }
    if (in[0] == TP_LINK_VERSION && session != 0U && session == link->session && in[4] == link->number
        && in[1] == link->type) {
        ++link->counts.repeated;
        return link->answered;
    }
    int status = in[0] == TP_LINK_VERSION ? TP_OK : TP_LINK_ERR_VERSION;
    if (status == TP_OK) {
        status = check_turn(link, in[1], session, in[4]);
    }
    if (status != TP_OK) { /* beside `out`: the answer that was given last may still be asked for */
        ++link->counts.rejected;
        link->ready = link->rejection;
        return sealed(link->rejection, link->rejection + STUFFING, in, 0U, status);
    }
    uint8_t *frame = link->out + STUFFING;
    tp_exchange e = {in[1], in + TP_LINK_HEADER_BYTES, size - TP_LINK_HEADER_BYTES, frame + TP_LINK_HEADER_BYTES, 0U};
    status = execute(link, &e);
    link->answered = (uint16_t)sealed(link->out, frame, in, status == TP_OK ? e.length : 0U, status);
    return link->answered;
}

int tp_link_init(tp_link *link, tp_model *model, float *sample, float *truth, const tp_checkpoint *checkpoint,
                 tp_guard *guard)
{
    if (link == NULL || model == NULL || sample == NULL || truth == NULL) {
        return TP_ERR_NULL;
    }
    if (model->program == NULL || model->memory == NULL) {
        return TP_ERR_NOT_READY;
    }
    if (checkpoint != NULL && tp_checkpoint_bytes(checkpoint, model->program) == 0U) {
        return TP_CHECKPOINT_ERR_SETTINGS;
    }
    memset(link, 0, sizeof *link);
    link->model = model;
    link->sample = sample;
    link->truth = truth;
    link->checkpoint = checkpoint;
    link->guard = guard;
    return TP_OK;
}

uint32_t tp_link_take(tp_link *link, uint8_t byte)
{
    if (byte != 0U) {
        if (link->received < TP_LINK_FRAME_BYTES) {
            link->in[link->received++] = byte;
        } else {
            link->overflowed = 1U;
        }
        return 0U;
    }
    const uint32_t stuffed_bytes = link->received;
    const int fits = link->overflowed == 0U;
    link->received = 0U;
    link->overflowed = 0U;
    if (stuffed_bytes == 0U) {
        return 0U; /* zeros between frames mean nothing */
    }
    const uint32_t bytes = fits ? unstuffed(link->in, stuffed_bytes) : 0U;
    if (bytes < TP_LINK_HEADER_BYTES + CRC_BYTES || bytes > TP_LINK_HEADER_BYTES + TP_LINK_PAYLOAD_BYTES + CRC_BYTES
        || tp_crc32(0U, link->in, bytes - CRC_BYTES) != tp_word(link->in + (bytes - CRC_BYTES), 0U)) {
        ++link->counts.damaged;
        return 0U;
    }
    ++link->counts.frames;
    return answer(link, bytes - CRC_BYTES);
}
