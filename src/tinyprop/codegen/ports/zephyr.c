/* SPDX-License-Identifier: Apache-2.0 */
/* Port to Zephyr: the line is the UART chosen as zephyr,console; k_cycle_get_32 counts its hardware clock, which is the
 * core's on many boards and a slow one on others: CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC says which. */
#include "tp_port.h"

#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

static const struct device *const line = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

void tp_port_open(void)
{
}

int tp_port_get(void)
{
    unsigned char byte;
    return uart_poll_in(line, &byte) == 0 ? (int)byte : -1;
}

void tp_port_put(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0U; i < count; ++i) {
        uart_poll_out(line, bytes[i]);
    }
}

uint32_t tp_port_cycles(void)
{
    return k_cycle_get_32();
}

const char *tp_port_unit(void)
{
    return "cycles of the system clock";
}

/* With CONFIG_FLASH_MAP, return a tp_flash whose callbacks call flash_area_read, flash_area_write and flash_area_erase on
 * a partition of your board, with the sizes of its erase block and write unit. */
const tp_flash *tp_port_flash(void)
{
    return NULL;
}
