/*
 * sightline.h - the absorption along the line of sight to one quasar, on a fine grid of observed wavelengths.
 *
 *     struct fb_sightline s;
 *     if (fb_sightline_init(&s) < 0) ... out of memory
 *     for each quasar { fb_sightline_clear(&s); add forest, absorbers, outflow; fb_sightline_finish(&s); }
 *     fb_sightline_release(&s);
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SIGHTLINE_H
#define FB_SIGHTLINE_H

#include <stddef.h>

#include "absorption_lines.h"

/* Covers the cameras of data and mocks (3569 to 9833 A), with a quarter of their pixel size. */
#define FB_FINE_START 3540.0
#define FB_FINE_STEP 0.2
#define FB_FINE_COUNT 31701

struct fb_sightline {
    double *tau;            /* optical depth of fully covering gas */
    double *civ;            /* its C IV */
    double *transmission;   /* of partially covering gas; after fb_sightline_finish(), of everything */
    double *log_wavelength; /* natural logarithm; constant */
};

int fb_sightline_init(struct fb_sightline *s); /* 0, or -1 if out of memory */
void fb_sightline_release(struct fb_sightline *s);

void fb_sightline_clear(struct fb_sightline *s);

static inline double fb_fine_wavelength(size_t i)
{
    return FB_FINE_START + FB_FINE_STEP * (double)i;
}

/* Add one cloud in one line: column density in cm^-2, Doppler parameter b in km/s. */
void fb_sightline_add_cloud(struct fb_sightline *s, const struct fb_absorption_line *line, double z,
                            double column, double b);

/* Add one cloud in every line of an ion. */
void fb_sightline_add_ion(struct fb_sightline *s, enum fb_ion ion, double z, double column, double b);

/* Multiply the transmission by exp(-tau). */
void fb_sightline_finish(struct fb_sightline *s);

/*
 * What the fully covering gas transmits in C IV alone at an observed wavelength, as a spectrograph like DESI's sees it;
 * 1 outside the fine grid.
 */
double fb_sightline_civ(const struct fb_sightline *s, double wavelength);
/* The same of the transmission. */
double fb_sightline_seen(const struct fb_sightline *s, double wavelength);

#endif
