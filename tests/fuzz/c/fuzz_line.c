/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes on the line of a device that takes checkpoints: nothing outside of its memory is read or written, and it answers
 * the next host. The first byte says how the others are meant: as they come, or as requests whose stuffing, session, number
 * and CRC are right, so that a fuzzer gets to what is behind. Memory is allocated to the byte. */
#include "fuzz_image.h"
#include "network_under_test.h"
#include "tp_bytes.h"
#include "tp_checkpoint.h"
#include "tp_crc32.h"
#include "tp_guard.h"
#include "tp_link.h"

#define BLOCK 128U
#define UNIT 4U

/* Hands a byte in; what is sent has to be a frame: no zero but the last. */
static uint32_t take(tp_link *link, uint8_t byte)
{
    const uint32_t bytes = tp_link_take(link, byte);
    require(bytes <= TP_LINK_FRAME_BYTES && (bytes == 0U || link->ready[bytes - 1U] == 0U));
    for (uint32_t i = 0U; i + 1U < bytes; ++i) {
        require(link->ready[i] != 0U);
    }
    return bytes;
}

/* A request with everything right around it; the simplest stuffing there is. */
static void request(tp_link *link, uint8_t session, uint8_t type, uint8_t number, const uint8_t *payload, uint32_t size)
{
    uint8_t frame[TP_LINK_FRAME_BYTES] = {TP_LINK_VERSION, type, session, session, number, 0U};
    memcpy(frame + TP_LINK_HEADER_BYTES, payload, size);
    const uint32_t bytes = TP_LINK_HEADER_BYTES + size, crc = tp_crc32(0U, frame, bytes);
    tp_put_word(frame + bytes, 0U, crc);
    for (uint32_t at = 0U; at <= bytes + 4U;) {
        uint32_t length = 0U;
        while (at + length < bytes + 4U && frame[at + length] != 0U && length < 254U) {
            ++length;
        }
        (void)take(link, (uint8_t)(length + 1U));
        for (uint32_t i = 0U; i < length; ++i) {
            (void)take(link, frame[at + i]);
        }
        at += length + (length < 254U ? 1U : 0U);
        if (length == 254U && at == bytes + 4U) {
            break;
        }
    }
    (void)take(link, 0U);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0U) {
        return 0;
    }
    image flash = {NULL, 0U, UNIT, BLOCK};
    const tp_flash driver = {&flash, BLOCK, UNIT, image_read, image_program, image_erase, NULL};
    const tp_checkpoint checkpoint = {&driver, 0U, 2U, NULL, 0U};
    const tp_guard_settings settings = {NULL, NULL, 0U, 3U, 0U, 2U};
    void *memory = malloc(NETWORK.memory_bytes);
    float *sample = calloc(NETWORK.inputs, sizeof *sample), *truth = calloc(NETWORK.outputs, sizeof *truth);
    tp_link *link = malloc(sizeof *link);
    tp_model model;
    tp_guard guard;
    flash.size = 2U * tp_slot_bytes(&checkpoint, &NETWORK);
    flash.bytes = malloc(flash.size);
    require(memory != NULL && sample != NULL && truth != NULL && link != NULL && flash.bytes != NULL);
    memset(flash.bytes, 0xFF, flash.size);
    require(tp_init(&model, &NETWORK, memory, NETWORK.memory_bytes) == TP_OK);
    require(tp_guard_init(&guard, &settings, &checkpoint, &model) == TP_OK);
    require(tp_link_init(link, &model, sample, truth, &checkpoint, (data[0] & 2U) != 0U ? &guard : NULL) == TP_OK);
    if ((data[0] & 1U) == 0U) {
        for (size_t i = 1U; i < size; ++i) {
            (void)take(link, data[i]);
        }
    } else {
        request(link, 1U, TP_LINK_HELLO, 0U, data, 0U);
        uint8_t number = 0U;
        for (size_t at = 1U; at + 2U <= size; ) {
            const uint32_t left = (uint32_t)(size - at - 2U), wanted = data[at + 1U] + (data[at] >> 7) * 9U;
            const uint32_t length = wanted < left ? wanted : left;
            request(link, 1U, data[at] & 15U, ++number, data + at + 2U, length);
            at += 2U + length;
        }
    }
    (void)take(link, 0U); /* whatever it was in the middle of */
    const uint8_t other = link->session == 0x0202U ? 3U : 2U;
    request(link, other, TP_LINK_HELLO, 0U, data, 0U);
    require(link->session == 257U * other && link->answered > 40U);
    free(link);
    free(truth);
    free(sample);
    free(memory);
    free(flash.bytes);
    return 0;
}
