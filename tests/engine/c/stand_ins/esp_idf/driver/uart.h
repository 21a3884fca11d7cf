/* SPDX-License-Identifier: Apache-2.0 */
/* Of ESP-IDF, what the port calls, as its documentation declares it. */
#ifndef STAND_IN_UART_H
#define STAND_IN_UART_H
#include <stddef.h>
#include <stdint.h>
typedef int esp_err_t;
typedef int uart_port_t;
typedef uint32_t TickType_t;
typedef void *QueueHandle_t;
#define ESP_OK 0
#define UART_NUM_0 0
esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              QueueHandle_t *uart_queue, int intr_alloc_flags);
int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait);
int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size);
#endif
