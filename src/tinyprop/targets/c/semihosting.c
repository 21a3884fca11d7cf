/* SPDX-License-Identifier: Apache-2.0 */
/* "Semihosting for AArch32 and AArch64", Arm, release 2.0: operation in r0, argument block in r1, BKPT 0xAB. */
#include "semihosting.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };

#define ADP_STOPPED_RUN_TIME_ERROR 0x20023u
#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

static uint32_t call(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

uint32_t semihosting_open(const char *name, uint32_t name_length, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, name_length};
    return call(SYS_OPEN, (uintptr_t)block);
}

uint32_t semihosting_read(uint32_t handle, void *to, uint32_t bytes)
{
    const uint32_t block[3] = {handle, (uint32_t)(uintptr_t)to, bytes};
    return call(SYS_READ, (uintptr_t)block);
}

uint32_t semihosting_write(uint32_t handle, const void *from, uint32_t bytes)
{
    const uint32_t block[3] = {handle, (uint32_t)(uintptr_t)from, bytes};
    return call(SYS_WRITE, (uintptr_t)block);
}

void semihosting_exit(int in_order)
{
    call(SYS_EXIT, in_order ? ADP_STOPPED_APPLICATION_EXIT : ADP_STOPPED_RUN_TIME_ERROR);
    for (;;) {
    }
}
