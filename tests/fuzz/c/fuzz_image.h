/* SPDX-License-Identifier: Apache-2.0 */
/* A flash of so many bytes, to the byte: whoever leaves it, or writes part of a unit, ends the run. */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct image {
    uint8_t *bytes;
    uint32_t size, unit, block;
} image;

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int image_read(void *context, uint32_t offset, void *to, uint32_t bytes)
{
    const image *flash = context;
    require(offset <= flash->size && bytes <= flash->size - offset);
    memcpy(to, flash->bytes + offset, bytes);
    return 0;
}

static int image_program(void *context, uint32_t offset, const void *from, uint32_t bytes)
{
    const image *flash = context;
    require(offset <= flash->size && bytes <= flash->size - offset);
    require(offset % flash->unit == 0U && bytes % flash->unit == 0U);
    memcpy(flash->bytes + offset, from, bytes);
    return 0;
}

static int image_erase(void *context, uint32_t offset)
{
    const image *flash = context;
    require(offset % flash->block == 0U && offset < flash->size);
    memset(flash->bytes + offset, 0xFF, flash->block);
    return 0;
}

#endif
