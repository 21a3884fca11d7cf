/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAND_IN_ESP_PARTITION_H
#define STAND_IN_ESP_PARTITION_H
#include <stddef.h>
#include <stdint.h>
typedef struct esp_partition {
    uint32_t size;
} esp_partition_t;
typedef enum { ESP_PARTITION_TYPE_DATA = 1 } esp_partition_type_t;
typedef enum { ESP_PARTITION_SUBTYPE_ANY = 0xff } esp_partition_subtype_t;
const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label);
int esp_partition_read(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size);
int esp_partition_write(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size);
int esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size);
#endif
