/* SPDX-License-Identifier: Apache-2.0 */
/* As much of Arduino's core as the exported sketches call; what is behind it is in core.cpp. */
#ifndef STAND_IN_ARDUINO_H
#define STAND_IN_ARDUINO_H

#include <stddef.h>
#include <stdint.h>

struct StandInSerial {
    void begin(unsigned long baud);
    operator bool() { return true; }
    int read();
    size_t write(const uint8_t *bytes, size_t count);
};

extern StandInSerial Serial;

unsigned long millis();
unsigned long micros();
void setup();
void loop();

#endif
