/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the content of a flash: tp_load and tp_save never read or write outside, and what is loaded is whole.
 * The first byte chooses the geometry; the CRCs of the slots are mended where its high bit is set, so that a fuzzer gets past
 * them. Memory is allocated to the byte: a sanitizer sees every step beyond it. */
#include "fuzz_image.h"
#include "network_under_test.h"
#include "tp_bytes.h"
#include "tp_checkpoint.h"
#include "tp_crc32.h"

#define SLOTS 2U
#define EXTRA 5U

/* What a slot holds becomes a checkpoint of this program, as far as its header and its CRC go. */
static void mend(uint8_t *slot, uint32_t bytes, uint32_t sequence)
{
    const uint32_t head[7] = {TP_CHECKPOINT_MAGIC, TP_CHECKPOINT_VERSION, sequence, NETWORK.identity,
                              NETWORK.state_words, EXTRA, sequence};
    for (uint32_t i = 0U; i < 7U; ++i) {
        tp_put_word(slot, i, head[i]);
    }
    const uint32_t crc = tp_crc32(0U, slot, 28U);
    tp_put_word(slot, 7U, tp_crc32(crc, slot + TP_CHECKPOINT_HEADER_BYTES, bytes - TP_CHECKPOINT_HEADER_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t geometries[4][2] = {{128U, 4U}, {1024U, 256U}, {64U, 1U}, {512U, 32U}};
    if (size == 0U) {
        return 0;
    }
    image flash = {NULL, 0U, geometries[data[0] & 3U][1], geometries[data[0] & 3U][0]};
    uint8_t *extra = malloc(EXTRA);
    const tp_flash driver = {&flash, flash.block, flash.unit, image_read, image_program, image_erase, NULL};
    const tp_checkpoint checkpoint = {&driver, 0U, SLOTS, extra, EXTRA};
    const uint32_t slot = tp_slot_bytes(&checkpoint, &NETWORK), bytes = tp_checkpoint_bytes(&checkpoint, &NETWORK);
    flash.size = SLOTS * slot;
    flash.bytes = malloc(flash.size);
    require(extra != NULL && flash.bytes != NULL && bytes <= slot);
    memset(flash.bytes, 0, flash.size);
    memcpy(flash.bytes, data + 1, size - 1U < flash.size ? size - 1U : flash.size);
    if ((data[0] & 0x80U) != 0U) {
        mend(flash.bytes, bytes, 7U);
        mend(flash.bytes + slot, bytes, 8U);
    }
    void *memory = malloc(NETWORK.memory_bytes);
    float *x = calloc(NETWORK.inputs, sizeof *x);
    tp_model model;
    tp_step step;
    uint32_t steps = 0U;
    require(memory != NULL && x != NULL && tp_init(&model, &NETWORK, memory, NETWORK.memory_bytes) == TP_OK);
    const int status = tp_load(&checkpoint, &model, &steps);
    require(status == TP_OK || status == TP_CHECKPOINT_NONE);
    if (status == TP_OK) { /* whatever was loaded, learning does nothing undefined */
        (void)tp_train_step(&model, x, 0U, 0.01f, &step);
    }
    const int saved = tp_save(&checkpoint, &model, 9U);
    require(saved == TP_OK || saved == TP_ERR_NONFINITE);
    require(saved != TP_OK || (tp_load(&checkpoint, &model, &steps) == TP_OK && steps == 9U));
    free(x);
    free(memory);
    free(flash.bytes);
    free(extra);
    return 0;
}
