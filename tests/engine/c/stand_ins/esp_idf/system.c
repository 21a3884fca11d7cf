/* SPDX-License-Identifier: Apache-2.0 */
/* ESP-IDF on a computer: UART 0 is standard input and output, and one partition lies in memory. */
#include "driver/uart.h"
#include "esp_cpu.h"
#include "esp_partition.h"

#include <stdio.h>
#include <string.h>

#define BYTES 65536U

void app_main(void);

static const esp_partition_t partition = {BYTES};
static uint8_t content[BYTES];

esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              QueueHandle_t *uart_queue, int intr_alloc_flags)
{
    (void)uart_queue;
    return uart_num + tx_buffer_size + queue_size + intr_alloc_flags == 0 && rx_buffer_size > 128 ? ESP_OK : -1;
}

int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait)
{
    (void)uart_num;
    (void)ticks_to_wait;
    return (int)fread(buf, 1U, length, stdin);
}

int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size)
{
    (void)uart_num;
    return (int)fwrite(src, 1U, size, stdout);
}

esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void)
{
    static uint32_t now;
    return now += 3U;
}

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label)
{
    (void)type;
    (void)subtype;
    return strcmp(label, "tinyprop") == 0 ? &partition : NULL;
}

int esp_partition_read(const esp_partition_t *p, size_t src_offset, void *dst, size_t size)
{
    (void)p;
    memcpy(dst, content + src_offset, size);
    return ESP_OK;
}

int esp_partition_write(const esp_partition_t *p, size_t dst_offset, const void *src, size_t size)
{
    (void)p;
    memcpy(content + dst_offset, src, size);
    return ESP_OK;
}

int esp_partition_erase_range(const esp_partition_t *p, size_t offset, size_t size)
{
    (void)p;
    memset(content + offset, 0xFF, size);
    return ESP_OK;
}

int main(void)
{
    app_main();
    return 0;
}
