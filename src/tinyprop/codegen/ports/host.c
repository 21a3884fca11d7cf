/* SPDX-License-Identifier: Apache-2.0 */
/* Port to a computer: the line is standard input and output, the flash is the file that TINYPROP_FLASH names. */
#include "tp_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLASH_BYTES (1024U * 1024U)
#define BLOCK_BYTES 4096U

void tp_port_open(void)
{
}

/* Waits for a byte, as standard C cannot do otherwise. Where the other end has gone away, so does this program. */
int tp_port_get(void)
{
    const int byte = getchar();
    if (byte == EOF) {
        exit(0);
    }
    return byte;
}

void tp_port_put(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0U; i < count; ++i) {
        (void)putchar(bytes[i]);
    }
    (void)fflush(NULL);
}

/* A clock of wall time would say something about this computer, and nothing about a board. */
uint32_t tp_port_cycles(void)
{
    return 0U;
}

const char *tp_port_unit(void)
{
    return "cycles";
}

static int is_inside(uint32_t offset, uint32_t bytes)
{
    return offset <= FLASH_BYTES && bytes <= FLASH_BYTES - offset;
}

/* What was never written reads as ones, like the rest of an erased flash. */
static int flash_read(void *context, uint32_t offset, void *to, uint32_t bytes)
{
    FILE *file = is_inside(offset, bytes) ? fopen(context, "rb") : NULL;
    memset(to, 0xFF, bytes);
    if (file != NULL) {
        if (fseek(file, (long)offset, SEEK_SET) == 0) {
            const size_t had = fread(to, 1U, bytes, file); /* fewer where the file ends: the rest is ones */
            (void)had;
        }
        (void)fclose(file);
    }
    return is_inside(offset, bytes) ? 0 : -1;
}

static int flash_program(void *context, uint32_t offset, const void *from, uint32_t bytes)
{
    if (!is_inside(offset, bytes)) {
        return -1;
    }
    FILE *file = fopen(context, "rb+");
    if (file == NULL) {
        file = fopen(context, "wb");
    }
    if (file == NULL) {
        return -1;
    }
    const int written = fseek(file, (long)offset, SEEK_SET) == 0 && fwrite(from, 1U, bytes, file) == bytes;
    return fclose(file) == 0 && written ? 0 : -1;
}

static int flash_erase(void *context, uint32_t offset)
{
    uint8_t ones[BLOCK_BYTES];
    memset(ones, 0xFF, sizeof ones);
    return flash_program(context, offset, ones, sizeof ones);
}

const tp_flash *tp_port_flash(void)
{
    static tp_flash flash = {NULL, BLOCK_BYTES, 4U, flash_read, flash_program, flash_erase, NULL};
    flash.context = getenv("TINYPROP_FLASH");
    return flash.context != NULL ? &flash : NULL;
}
