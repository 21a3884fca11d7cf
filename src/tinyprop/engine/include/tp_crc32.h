/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 as zlib, PNG and Ethernet have it (reflected, polynomial 0x04C11DB7): of checkpoints and frames. */
#ifndef TP_CRC32_H
#define TP_CRC32_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The CRC of what `crc` is the CRC of, followed by bytes[size]; begin with 0. */
uint32_t tp_crc32(uint32_t crc, const void *bytes, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
