/* SPDX-License-Identifier: Apache-2.0 */
/* The sample store. All that changes lies in the caller's memory as words and bytes, reached through those types alone,
 * whatever the caller declared; values of samples are copied, never pointed to. Where they lie the rules do not know. */
#include "tp_buffer.h"
#include "tp_buffer_values.h"
#include "tp_config.h"
#include "tp_math.h"

#include <string.h>

#define TP_BUFFER_MOST 0x7FFFFFFFU /* bytes, and slots: they are returned as int32_t */
#define TP_BUFFER_STEPS 255.0f     /* of 8 bits */
#define TP_SLEEP_UNIT 16U          /* one more in the high four bits of a sleep byte */
#define TP_NO_SAMPLE 0x0FU         /* a sleep byte that no sample has: more turns left than its last sleep was long */

static uint32_t *seen_of(const tp_buffer *b)
{
    return (uint32_t *)(b->state + 1);
}

static uint32_t *stored_of(const tp_buffer *b)
{
    return seen_of(b) + b->settings->classes;
}

static uint8_t *labels_of(const tp_buffer *b)
{
    return (uint8_t *)(stored_of(b) + b->settings->classes);
}

static uint32_t label_bytes(const tp_buffer_settings *s)
{
    return s->classes > 256U ? 2U : 1U;
}

static uint8_t *sleep_of(const tp_buffer *b)
{
    return labels_of(b) + label_bytes(b->settings) * b->settings->capacity;
}

static uint8_t *values_of(const tp_buffer *b, uint32_t slot)
{
    const tp_buffer_settings *s = b->settings;
    return sleep_of(b) + s->capacity + (size_t)slot * s->features * s->format;
}

static uint32_t label_in(const tp_buffer *b, uint32_t slot)
{
    const uint8_t *labels = labels_of(b);
    const uint32_t high = label_bytes(b->settings) == 2U ? labels[b->settings->capacity + slot] : 0U;
    return high << 8 | labels[slot];
}

static void put_label(const tp_buffer *b, uint32_t slot, uint32_t label)
{
    uint8_t *labels = labels_of(b);
    labels[slot] = (uint8_t)(label & 0xFFU);
    if (label_bytes(b->settings) == 2U) {
        labels[b->settings->capacity + slot] = (uint8_t)(label >> 8);
    }
}

/* A counter with an odd step, whose bits are then mixed (Steele, Lea and Flood 2014; constants: C. Wellons's search for
 * 32-bit mixers): every number once in 2^32 draws, whatever the seed, so that a rejected draw cannot repeat for ever. */
static uint32_t draw(uint32_t *drawn)
{
    *drawn += 0x9E3779B9U;
    uint32_t x = *drawn;
    x = (x ^ x >> 16) * 0x21F0AAADU;
    x = (x ^ x >> 15) * 0x735A2D97U;
    return x ^ x >> 15;
}

/* A number below `bound` (1 or more), each with the same probability: as many bits as it takes, drawn until they fit. */
static uint32_t draw_below(uint32_t *drawn, uint32_t bound)
{
    uint32_t mask = bound - 1U;
    mask |= mask >> 1;
    mask |= mask >> 2;
    mask |= mask >> 4;
    mask |= mask >> 8;
    mask |= mask >> 16;
    uint32_t number;
    do {
        number = draw(drawn) & mask;
    } while (number >= bound);
    return number;
}

/* How many numbers were drawn since the seed, modulo 2^32: the factor undoes the counter's step. */
static uint32_t draws_until(uint32_t seed, uint32_t drawn)
{
    return (drawn - seed) * 0x144CBC89U;
}

static int have_common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0U) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a != 1U;
}

/* Near 0.618 of the capacity: whatever the number of turns, the slots that had theirs lie evenly among the others (golden
 * section), so that a stream that came class by class is not learned class by class. Without a common divisor every slot
 * has its turn. */
static uint32_t stride_of(uint32_t capacity)
{
    uint32_t stride = capacity / 65536U * 40503U + capacity % 65536U * 40503U / 65536U;
    while (have_common_divisor(capacity, stride)) {
        ++stride;
    }
    return stride;
}

static int is_finite(float x)
{
    return tp_magnitude_bits(x) < 0x7F800000U;
}

static int settings_hold(const tp_buffer_settings *s)
{
    if (s->capacity == 0U || s->features == 0U || s->classes == 0U || s->classes > 65536U
        || s->longest_sleep > TP_BUFFER_LONGEST_SLEEP) {
        return 0;
    }
    const uint32_t counts = (uint32_t)sizeof(tp_buffer_state) + 8U * s->classes + 3U;
    if (s->format == TP_BUFFER_8_BIT) { /* a difference is finite only where both ends are */
        if (!(s->low < s->high) || !is_finite(s->high - s->low)
            || !is_finite(TP_BUFFER_STEPS / (s->high - s->low))) {
            return 0;
        }
    } else if (s->format != TP_BUFFER_FLOAT) {
        return 0;
    }
    return s->features <= TP_BUFFER_MOST / 8U
        && s->capacity <= (TP_BUFFER_MOST - counts) / (s->features * s->format + label_bytes(s) + 1U);
}

