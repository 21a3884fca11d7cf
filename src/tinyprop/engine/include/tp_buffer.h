/* SPDX-License-Identifier: Apache-2.0 */
/* A store of samples on the device: what to learn from again, in the caller's memory, of a size known when compiling; or
 * with its values in flash, see tp_flash_store.h.
 *
 * Of a stream it keeps as many samples of each class as it can, each sample of a class with the same probability
 * (class-balancing reservoir sampling, Chrysakis and Moens, ICML 2020). Samples that taught nothing sleep.
 *
 *     static const tp_buffer_settings settings = {200U, 64U, 10U, TP_BUFFER_8_BIT, 0.0f, 1.0f, 15U, 1U};
 *     static uint32_t memory[TP_BUFFER_BYTES(200U, 64U, 10U, TP_BUFFER_8_BIT) / 4U];
 *     tp_buffer_init(&store, &settings, memory, sizeof memory);
 *     tp_buffer_offer(&store, sample, label);
 *     while ((slot = tp_buffer_next(&store, sample, &label)) >= 0) {
 *         if (tp_train_step(&model, sample, label, 0.01f, &step) == TP_OK) {
 *             tp_buffer_told(&store, (uint32_t)slot, step.skipped != 0U);
 *         }
 *     }
 *
 * `tinyprop.SampleStore` takes the same decisions in Python. Nothing here allocates, keeps a global or recurses.
 */
#ifndef TP_BUFFER_H
#define TP_BUFFER_H

#include "tinyprop.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a value is stored: bytes per value. In 8 bits, what lies between `low` and `high` comes back within half a step,
 * (high - low) / 510, but for float32's rounding; what lies beyond comes back as the nearer of the two. */
#define TP_BUFFER_FLOAT 4U
#define TP_BUFFER_8_BIT 1U

#define TP_BUFFER_LONGEST_SLEEP 15U /* visits */

/* Bytes of a store, a multiple of four; a constant where its arguments are: state, two counts per class, and per sample
 * label (a byte up to 256 classes, else two), sleep (a byte) and values. */
#define TP_BUFFER_BYTES(capacity, features, classes, format)                                                           \
    ((28U + 8U * (classes) + (capacity) * ((features) * (format) + ((classes) > 256U ? 3U : 2U)) + 3U) / 4U * 4U)

/* Beside those of tinyprop.h, and like them negative. The first two are errors, after which nothing has changed. */
enum {
    TP_BUFFER_ERR_SETTINGS = -20, /* a setting is out of its range */
    TP_BUFFER_ERR_SLOT = -21,     /* no sample is stored in that slot */
    TP_BUFFER_NOT_STORED = -22,   /* the sample offered was not drawn: the store is as it was, but for its counts */
    TP_BUFFER_ROUND_OVER = -23,   /* every sample had its turn, or sleeps: the next call begins another round */
    TP_BUFFER_ERR_FLASH = -24     /* values in flash: it failed; the samples are as they were, one more counts as seen */
};

/* Constant as long as the store lives. */
typedef struct tp_buffer_settings {
    uint32_t capacity;      /* samples, 1 or more. Fewer than classes: some class will have no sample for good */
    uint32_t features;      /* floats of a sample, 1 or more */
    uint32_t classes;       /* 1 to 65,536 */
    uint32_t format;        /* TP_BUFFER_FLOAT or TP_BUFFER_8_BIT */
    float low, high;        /* least and largest value in 8 bits, low < high; not looked at for TP_BUFFER_FLOAT */
    uint32_t longest_sleep; /* visits, up to TP_BUFFER_LONGEST_SLEEP; 0: no sample ever sleeps */
    uint32_t seed;          /* of the draws; any number */
} tp_buffer_settings;

/* The first words of the memory. Read them as you like. */
typedef struct tp_buffer_state {
    uint32_t filled;   /* samples stored: each went to the first slot that was empty */
    uint32_t position; /* slot whose turn is next */
    uint32_t stride;   /* from one slot to the next in a round; follows from the capacity */
    uint32_t left;     /* slots whose turn is still to come in this round */
    uint32_t drawn;    /* state of the generator of random numbers */
    uint32_t visits;   /* samples that tp_buffer_next has handed out, modulo 2^32 */
    uint32_t slept;    /* samples that it passed by, asleep, modulo 2^32 */
} tp_buffer_state;

/* Set it to {0} if a call could come before tp_buffer_init. Behind the state, without gaps, lie
 *     uint32_t seen[classes]      samples offered of each class, never above 2^32 - 1
 *     uint32_t stored[classes]    samples stored of each class
 *     uint8_t label[capacity]     low bytes of the labels
 *     uint8_t label[capacity]     high bytes, where there are more than 256 classes
 *     uint8_t sleep[capacity]     low four bits: turns still to sleep; high four bits: the length of the last sleep;
 *                                 0x0F: the slot is empty
 *     values[capacity][features]  float or uint8_t, as the format has it
 * A checkpoint of a store is its memory, byte for byte; it is restored over that of a store of the same settings. */
typedef struct tp_buffer {
    const tp_buffer_settings *settings;
    tp_buffer_state *state;
    const struct tp_buffer_values *values; /* where they lie: tp_buffer_values.h */
} tp_buffer;

/* An empty store in `memory`: at least TP_BUFFER_BYTES of its settings, aligned as uint32_t. Memory and settings are
 * used for as long as the store is. Returns TP_OK, TP_ERR_NULL, TP_BUFFER_ERR_SETTINGS or TP_ERR_MEMORY. */
int tp_buffer_init(tp_buffer *buffer, const tp_buffer_settings *settings, void *memory, size_t bytes);

/* Offers x[features] of class `label`. Returns the slot it was stored in, awake, or TP_BUFFER_NOT_STORED; or an error:
 * TP_ERR_NULL, TP_ERR_NOT_READY, TP_ERR_LABEL, TP_ERR_NONFINITE; TP_BUFFER_ERR_FLASH. */
int32_t tp_buffer_offer(tp_buffer *buffer, const float *x, uint32_t label);

/* Copies the next sample that is awake to x[features] and its class to `label`; returns its slot, or TP_BUFFER_ROUND_OVER
 * once after each round; or TP_ERR_NULL or TP_ERR_NOT_READY. In a round every sample has its turn once, in an order that
 * mixes what was stored one after the other; one that is asleep is passed by and sleeps a turn less. So is one in flash
 * that does not read whole, without a turn less. x may be written to whatever is returned. */
int32_t tp_buffer_next(tp_buffer *buffer, float *x, uint32_t *label);

/* What came of a step on the sample in `slot`: where it was skipped, the sample sleeps for one turn, the next time for
 * two, and so on, up to longest_sleep; where it was not, the sample is awake and the count starts anew. Say it before
 * the next offer, which may put another sample there. Returns TP_OK, TP_ERR_NULL, TP_ERR_NOT_READY, TP_BUFFER_ERR_SLOT. */
int tp_buffer_told(tp_buffer *buffer, uint32_t slot, int skipped);

#ifdef __cplusplus
}
#endif

#endif
