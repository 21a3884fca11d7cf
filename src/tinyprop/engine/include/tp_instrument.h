/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what the engine really does, in builds with TP_INSTRUMENT only (the host library of experiments and the
 * proof of the cost model). Firmware never defines it: the counters are the one global, and exist only there. */
#ifndef TP_INSTRUMENT_H
#define TP_INSTRUMENT_H

#ifdef TP_INSTRUMENT
#include <stdint.h>
typedef struct tp_counts {
    uint64_t macs_forward;
    uint64_t macs_backward;
    uint64_t looks;  /* elements looked at to choose what to keep */
} tp_counts;
extern tp_counts tp_counts_now;
#define TP_COUNT(field, n) (tp_counts_now.field += (uint64_t)(n))
#else
#define TP_COUNT(field, n) ((void)sizeof(n)) /* never evaluated */
#endif

#endif
