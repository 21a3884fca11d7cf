/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between families of cores, one core_<family>.c each: the way out of reset and the call to a debugger. */
#ifndef TINYPROP_BOARD_CORE_H
#define TINYPROP_BOARD_CORE_H

#include <stdint.h>

/* Where the linker starts the image: prepares the core and calls board_start. */
void Reset_Handler(void);

/* A semihosting call, answered by an emulator or a debug probe; argument: usually the address of a block of words. */
uint32_t core_trap(uint32_t operation, uintptr_t argument);

/* Prepares the memory and runs the harness. */
void board_start(void);

/* Where every processor fault ends. */
void board_fault(void);

#endif