/* Values of x as the format stores them: bytes [first, first + count). */
void tp_buffer_encode(const tp_buffer_settings *s, const float *x, uint32_t first, uint32_t count, uint8_t *to)
{
    if (s->format == TP_BUFFER_FLOAT) {
        memcpy(to, (const uint8_t *)x + first, count);
        return;
    }
    const float scale = TP_BUFFER_STEPS / (s->high - s->low);
    for (uint32_t i = 0U; i < count; ++i) {
        const float value = x[first + i];
        const float inside = value < s->low ? s->low : value > s->high ? s->high : value;
        to[i] = (uint8_t)((inside - s->low) * scale + 0.5f);
    }
}

/* Forward, so that bytes that end where x ends are read before they are written over. */
void tp_buffer_decode(const tp_buffer_settings *s, const uint8_t *from, float *x)
{
    if (s->format == TP_BUFFER_FLOAT) {
        if ((const void *)from != (const void *)x) {
            memcpy(x, from, s->features * sizeof(float));
        }
        return;
    }
    const float step = (s->high - s->low) / TP_BUFFER_STEPS;
    for (uint32_t i = 0U; i < s->features; ++i) {
        x[i] = s->low + (float)from[i] * step;
    }
}

static int get_from_memory(void *context, const tp_buffer *b, uint32_t slot, float *x)
{
    (void)context;
    tp_buffer_decode(b->settings, values_of(b, slot), x);
    return TP_OK;
}

static int put_into_memory(void *context, const tp_buffer *b, uint32_t slot, uint32_t label, const float *x)
{
    (void)context, (void)label;
    tp_buffer_encode(b->settings, x, 0U, b->settings->features * b->settings->format, values_of(b, slot));
    return TP_OK;
}

static const tp_buffer_values in_memory = {NULL, get_from_memory, put_into_memory};

int tp_buffer_prepare(tp_buffer *buffer, const tp_buffer_settings *settings, const tp_buffer_values *values, void *memory,
                      size_t bytes)
{
    if (buffer == NULL || settings == NULL || memory == NULL) {
        return TP_ERR_NULL;
    }
    if (!settings_hold(settings)) {
        return TP_BUFFER_ERR_SETTINGS;
    }
    const uint32_t features = values == &in_memory ? settings->features : 0U;
    const size_t needed = TP_BUFFER_BYTES(settings->capacity, features, settings->classes, settings->format);
    if (bytes < needed || (uintptr_t)memory % sizeof(uint32_t) != 0U) {
        return TP_ERR_MEMORY;
    }
    memset(memory, 0, needed);
    buffer->settings = settings;
    buffer->state = (tp_buffer_state *)memory;
    buffer->values = values;
    buffer->state->stride = stride_of(settings->capacity);
    buffer->state->left = settings->capacity;
    buffer->state->drawn = settings->seed;
    memset(sleep_of(buffer), TP_NO_SAMPLE, settings->capacity);
    return TP_OK;
}

int tp_buffer_init(tp_buffer *buffer, const tp_buffer_settings *settings, void *memory, size_t bytes)
{
    return tp_buffer_prepare(buffer, settings, &in_memory, memory, bytes);
}

static int check_store(const tp_buffer *b)
{
    if (b == NULL) {
        return TP_ERR_NULL;
    }
    return b->settings != NULL && b->state != NULL ? TP_OK : TP_ERR_NOT_READY;
}

/* The slot of sample number `rank`, counted from 0, of those of class `label`. */
static uint32_t slot_in_class(const tp_buffer *b, uint32_t label, uint32_t rank)
{
    uint32_t slot = 0U;
    while (label_in(b, slot) != label || rank-- != 0U) {
        ++slot;
    }
    return slot;
}

/* The same of those whose class has `size` samples. */
static uint32_t slot_in_classes_of(const tp_buffer *b, uint32_t size, uint32_t rank)
{
    const uint32_t *stored = stored_of(b);
    uint32_t slot = 0U;
    while (stored[label_in(b, slot)] != size || rank-- != 0U) {
        ++slot;
    }
    return slot;
}

/* The slot of a full store that a sample of class `label`, already counted as seen, takes; or that it takes none.
 *
 * A class that is among the largest, or once was, is sampled like a stream of its own (algorithm R: one draw decides both
 * whether and where). Such a class either is among them now or has lost a sample; no flag is needed, because the largest
 * size never grows in a full store, so that a class that lost nothing is still as large as it was. */
static int32_t slot_in_full_store(const tp_buffer *b, uint32_t label)
{
    const uint32_t *seen = seen_of(b), *stored = stored_of(b);
    uint32_t largest = 0U, classes = 0U;
    for (uint32_t c = 0U; c < b->settings->classes; ++c) {
        if (stored[c] > largest) {
            largest = stored[c];
            classes = 0U;
        }
        classes += stored[c] == largest;
    }
    if (stored[label] < largest && stored[label] == seen[label] - 1U) {
        const uint32_t rank = draw_below(&b->state->drawn, largest * classes);
        return (int32_t)slot_in_classes_of(b, largest, rank);
    }
    const uint32_t rank = draw_below(&b->state->drawn, seen[label]);
    return rank < stored[label] ? (int32_t)slot_in_class(b, label, rank) : TP_BUFFER_NOT_STORED;
}

