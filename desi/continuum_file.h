/*
 * continuum_file.h - the output of `fastbal continuum`: spectra with their continua and troughs, for plots.
 *
 *     CONTINUUM   a row for each pixel of the fit range: TARGETID, WAVELENGTH, REST, FLUX, IVAR, CONTINUUM
 *     TROUGHS     a row for each trough: TARGETID, LINE_WAVELENGTH (1549 or 1398 A), MIN_WIDTH (450 or 2000
 *                 km/s), VMIN, VMAX, POSMIN, FMIN
 *     QUASARS     a row for each quasar: TARGETID, Z, BALSTATUS, PCA_CHI2, AI_CIV, BI_CIV, PCA_COEFFS
 *
 * In FITS these are three tables. In ECSV the first is the table, and the others are lists in its metadata.
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

/* Add a result and its spectrum (n = 0 if there is none). If the spectrum could not be measured its continuum
 * is NaN. Returns -1 if out of memory. */
int fb_continua_add(struct fb_continua *continua, const fastbal_templates *templates, int64_t targetid,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_result *result);
void fb_continua_release(struct fb_continua *continua);

/* Write the file: ECSV if the name ends in .ecsv, else FITS. */
int fb_continua_write(const struct fb_continua *continua, const char *path, enum fb_replace replace,
                      struct fb_error *err);

#endif
