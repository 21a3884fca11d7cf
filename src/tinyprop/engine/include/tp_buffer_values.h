/* SPDX-License-Identifier: Apache-2.0 */
/* Where a store's values lie: the rules of tp_buffer.c say which sample goes where and whose turn it is, and reach the
 * values through this record alone. For whoever keeps them elsewhere than in the store's memory, as tp_flash_store.c. */
#ifndef TP_BUFFER_VALUES_H
#define TP_BUFFER_VALUES_H

#include "tp_buffer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Arguments are checked before; `context` is handed to each call. */
typedef struct tp_buffer_values {
    void *context;
    /* The values of `slot` to x[features]. Returns TP_OK; anything else: they cannot be had whole, x holds anything. */
    int (*get)(void *context, const tp_buffer *buffer, uint32_t slot, float *x);
    /* x[features] of class `label` to `slot`. Returns TP_OK; else the slot is as it was, and tp_buffer_offer returns it. */
    int (*put)(void *context, const tp_buffer *buffer, uint32_t slot, uint32_t label, const float *x);
} tp_buffer_values;

/* tp_buffer_init of a store whose values lie elsewhere; `memory` has TP_BUFFER_BYTES for 0 features. */
int tp_buffer_prepare(tp_buffer *buffer, const tp_buffer_settings *settings, const tp_buffer_values *values, void *memory,
                      size_t bytes);

/* After it: `slot` holds a sample of class `label`, in place of what it held. When it was put there, `seen` samples of
 * its class had been offered and the generator's state was `drawn`; the store goes on from the largest of both. */
void tp_buffer_recall(const tp_buffer *buffer, uint32_t slot, uint32_t label, uint32_t seen, uint32_t drawn);

/* Samples of class `label` offered so far. */
uint32_t tp_buffer_seen(const tp_buffer *buffer, uint32_t label);

/* Bytes [first, first + count) of x[features] as the settings' format stores them. */
void tp_buffer_encode(const tp_buffer_settings *settings, const float *x, uint32_t first, uint32_t count, uint8_t *to);

/* The way back, for all of a sample. `from` may be the last features * format bytes of x itself. */
void tp_buffer_decode(const tp_buffer_settings *settings, const uint8_t *from, float *x);

#ifdef __cplusplus
}
#endif

#endif