static uint32_t first_empty_slot(const tp_buffer *b)
{
    const uint8_t *sleep = sleep_of(b);
    uint32_t slot = 0U;
    while (sleep[slot] != TP_NO_SAMPLE) {
        ++slot;
    }
    return slot;
}

/* A sample of class `label`, awake, in place of whatever is in the slot. */
static void take_slot(const tp_buffer *b, uint32_t slot, uint32_t label)
{
    uint32_t *stored = stored_of(b);
    if (sleep_of(b)[slot] == TP_NO_SAMPLE) {
        ++b->state->filled;
    } else {
        --stored[label_in(b, slot)];
    }
    ++stored[label];
    put_label(b, slot, label);
    sleep_of(b)[slot] = 0U;
}

uint32_t tp_buffer_seen(const tp_buffer *buffer, uint32_t label)
{
    return seen_of(buffer)[label];
}

void tp_buffer_recall(const tp_buffer *buffer, uint32_t slot, uint32_t label, uint32_t seen, uint32_t drawn)
{
    uint32_t *most = seen_of(buffer) + label;
    const uint32_t seed = buffer->settings->seed;
    *most = seen > *most ? seen : *most;
    if (draws_until(seed, drawn) > draws_until(seed, buffer->state->drawn)) {
        buffer->state->drawn = drawn;
    }
    take_slot(buffer, slot, label);
}

int32_t tp_buffer_offer(tp_buffer *buffer, const float *x, uint32_t label)
{
    const int status = check_store(buffer);
    if (status != TP_OK) {
        return status;
    }
    if (x == NULL) {
        return TP_ERR_NULL;
    }
    if (label >= buffer->settings->classes) {
        return TP_ERR_LABEL;
    }
    for (uint32_t i = 0U; i < buffer->settings->features; ++i) {
        if (!is_finite(x[i])) {
            return TP_ERR_NONFINITE;
        }
    }
    uint32_t *seen = seen_of(buffer);
    seen[label] += seen[label] != UINT32_MAX;
    const int has_room = buffer->state->filled < buffer->settings->capacity;
    const int32_t slot = has_room ? (int32_t)first_empty_slot(buffer) : slot_in_full_store(buffer, label);
    if (slot < 0) {
        return slot;
    }
    const tp_buffer_values *values = buffer->values;
    const int put = values->put(values->context, buffer, (uint32_t)slot, label, x);
    if (put != TP_OK) {
        return put;
    }
    take_slot(buffer, (uint32_t)slot, label);
    return slot;
}

/* The slot whose turn it is; the turn passes on. */
static uint32_t take_turn(const tp_buffer *b)
{
    tp_buffer_state *state = b->state;
    const uint32_t slot = state->position, capacity = b->settings->capacity;
    state->position = slot >= capacity - state->stride ? slot - (capacity - state->stride) : slot + state->stride;
    --state->left;
    return slot;
}

int32_t tp_buffer_next(tp_buffer *buffer, float *x, uint32_t *label)
{
    const int status = check_store(buffer);
    if (status != TP_OK) {
        return status;
    }
    if (x == NULL || label == NULL) {
        return TP_ERR_NULL;
    }
    tp_buffer_state *state = buffer->state;
    const tp_buffer_values *values = buffer->values;
    uint8_t *sleep = sleep_of(buffer);
    while (state->left != 0U) {
        const uint32_t slot = take_turn(buffer);
        if (sleep[slot] == TP_NO_SAMPLE) {
            continue;
        }
        if (sleep[slot] % TP_SLEEP_UNIT != 0U) {
            --sleep[slot];
            ++state->slept;
            continue;
        }
        if (values->get(values->context, buffer, slot, x) != TP_OK) {
            continue; /* nobody learns from what is not whole */
        }
        ++state->visits;
        *label = label_in(buffer, slot);
        return (int32_t)slot;
    }
    state->left = buffer->settings->capacity;
    return TP_BUFFER_ROUND_OVER;
}

int tp_buffer_told(tp_buffer *buffer, uint32_t slot, int skipped)
{
    const int status = check_store(buffer);
    if (status != TP_OK) {
        return status;
    }
    if (slot >= buffer->settings->capacity || sleep_of(buffer)[slot] == TP_NO_SAMPLE) {
        return TP_BUFFER_ERR_SLOT;
    }
    uint8_t *sleep = sleep_of(buffer) + slot;
    const uint32_t last = *sleep / TP_SLEEP_UNIT;
    const uint32_t turns = last < buffer->settings->longest_sleep ? last + 1U : last;
    *sleep = skipped != 0 ? (uint8_t)(turns * TP_SLEEP_UNIT + turns) : 0U;
    return TP_OK;
}
