/*
 * kernels.h - the code that is compiled once for each instruction set. Each such build is called a rung.
 *
 * Nearly all of the time is spent in a few files: detect.c, fit.c, join.c, locate.c, measure.c, median.c,
 * trough_aware.c and troughs.c. Compiled without options they are the plain rung, which runs everywhere. On
 * x86-64 CMake compiles them three more times with wider vectors. FB_RUNG is then the rung's name, which is
 * appended to the names of their shared functions. Every rung gives the same bits: sums have a fixed number
 * of lanes, whatever the width of a vector, and products are never fused (-ffp-contract=off).
 *
 * A grid or a workspace selects the fastest rung of this processor when it is created, and keeps it. There is
 * no other state, so threads need no lock.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_KERNELS_H
#define FB_KERNELS_H

#ifdef FB_RUNG
#define FB_JOIN_NAMES(name, rung) name##_##rung
#define FB_END_NAME(name, rung) FB_JOIN_NAMES(name, rung)
#define FB_NAME(name) FB_END_NAME(name, FB_RUNG)
#define fb_kernels FB_NAME(fb_kernels)
#define fb_join FB_NAME(fb_join)
#define fb_wavelengths_ok FB_NAME(fb_wavelengths_ok)
#define fb_median FB_NAME(fb_median)
#define fb_median_exceeds FB_NAME(fb_median_exceeds)
#define fb_templates_locate FB_NAME(fb_templates_locate)
#define fb_fit FB_NAME(fb_fit)
#define fb_fit_simplex FB_NAME(fb_fit_simplex)
#define fb_model FB_NAME(fb_model)
#define fb_chi2 FB_NAME(fb_chi2)
#define fb_add_products FB_NAME(fb_add_products)
#define fb_fit_cells FB_NAME(fb_fit_cells)
#define fb_continuum_variance FB_NAME(fb_continuum_variance)
#define fb_rate_troughs FB_NAME(fb_rate_troughs)
#define fb_detect FB_NAME(fb_detect)
#define fb_detect_spectrum FB_NAME(fb_detect_spectrum)
#define fb_fit_trough_aware FB_NAME(fb_fit_trough_aware)
#define fb_window_find FB_NAME(fb_window_find)
#define fb_line_measure FB_NAME(fb_line_measure)
#define fb_line_clear FB_NAME(fb_line_clear)
#define fb_first_at_least FB_NAME(fb_first_at_least)
#define fb_count_positive FB_NAME(fb_count_positive)
#define fb_nearest FB_NAME(fb_nearest)
#define fb_measure FB_NAME(fb_measure)
#define FB_TEXT(text) #text
#define FB_TEXT_OF(name) FB_TEXT(name)
#define FB_RUNG_NAME FB_TEXT_OF(FB_RUNG)
#else
#define FB_RUNG_NAME "plain"
#endif

#include <string.h>
#include "internal.h" /* after the names */

/* Doubles in a vector of this rung. The compiler would split a wider vector by way of memory, which is
 * slow. */
#if defined(__AVX512F__)
enum { FB_WIDTH = 8 };
#elif defined(__AVX__)
enum { FB_WIDTH = 4 };
#else
enum { FB_WIDTH = 2 };
#endif
typedef double fb_vector __attribute__((vector_size(FB_WIDTH * sizeof(double)), aligned(sizeof(double))));

/* Add n lanes pairwise. */
static inline double fb_add_lanes(double *lane, size_t n)
{
    for (size_t half = n / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

/* 1 / (1 + e^x) for |x| < 700. It uses only basic arithmetic, because the C library's exp() need not give the
 * same bits everywhere: e^x = 2^k e^r, with a polynomial for e^r. */
static inline double fb_logistic(double x)
{
    const double whole =
        6755399441055744.0; /* 1.5 x 2^52: adding it leaves the rounded integer in the last bits */
    double shifted = x * 1.4426950408889634 + whole, k = shifted - whole, power;
    double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10; /* ln 2 in two parts */
    double e = 1 / 39916800.0;
    uint64_t bits;
    e = e * r + 1 / 3628800.0;
    e = e * r + 1 / 362880.0;
    e = e * r + 1 / 40320.0;
    e = e * r + 1 / 5040.0;
    e = e * r + 1 / 720.0;
    e = e * r + 1 / 120.0;
    e = e * r + 1 / 24.0;
    e = e * r + 1 / 6.0;
    e = e * r + 0.5;
    e = e * r + 1;
    e = e * r + 1;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof power);
    return 1 / (1 + power * e);
}

#endif
