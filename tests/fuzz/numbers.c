/* numbers.c - SPDX-License-Identifier: BSD-3-Clause */
#include "numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"

static int take(struct numbers *numbers, void *to, size_t n)
{
    if (numbers->left < n) {
        numbers->left = 0;
        return 0;
    }
    memcpy(to, numbers->bytes, n);
    numbers->bytes += n;
    numbers->left -= n;
    return 1;
}

uint8_t take_byte(struct numbers *numbers)
{
    uint8_t byte = 0;
    take(numbers, &byte, 1);
    return byte;
}

size_t take_count(struct numbers *numbers)
{
    uint16_t count = 0;
    take(numbers, &count, 2);
    return count;
}

double take_double(struct numbers *numbers)
{
    double value;
    if (take(numbers, &value, sizeof value))
        return value;
    numbers->state = numbers->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(numbers->state >> 11) / 4503599627370496.0;
}

double *take_doubles(struct numbers *numbers, size_t n)
{
    double *values = malloc(n ? n * sizeof *values : 1);
    CHECK(values);
    for (size_t i = 0; i < n; i++)
        values[i] = take_double(numbers);
    return values;
}

double *take_increasing(struct numbers *numbers, size_t n)
{
    double *values = malloc(n ? n * sizeof *values : 1), first = take_double(numbers),
           step = take_double(numbers);
    unsigned every = take_byte(numbers);
    CHECK(values);
    for (size_t i = 0; i < n; i++) {
        values[i] = first + step * (double)i;
        if (every && i % every == every - 1)
            values[i] += take_double(numbers) * step;
    }
    return values;
}
