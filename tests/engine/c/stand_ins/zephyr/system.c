/* SPDX-License-Identifier: Apache-2.0 */
/* Zephyr on a computer: the console is standard input and output. */
#include <zephyr/devicetree.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

#include <stdio.h>

const struct device stand_in_zephyr_console = {"console"};

int uart_poll_in(const struct device *dev, unsigned char *p_char)
{
    const int byte = getchar();
    (void)dev;
    *p_char = (unsigned char)byte;
    return byte == EOF ? -1 : 0;
}

void uart_poll_out(const struct device *dev, unsigned char out_char)
{
    (void)dev;
    (void)putchar(out_char);
}

uint32_t k_cycle_get_32(void)
{
    static uint32_t now;
    return now += 3U;
}
