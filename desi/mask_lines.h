/*
 * mask_lines.h - the wavelengths that a quasar's troughs affect. A trough is found in one line as a range of
 * velocities; the same gas absorbs in other lines at the same velocities.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MASK_LINES_H
#define FB_MASK_LINES_H

#include <stddef.h>
#include "fits/error.h"

enum fb_trough_line { FB_TROUGHS_CIV, FB_TROUGHS_SIIV, FB_TROUGH_LINES };

/* An AI trough, velocities in km/s: 0 < vmin <= vmax, positive towards the observer. */
struct fb_trough_range {
    float vmin, vmax;
    enum fb_trough_line line; /* the line it was found in */
};

/* A line to mask, and the troughs to mask there. */
struct fb_mask_line {
    double wavelength; /* A, at rest */
    enum fb_trough_line troughs;
};

enum { FB_MOST_MASK_LINES = 64 };
struct fb_mask_lines {
    struct fb_mask_line line[FB_MOST_MASK_LINES];
    size_t n;
};

#define FB_MASK_LINES_DEFAULT "CIV,NV,LYA,SIIV"

/*
 * Parse lines separated by commas: a name (CIV 1549, NV 1241, LYA 1216, SIIV 1400, LYB 1026, OVI 1034, ALIII
 * 1857, MGII 2799) or a rest wavelength in A. Each may be followed by :CIV or :SIIV to choose the troughs.
 * The default is C IV, but Si IV for SIIV. "picca" stands for the 18 lines of picca's BAL mask.
 */
int fb_mask_lines_parse(struct fb_mask_lines *lines, const char *text, struct fb_error *err);

/* Observed wavelengths, both ends included. */
struct fb_wave_range {
    double first, last;
};

/* Compute the ranges to mask for a quasar at redshift z with n troughs; ranges has room for n * lines->n.
 * Returns their number. */
size_t fb_mask_ranges(const struct fb_mask_lines *lines, const struct fb_trough_range *troughs, size_t n,
                      double z, struct fb_wave_range *ranges);

#endif
