/* SPDX-License-Identifier: Apache-2.0 */
/* Arduino's core on the emulated board of mps2.c: Serial is its UART. */
#include <Arduino.h>

extern "C" {
void mps2_put(uint8_t byte);
int main(void);
}

StandInSerial Serial;

void StandInSerial::begin(unsigned long) {}

int StandInSerial::read()
{
    return -1;
}

size_t StandInSerial::write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0U; i < count; ++i) {
        mps2_put(bytes[i]);
    }
    return count;
}

unsigned long millis()
{
    return 0UL;
}

unsigned long micros()
{
    return 0UL;
}

int main(void)
{
    setup();
    loop();
    return 0;
}
