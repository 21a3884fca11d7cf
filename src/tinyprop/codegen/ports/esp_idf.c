/* SPDX-License-Identifier: Apache-2.0 */
/* Port to ESP-IDF: the line is UART 0, taken from the console's driver so that no byte is translated; the flash is the
 * data partition labelled "tinyprop", where partitions.csv has one. */
#include "tp_port.h"

#include "driver/uart.h"
#include "esp_cpu.h"
#include "esp_partition.h"

#define LINE UART_NUM_0
#define BUFFER_BYTES 512
#define BLOCK_BYTES 4096U

void tp_port_open(void)
{
    (void)uart_driver_install(LINE, BUFFER_BYTES, 0, 0, NULL, 0);
}

/* Waits for a tick where nothing has come, so that the idle task runs and its watchdog stays quiet. */
int tp_port_get(void)
{
    uint8_t byte;
    return uart_read_bytes(LINE, &byte, 1U, 1U) == 1 ? (int)byte : -1;
}

void tp_port_put(const uint8_t *bytes, uint32_t count)
{
    (void)uart_write_bytes(LINE, bytes, count);
}

uint32_t tp_port_cycles(void)
{
    return (uint32_t)esp_cpu_get_cycle_count();
}

const char *tp_port_unit(void)
{
    return "cycles";
}

static int flash_read(void *context, uint32_t offset, void *to, uint32_t bytes)
{
    return esp_partition_read(context, offset, to, bytes) == ESP_OK ? 0 : -1;
}

static int flash_program(void *context, uint32_t offset, const void *from, uint32_t bytes)
{
    return esp_partition_write(context, offset, from, bytes) == ESP_OK ? 0 : -1;
}

static int flash_erase(void *context, uint32_t offset)
{
    return esp_partition_erase_range(context, offset, BLOCK_BYTES) == ESP_OK ? 0 : -1;
}

/* 16 bytes: what an encrypted partition is written in at least. */
const tp_flash *tp_port_flash(void)
{
    static tp_flash flash = {NULL, BLOCK_BYTES, 16U, flash_read, flash_program, flash_erase, NULL};
    flash.context = (void *)esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "tinyprop");
    return flash.context != NULL ? &flash : NULL;
}
