/* SPDX-License-Identifier: Apache-2.0 */
/* What the examples need of a board. This header says what; the one source beside it that is compiled is all there is to
 * touch for another board. The network and the engine need none of it. */
#ifndef TP_PORT_H
#define TP_PORT_H

#include "tp_checkpoint.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void tp_port_open(void);                                /* clocks, line: called once, before all others */
int tp_port_get(void);                                  /* next byte from the line, or -1: none has arrived */
void tp_port_put(const uint8_t *bytes, uint32_t count); /* all of them, may wait */
uint32_t tp_port_cycles(void);                          /* a free-running counter, may wrap; 0: there is none */
const char *tp_port_unit(void);                         /* what it counts: "cycles", "instructions", "microseconds" */
const tp_flash *tp_port_flash(void);                    /* where checkpoints go, from offset 0; NULL: nowhere */

#ifdef __cplusplus
}
#endif

#endif
