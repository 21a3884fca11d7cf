/* SPDX-License-Identifier: Apache-2.0 */
/* Of Zephyr, what the port calls, as its documentation declares it. */
#ifndef STAND_IN_KERNEL_H
#define STAND_IN_KERNEL_H
#include <stdint.h>
uint32_t k_cycle_get_32(void);
#endif
