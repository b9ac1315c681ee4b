/*
 * emission_lines.h - the ultraviolet emission lines of quasars: which ion emits where, how strongly, and
 * how its strength and profile go with the rest of the spectrum.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_EMISSION_LINES_H
#define FB_EMISSION_LINES_H

#include <stddef.h>

/* Lines that rise and fall together and share one profile: one ion, or one group of iron multiplets. */
struct fb_species {
    const char *name;
    double width;        /* typical equivalent width of all its lines together, A */
    double scatter;      /* standard deviation of ln(equivalent width) that is this species' own */
    double baldwin;      /* d ln(width) for one standard deviation of overall line strength */
    double eigenvector1; /* d ln(width) for one standard deviation towards a wind-dominated quasar */
    double wind;         /* how much of the wind profile it takes part in, 0 (disk alone) to 1 */
    double breadth;      /* width of its disk profile relative to C IV */
};

struct fb_transition {
    int species;       /* index into the species */
    double wavelength; /* vacuum, A */
    double share;      /* part of the species' equivalent width; the parts of a species sum to about 1 */
    double extent;     /* standard deviation of an unresolved blend, km/s; 0 for a single line */
};

extern const struct fb_species fb_species_table[];
extern const int fb_species_count;
extern const struct fb_transition fb_transition_table[];
extern const int fb_transition_count;

#define FB_MAX_TRANSITIONS 128

#endif
