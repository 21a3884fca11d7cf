/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include "semihosting.h"

#include <string.h>

#define IN_BYTES 4096u
#define OUT_BYTES 1024u

static uint32_t in_handle;
static uint32_t out_handle;
static uint32_t in_first;  /* unread bytes are in_buffer[in_first .. in_end) */
static uint32_t in_end;
static uint32_t out_used;
static uint8_t in_buffer[IN_BYTES];
static uint8_t out_buffer[OUT_BYTES];

void stream_open(void)
{
    static const char results[] = "results";
    static const char commands[] = "commands";
    out_handle = semihosting_open(results, sizeof results - 1u, SEMIHOSTING_WRITE);
    in_handle = semihosting_open(commands, sizeof commands - 1u, SEMIHOSTING_READ);
}

/* One transfer of up to `bytes`; nothing at all means the other side has gone. */
static uint32_t receive(void *to, uint32_t bytes)
{
    uint32_t received = bytes - semihosting_read(in_handle, to, bytes);
    if (received == 0u || received > bytes) {
        semihosting_exit(1);
    }
    return received;
}

void stream_read(void *to, uint32_t bytes)
{
    uint8_t *next = to;
    while (bytes > 0u) {
        if (in_first == in_end) {
            in_first = 0u;
            in_end = receive(in_buffer, IN_BYTES);
        }
        uint32_t part = in_end - in_first < bytes ? in_end - in_first : bytes;
        memcpy(next, in_buffer + in_first, part);
        in_first += part;
        next += part;
        bytes -= part;
    }
}

static void send(const void *from, uint32_t bytes)
{
    const uint8_t *next = from;
    while (bytes > 0u) {
        uint32_t left = semihosting_write(out_handle, next, bytes);
        if (left > bytes) {
            semihosting_exit(0);
        }
        next += bytes - left;
        bytes = left;
    }
}

void stream_flush(void)
{
    send(out_buffer, out_used);
    out_used = 0u;
}

void stream_write(const void *from, uint32_t bytes)
{
    if (bytes > OUT_BYTES - out_used) {
        stream_flush();
    }
    if (bytes > OUT_BYTES) {
        send(from, bytes);
        return;
    }
    memcpy(out_buffer + out_used, from, bytes);
    out_used += bytes;
}
