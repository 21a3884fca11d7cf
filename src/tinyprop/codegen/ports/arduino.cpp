/* SPDX-License-Identifier: Apache-2.0 */
/* Port to Arduino: the line is Serial; cycles from the DWT unit of Cortex-M3 and larger, elsewhere microseconds. */
#ifdef ARDUINO
#include <Arduino.h>

#include "tp_port.h"

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__) \
    || defined(__ARM_ARCH_8_1M_MAIN__)
/* Armv7-M Architecture Reference Manual, C1.6.5 and C1.8: the same addresses in Armv8-M. By number, because not every
 * core's Arduino.h brings CMSIS along. */
static volatile uint32_t *const demcr = reinterpret_cast<volatile uint32_t *>(0xE000EDFCU);
static volatile uint32_t *const dwt_ctrl = reinterpret_cast<volatile uint32_t *>(0xE0001000U);
static volatile uint32_t *const dwt_cyccnt = reinterpret_cast<volatile uint32_t *>(0xE0001004U);

static void start_counter()
{
    *demcr |= 1U << 24; /* TRCENA */
    *dwt_cyccnt = 0U;
    *dwt_ctrl |= 1U; /* CYCCNTENA */
}

uint32_t tp_port_cycles(void)
{
    return *dwt_cyccnt;
}

const char *tp_port_unit(void)
{
    return "cycles";
}
#else
static void start_counter()
{
}

uint32_t tp_port_cycles(void)
{
    return static_cast<uint32_t>(micros());
}

const char *tp_port_unit(void)
{
    return "microseconds";
}
#endif

/* A board whose Serial is USB has it only once a computer listens: three seconds for that, then it goes on without. */
void tp_port_open(void)
{
    Serial.begin(115200);
    const uint32_t start = static_cast<uint32_t>(millis());
    while (!Serial && static_cast<uint32_t>(millis()) - start < 3000U) {
    }
    start_counter();
}

int tp_port_get(void)
{
    return Serial.read();
}

void tp_port_put(const uint8_t *bytes, uint32_t count)
{
    while (count > 0U) {
        const uint32_t written = static_cast<uint32_t>(Serial.write(bytes, count));
        if (written == 0U) {
            return; /* nobody listens any more */
        }
        bytes += written;
        count -= written;
    }
}

/* Each core has a library of its own for its flash: return a tp_flash whose callbacks call yours. */
const tp_flash *tp_port_flash(void)
{
    return NULL;
}
#endif
