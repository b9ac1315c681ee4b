/*
 * mutate_numbers.c - libFuzzer's mutations for inputs that are numbers: some places get numbers that are hard
 * on arithmetic, the others whatever libFuzzer thinks of.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

static const double hard[] = {
    0,      -0.0,  1,     -1,      NAN,    INFINITY, -INFINITY, DBL_MAX, -DBL_MAX, DBL_MIN,     5e-324, 1e308,
    1e-308, 1e154, 1e155, 1e-154,  1e-155, 1e200,    1e-200,    1e100,   -1e100,   1e38,        3.5e38, 1e-30,
    1e16,   1e-16, 0.5,   2,       3,      1e-5,     1.57,      5,       -0.999,   3600,        0.8,    9824,
    1261,   2399,  1549,  1398,    1040,   1205,     1420,      1480,    1216,     0.9,         0.1,    1e6,
    1e-6,   100,   1000,  12345.6, 4000,   10,       1e7,       1e10,    -3,       DBL_EPSILON,
};

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    uint32_t state = seed;
    if (next(&state) % 2 == 0 || size < 16)
        return LLVMFuzzerMutate(bytes, size, most);
    for (unsigned times = 1 + next(&state) % 4; times > 0; times--) {
        size_t place = next(&state) % (size - 7);
        double value = hard[next(&state) % (sizeof hard / sizeof hard[0])];
        if (next(&state) % 3 == 0) {
            /* near what is there */
            memcpy(&value, bytes + place, sizeof value);
            value *= next(&state) % 2 ? 1 + 1e-3 * (double)(next(&state) % 100) : 0.5;
        }
        memcpy(bytes + place, &value, sizeof value);
    }
    return size;
}
