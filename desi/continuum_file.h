/*
 * continuum_file.h - spectra with their continua and troughs, for plots: what fastbal continuum writes.
 *
 *     CONTINUUM   a row for each pixel of the fit range: TARGETID, WAVELENGTH, REST, FLUX, IVAR, CONTINUUM
 *     TROUGHS     a row for each trough: TARGETID, LINE (1549 or 1398 A), WIDTH (450 or 2000 km/s, the least), VMIN, VMAX,
 *                 POSMIN, FMIN
 *     QUASARS     a row for each quasar: TARGETID, Z, BALSTATUS, PCA_CHI2, AI_CIV, BI_CIV, PCA_COEFFS
 *
 * As FITS these are three tables. As ECSV the first is the table, and the others are lists of its meta data.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CONTINUUM_FILE_H
#define FB_CONTINUUM_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "fastbal.h"
#include "desi/provenance.h"
#include "fits/error.h"
#include "fits/temporary.h"

#define FB_FIT_MIN 1261.0 /* A, rest frame: where the continuum is fitted (docs/algorithm.md, section 3) */
#define FB_FIT_MAX 2399.0

enum fb_continuum_table { FB_CONTINUUM_PIXELS, FB_CONTINUUM_TROUGHS, FB_CONTINUUM_QUASARS, FB_NCONTINUUM };

/* The rows of one table: a TARGETID, and numbers in the order above. */
struct fb_continuum_rows {
    int64_t *targetid;
    double *numbers; /* n x width */
    size_t n, room, width;
};

/* Initialise with zeros, and ntemplates; release in any case. */
struct fb_continua {
    int ntemplates;
    struct fb_provenance made;
    struct fb_continuum_rows rows[FB_NCONTINUUM]; /* owned */
};

/* Add a measured spectrum, if there is one, and its result. A spectrum that could not be measured has a continuum of
 * NaN. -1 if out of memory. */
int fb_continua_add(struct fb_continua *continua, const fastbal_templates *templates, int64_t targetid,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_result *result);
void fb_continua_release(struct fb_continua *continua);

/* Write them: ECSV where the name ends in .ecsv, else FITS. */
int fb_continua_write(const struct fb_continua *continua, const char *path, enum fb_replace replace,
                      struct fb_error *err);

#endif
