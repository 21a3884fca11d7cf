/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYPROP_SOAK_H
#define TINYPROP_SOAK_H

#include <stdint.h>

typedef struct soak_counts {
    uint32_t steps;        /* of the device in peace */
    uint32_t replayed;     /* that the other one made again, because they were not saved */
    uint32_t bad_samples;
    uint32_t saves, cuts;  /* that ended, and those in the middle of which power went */
    uint32_t resets;
    uint32_t lost;         /* starts at which nothing could be loaded */
    uint32_t wrong;        /* calls that did not answer as they have to */
    uint32_t mismatches;   /* both had learned as much, and were not the same */
    uint32_t crc;          /* of the state of the device in peace */
    uint32_t violations;   /* what no flash allows */
} soak_counts;

/* Two new devices and an empty flash. */
void soak_start(uint32_t seed);

/* Both learn so many samples more, and are compared. */
const soak_counts *soak_run(uint32_t steps);

#endif
