/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware that speaks the protocol of tp_link.h, as a product's would: bytes come and go by two streams in the place of
 * a serial port, and checkpoints lie in a file in the place of a flash, which outlives the board's resets. */
#include "semihosting.h"
#include "stream.h"
#include "tinyprop.h"
#include "tp_checkpoint.h"
#include "tp_link.h"

#include <string.h>

#define BLOCK_BYTES 4096u
#define UNIT_BYTES 4u
#define SLOTS 2u

extern const tp_program *const board_program;
extern void *const board_memory;

/* The first free word of RAM: here live one sample and one output or target, whose sizes only the program knows. */
extern float board_scratch[];

static uint32_t file;

static int file_read(void *context, uint32_t offset, void *to, uint32_t bytes)
{
    (void)context;
    return semihosting_seek(file, offset) != 0u || semihosting_read(file, to, bytes) != 0u;
}

static int file_program(void *context, uint32_t offset, const void *from, uint32_t bytes)
{
    (void)context;
    return semihosting_seek(file, offset) != 0u || semihosting_write(file, from, bytes) != 0u;
}

static int file_erase(void *context, uint32_t offset)
{
    uint8_t ones[64];
    memset(ones, 0xFF, sizeof ones);
    for (uint32_t done = 0u; done < BLOCK_BYTES; done += sizeof ones) {
        if (file_program(context, offset + done, ones, sizeof ones) != 0) {
            return 1;
        }
    }
    return 0;
}

void board_main(void);

void board_main(void)
{
    static const char name[] = "flash";
    static const tp_flash flash = {NULL, BLOCK_BYTES, UNIT_BYTES, file_read, file_program, file_erase, NULL};
    static const tp_checkpoint checkpoint = {&flash, 0u, SLOTS, NULL, 0u};
    static tp_model model;
    static tp_link link;
    stream_open();
    file = semihosting_open(name, sizeof name - 1u, SEMIHOSTING_CHANGE);
    if (tp_init(&model, board_program, board_memory, board_program->memory_bytes) != TP_OK
        || tp_link_init(&link, &model, board_scratch, board_scratch + board_program->inputs, &checkpoint, NULL) != TP_OK) {
        semihosting_exit(0);
    }
    (void)tp_load(&checkpoint, &model, &link.steps);
    for (;;) {
        uint8_t byte;
        stream_read(&byte, 1u);
        const uint32_t bytes = tp_link_take(&link, byte);
        if (bytes > 0u) {
            stream_write(link.ready, bytes);
            stream_flush();
        }
    }
}
