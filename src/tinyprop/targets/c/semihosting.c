/* SPDX-License-Identifier: Apache-2.0 */
/* "Semihosting for AArch32 and AArch64", Arm, release 2.0; "RISC-V Semihosting", RISC-V International, version 1.0,
 * takes its operations over. */
#include "semihosting.h"

#include "core.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_SEEK = 0x0A, SYS_EXIT = 0x18 };

#define ADP_STOPPED_RUN_TIME_ERROR 0x20023u
#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

uint32_t semihosting_open(const char *name, uint32_t name_length, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, name_length};
    return core_trap(SYS_OPEN, (uintptr_t)block);
}

uint32_t semihosting_read(uint32_t handle, void *to, uint32_t bytes)
{
    const uint32_t block[3] = {handle, (uint32_t)(uintptr_t)to, bytes};
    return core_trap(SYS_READ, (uintptr_t)block);
}

uint32_t semihosting_write(uint32_t handle, const void *from, uint32_t bytes)
{
    const uint32_t block[3] = {handle, (uint32_t)(uintptr_t)from, bytes};
    return core_trap(SYS_WRITE, (uintptr_t)block);
}

uint32_t semihosting_seek(uint32_t handle, uint32_t offset)
{
    const uint32_t block[2] = {handle, offset};
    return core_trap(SYS_SEEK, (uintptr_t)block);
}

void semihosting_exit(int in_order)
{
    core_trap(SYS_EXIT, in_order ? ADP_STOPPED_APPLICATION_EXIT : ADP_STOPPED_RUN_TIME_ERROR);
    for (;;) {
    }
}
