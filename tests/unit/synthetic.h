/*
 * synthetic.h - noiseless spectra whose results can be computed by hand, and checks of floating-point
 * numbers.
 *
 * The pixels are even in velocity. Pixel k (K_FIRST to K_LAST) has the C IV velocity -12.5 + 97 k km/s, so
 * that no pixel lies on a limit of the search and sums of pixels never equal a minimum width:
 *
 *     k = -257  first of the C IV search     v = -24941.5
 *     k =  -31  last of the BI search        v =  -3019.5
 *     k =    0  last of the AI search        v =    -12.5
 *
 * The continuum is 1 everywhere. Pixels redward of K_ANCHOR have so much more weight than all others that a
 * fit with one flat template gives 1 to ten digits, whatever the flux in the search range.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SYNTHETIC_H
#define SYNTHETIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fastbal.h"

#define LIGHT 299792.458
#define CIV 1549.0
#define SIIV 1398.0

enum { K_FIRST = -570, K_LAST = 900, K_ANCHOR = 100, K_BLUE = -257, K_BI_END = -31, K_AI_END = 0, STEP = 97 };

struct synthetic {
    size_t n;
    double z;
    double *wavelength, *flux, *ivar; /* observed frame; owned */
};

/* Flux 1, standard error sigma outside the anchor, pixels K_FIRST to K_LAST, redshift 2. */
struct synthetic synthetic_create(double sigma);
/* n pixels at wavelength first + step i (observed), flux 1, ivar 1, redshift z. */
struct synthetic synthetic_linear(size_t n, double first, double step, double z);
void synthetic_free(struct synthetic *s);

size_t pixel(int k);    /* index of pixel k */
double velocity(int k); /* its C IV velocity, km/s, negative to the blue */
/* The edges of a trough that ends there, by the rules of the reference: a little outside (docs/algorithm.md, section 7). */
double blue_edge(int k);
double red_edge(int k);
void absorb(struct synthetic *s, int k, int count,
            double flux); /* set the flux of pixels k to k + count - 1 */

/* One component of value 1 from 900 to 3000 A. */
fastbal_templates *flat_template(void);

/* Measure in a fresh workspace; the call must succeed. The first uses the flat template. */
struct fastbal_result measure_flat(const struct synthetic *s);
struct fastbal_result measure_with(const struct synthetic *s, const fastbal_templates *templates);
int measure_status(const struct synthetic *s, const fastbal_templates *templates,
                   struct fastbal_result *result);

/* Every number of two results is the same to the last bit. */
void check_same_result(const struct fastbal_result *a, const struct fastbal_result *b);
/* Entries from count on are -1, in all four arrays; for BI up to FASTBAL_MAX_BI. */
void check_unused(const struct fastbal_troughs *troughs, int from, int size);
/* No trough: count, index and error 0, entries -1. */
void check_none(const struct fastbal_troughs *troughs, int size);

#define check_near(value, expected, tolerance) \
    check_near_at(value, expected, tolerance, #value, __FILE__, __LINE__)
void check_near_at(double value, double expected, double tolerance, const char *what, const char *file,
                   int line);

/* A small generator, so that random inputs are the same on every machine. */
double uniform(uint64_t *state); /* in [0, 1) */

#endif
