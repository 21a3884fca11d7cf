/* SPDX-License-Identifier: Apache-2.0 */
/* A line to the device: a host sends samples and labels over serial or USB, and is told what came of them.
 *
 * Every request is a frame and gets one answer; docs/device-line.md is the specification. Frames are short whatever the
 * network's size is, a request that comes twice is executed once, and whatever bytes arrive, nothing outside of the memory
 * given here is written. Nothing blocks: you hand in each byte that came, and send what is ready.
 *
 *     tp_link_init(&link, &model, sample, truth, &checkpoint, NULL);
 *     while ((byte = tp_port_get()) >= 0) {
 *         const uint32_t bytes = tp_link_take(&link, (uint8_t)byte);
 *         tp_port_put(link.ready, bytes);
 *     }
 */
#ifndef TP_LINK_H
#define TP_LINK_H

#include "tinyprop.h"
#include "tp_checkpoint.h"
#include "tp_guard.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a host may write checkpoints: who can reach the line can then replace what was learned. 1 has to be asked for. */
#ifndef TP_LINK_PUSH
#define TP_LINK_PUSH 0
#endif

#define TP_LINK_VERSION 1U
#define TP_LINK_HEADER_BYTES 6U    /* version, type, session, number, status */
#define TP_LINK_PAYLOAD_BYTES 264U /* a piece of 256 bytes, and where it belongs */
#define TP_LINK_FRAME_BYTES 278U   /* with CRC, the bytes of its stuffing, and the zero behind it */

/* Types of requests; an answer has the same type and the highest bit set. */
enum {
    TP_LINK_HELLO = 1,
    TP_LINK_WRITE = 2,
    TP_LINK_READ = 3,
    TP_LINK_TRAIN = 4,
    TP_LINK_INFER = 5,
    TP_LINK_COUNTERS = 6,
    TP_LINK_SAVE = 7,
    TP_LINK_LOAD = 8
};

/* What WRITE and READ are about. */
enum { TP_LINK_SAMPLE = 0, TP_LINK_TRUTH = 1, TP_LINK_CHECKPOINT = 2 };

/* Bits that HELLO tells: what the network learns, and what is built in. */
enum { TP_LINK_HAS_TARGETS = 1, TP_LINK_HAS_CHECKPOINTS = 2, TP_LINK_HAS_PUSH = 4, TP_LINK_HAS_GUARD = 8 };

/* Beside those of tinyprop.h, tp_checkpoint.h and tp_guard.h, as the status of an answer. */
enum {
    TP_LINK_ERR_VERSION = -40,   /* the frame is of another version; the answer is of this one */
    TP_LINK_ERR_SESSION = -41,   /* no HELLO has opened this session: the device has started anew, or another host has */
    TP_LINK_ERR_NUMBER = -42,    /* neither the next request nor the last one again */
    TP_LINK_ERR_REQUEST = -43,   /* unknown, or its payload is too short or too long */
    TP_LINK_ERR_PLACE = -44,     /* outside of what is written or read, or not at a whole word or unit */
    TP_LINK_ERR_NOT_BUILT = -45  /* not in this firmware: checkpoints, or pushing them */
};

typedef struct tp_link_counts {
    uint32_t frames;    /* that were whole */
    uint32_t damaged;   /* with a wrong CRC, too short, too long, or stuffed wrongly */
    uint32_t repeated;  /* answered again and not executed */
    uint32_t rejected;  /* of another session, or out of turn */
    uint32_t steps;     /* trained through this line */
    uint32_t skipped;   /* of these, those that taught nothing */
    uint32_t refused;   /* samples */
} tp_link_counts;

/* All of it is the caller's memory. Set `steps` to what tp_load told; read the rest as you like. */
typedef struct tp_link {
    tp_model *model;
    float *sample;                    /* [inputs] */
    float *truth;                     /* [outputs]: a target comes in, outputs of an inference go out */
    const tp_checkpoint *checkpoint;  /* NULL: none */
    tp_guard *guard;                  /* NULL: none */
    uint32_t steps;                   /* behind the model; with a guard, it counts */
    tp_link_counts counts;
    const uint8_t *ready;             /* what is to be sent when tp_link_take says so */
    uint32_t slot;                    /* that a checkpoint is being written to: do not save by yourself meanwhile */
    uint32_t pushed;                  /* bytes of it so far; 0 after any other request */
    uint16_t session;                 /* 0: none */
    uint16_t received;                /* bytes in `in`, of a frame that is not complete */
    uint16_t answered;                /* bytes in `out`: the answer to the last request, kept for when it is asked again */
    uint8_t number, type;             /* of the last request */
    uint8_t overflowed;
    uint8_t in[TP_LINK_FRAME_BYTES];
    uint8_t out[TP_LINK_FRAME_BYTES];
    uint8_t rejection[16];
} tp_link;

/* A line to `model`, which tp_init has made ready. sample[inputs] and truth[outputs] belong to the line from now on;
 * checkpoint and guard may be NULL. Returns TP_OK, TP_ERR_NULL, TP_ERR_NOT_READY or TP_CHECKPOINT_ERR_SETTINGS. */
int tp_link_init(tp_link *link, tp_model *model, float *sample, float *truth, const tp_checkpoint *checkpoint,
                 tp_guard *guard);

/* Takes a byte that came. Returns how many bytes at `ready` are to be sent now: 0 unless it was the last of a request. */
uint32_t tp_link_take(tp_link *link, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
