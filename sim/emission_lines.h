/*
 * emission_lines.h - the ultraviolet emission lines of quasars: wavelengths, strengths, and how strengths and
 * profiles correlate with the rest of the spectrum.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_EMISSION_LINES_H
#define FB_EMISSION_LINES_H

#include <stddef.h>

/* Lines with a common strength and profile: one ion, or one group of iron multiplets. */
struct fb_species {
    const char *name;
    double width;        /* typical total equivalent width of its lines, A */
    double scatter;      /* independent standard deviation of ln(equivalent width) */
    double baldwin;      /* d ln(width) for one standard deviation of overall line strength */
    double eigenvector1; /* d ln(width) for one standard deviation towards a wind-dominated quasar */
    double wind;         /* contribution of the wind profile, 0 (disk alone) to 1 */
    double breadth;      /* width of its disk profile relative to C IV */
};

struct fb_transition {
    int species;       /* index into the species */
    double wavelength; /* vacuum, A */
    double share;      /* fraction of the species' equivalent width; these sum to about 1 */
    double extent;     /* standard deviation of an unresolved blend, km/s; 0 for a single line */
};

extern const struct fb_species fb_species_table[];
extern const int fb_species_count;
extern const struct fb_transition fb_transition_table[];
extern const int fb_transition_count;

#define FB_MAX_TRANSITIONS 128

#endif
