/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TP_CONFIG_H
#define TP_CONFIG_H

#ifndef TP_KERNEL
#define TP_KERNEL
#endif

#endif
