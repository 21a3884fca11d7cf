/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAND_IN_DEVICETREE_H
#define STAND_IN_DEVICETREE_H
#include <zephyr/device.h>
extern const struct device stand_in_zephyr_console;
#define DT_CHOSEN(name) stand_in_##name
#endif
