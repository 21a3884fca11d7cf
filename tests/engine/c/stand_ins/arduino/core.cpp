/* SPDX-License-Identifier: Apache-2.0 */
/* Arduino's core on a computer: Serial is standard input and output, and loop runs once. */
#include <Arduino.h>

#include <stdio.h>

StandInSerial Serial;

void StandInSerial::begin(unsigned long) {}

int StandInSerial::read()
{
    return getchar();
}

size_t StandInSerial::write(const uint8_t *bytes, size_t count)
{
    return fwrite(bytes, 1U, count, stdout);
}

unsigned long millis()
{
    return 0UL;
}

/* Three a call: as slow as a counter may be, and the same on every run. */
unsigned long micros()
{
    static unsigned long now;
    return now += 3UL;
}

int main()
{
    setup();
    loop();
    return 0;
}
