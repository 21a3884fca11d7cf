/* SPDX-License-Identifier: Apache-2.0 */
/* The few semihosting calls the harness needs; an emulator or a debug probe answers them. */
#ifndef TINYPROP_BOARD_SEMIHOSTING_H
#define TINYPROP_BOARD_SEMIHOSTING_H

#include <stdint.h>

enum { SEMIHOSTING_READ = 1, SEMIHOSTING_CHANGE = 3, SEMIHOSTING_WRITE = 5 };  /* fopen's "rb", "r+b", "wb" */

/* Returns a handle. */
uint32_t semihosting_open(const char *name, uint32_t name_length, uint32_t mode);

/* Both return how many of `bytes` were NOT transferred. */
uint32_t semihosting_read(uint32_t handle, void *to, uint32_t bytes);
uint32_t semihosting_write(uint32_t handle, const void *from, uint32_t bytes);

/* Returns 0 when the next transfer begins at `offset` of the file. */
uint32_t semihosting_seek(uint32_t handle, uint32_t offset);

void semihosting_exit(int in_order);

#endif
