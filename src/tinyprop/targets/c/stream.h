/* SPDX-License-Identifier: Apache-2.0 */
/* Two buffered byte streams: commands come in, results go out. Few large transfers, because each one is slow. */
#ifndef TINYPROP_BOARD_STREAM_H
#define TINYPROP_BOARD_STREAM_H

#include <stdint.h>

void stream_open(void);

/* Returns when all `bytes` have arrived. */
void stream_read(void *to, uint32_t bytes);

void stream_write(const void *from, uint32_t bytes);

/* Sends what is still buffered: before waiting for the next command. */
void stream_flush(void);

#endif
