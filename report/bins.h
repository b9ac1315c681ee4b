/*
 * bins.h - histograms of the quasars of a catalog.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BINS_H
#define FB_BINS_H

#include <stddef.h>

enum { FB_MOST_BINS = 32 };
/* Which quasars are counted: all that were measured, and of these those with AI_CIV > 0 and with BI_CIV > 0. */
enum fb_series { FB_SERIES_MEASURED, FB_SERIES_AI, FB_SERIES_BI, FB_NSERIES };

/* Bins [edges[i], edges[i + 1]), ascending. Values below the first and from the last edge on, and those that are no numbers,
 * are counted as outside. */
struct fb_bins {
    double edges[FB_MOST_BINS + 1];
    size_t n;
    size_t counts[FB_NSERIES][FB_MOST_BINS], outside[FB_NSERIES];
};

void fb_bins_uniform(struct fb_bins *bins, double first, double width, size_t n);
/* n + 1 edges. */
void fb_bins_edges(struct fb_bins *bins, const double *edges, size_t n);
void fb_bins_add(struct fb_bins *bins, enum fb_series series, double value);

#endif
