/*
 * numbers.h - a fuzz input as a stream of numbers: bytes, counts, and doubles of any kind. A stream that has
 * run out goes on with pseudo-random ordinary numbers, so that short inputs make long spectra.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FUZZ_NUMBERS_H
#define FUZZ_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

struct numbers {
    const uint8_t *bytes;
    size_t left;
    uint64_t state;
};

uint8_t take_byte(struct numbers *numbers);  /* 0 at the end */
size_t take_count(struct numbers *numbers);  /* 0 to 65535 */
double take_double(struct numbers *numbers); /* any bits; 0 to 2 at the end */
/* n of them: any, or first and then steps up. Owned by the caller, as long as n. */
double *take_doubles(struct numbers *numbers, size_t n);
double *take_increasing(struct numbers *numbers, size_t n);

#endif
