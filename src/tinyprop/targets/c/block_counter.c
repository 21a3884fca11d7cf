/* SPDX-License-Identifier: Apache-2.0 */
/* Counts executed instructions exactly, from a hook that the emulator calls at every basic block. */
#include <stdint.h>

#define PROFILING (1u << 12)  /* PCSAMPLENA of the DWT unit's control register */

typedef struct block_counter {
    uint64_t executed;             /* instructions since power-up */
    uint64_t origin;               /* address of code[0] */
    uint64_t halfwords;            /* length of code, of block_bytes and block_length; one less than of the histogram */
    uint64_t behind;               /* first halfword behind the block executed last */
    uint16_t long_mask;            /* an instruction is two halfwords long exactly when its first, */
    uint16_t long_at_least;        /* masked, is at least this */
    const uint16_t *code;
    uint16_t *block_bytes;         /* by address of a block: its size when it was last counted */
    uint16_t *block_length;        /* and how many instructions that is */
    uint64_t *entered;             /* while profiling: executions of blocks that begin here, */
    uint64_t *left;                /* of blocks that end before here, */
    uint64_t *followed;            /* and of blocks that begin here and came next after one that ends before here */
    const uint16_t *function_of;   /* by address: the number of the function, 0 for one that works for whichever calls it */
    uint64_t *of_function;         /* while profiling: instructions of a function, and of those that worked for it */
    uint64_t function;             /* the number of the one that was entered last and has one */
    volatile uint32_t *clock;      /* as the firmware sees it: [0] control, with PROFILING, [1] executed */
} block_counter;

void block_counter_hook(void *emulator, uint64_t address, uint32_t bytes, void *user);

static uint16_t instructions_in(const block_counter *counter, uint64_t first, uint32_t halfwords)
{
    const uint16_t *code = counter->code + first;
    uint16_t count = 0;
    for (uint32_t i = 0; i < halfwords; i += (code[i] & counter->long_mask) >= counter->long_at_least ? 2u : 1u) {
        count++;
    }
    return count;
}

void block_counter_hook(void *emulator, uint64_t address, uint32_t bytes, void *user)
{
    block_counter *counter = user;
    uint64_t block = (address - counter->origin) / 2u;
    (void)emulator;
    if (block >= counter->halfwords) {
        return;
    }
    if (counter->block_bytes[block] != bytes) {
        counter->block_bytes[block] = (uint16_t)bytes;
        counter->block_length[block] = instructions_in(counter, block, bytes / 2u);
    }
    counter->executed += counter->block_length[block];
    if (counter->function_of[block] != 0u) {
        counter->function = counter->function_of[block];
    }
    uint64_t behind = block + bytes / 2u;
    if ((counter->clock[0] & PROFILING) != 0u && behind <= counter->halfwords) {
        counter->entered[block]++;
        counter->left[behind]++;
        counter->of_function[counter->function] += counter->block_length[block];
        counter->followed[block] += counter->behind == block ? 1u : 0u;
    }
    counter->behind = behind;
    counter->clock[1] = (uint32_t)counter->executed;
}
