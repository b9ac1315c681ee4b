/*
 * kernels.h - names of the code that is compiled once for each instruction set, called rungs.
 *
 * Nearly all of the time is spent in a few files: fit.c, join.c, locate.c, measure.c, median.c,
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

#include "internal.h" /* after the names */

/* Doubles in a vector of this rung. The compiler would split wider vectors through memory, which is slow. */
#if defined(__AVX512F__)
enum { FB_WIDTH = 8 };
#elif defined(__AVX__)
enum { FB_WIDTH = 4 };
#else
enum { FB_WIDTH = 2 };
#endif
typedef double fb_vector __attribute__((vector_size(FB_WIDTH * sizeof(double)), aligned(sizeof(double))));

#endif
