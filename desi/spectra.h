/*
 * spectra.h - reads the spectra of the quasars of a redshift catalog one by one, from coadd files, the
 * spectra files of mocks, and files of exposures. Only the rows and pixels that a measurement uses are read.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SPECTRA_H
#define FB_SPECTRA_H

#include <stddef.h>
#include "desi/redshifts.h"
#include "fits/error.h"
#include "fits/file.h"

/* A reader of one file after another. It reuses its memory, so each thread should keep one. */
struct fb_spectra;

struct fb_spectrum {
    size_t request; /* index of the redshift row */
    int found;      /* the file has the target; else all members below are 0 */
    size_t n;
    const double *wavelength, *flux,
        *ivar;      /* n, owned by the reader; undefined outside fastbal_measured_range(), unless the
                     * reader reads all pixels */
    double ra, dec; /* degrees; NaN where the file has none */
};

/*
 * Open a file for the targets of some redshift rows. *spectra is NULL, or a reader whose file is closed
 * first. The redshifts are borrowed until this returns. After a failure the reader, if there is one, still
 * exists, with nothing to read. Close it at the end; NULL is allowed.
 */
int fb_spectra_open(struct fb_spectra **spectra, const char *path, const struct fb_redshifts *redshifts,
                    struct fb_error *err);
void fb_spectra_close(struct fb_spectra *spectra);
/* A reader for fb_spectra_open() that reads all pixels, not only those that a measurement uses. NULL if out
 * of memory. */
struct fb_spectra *fb_spectra_create_whole(void);

/*
 * Read the next spectrum. There is one for each redshift row: first the rows whose target is not in the file,
 * then the others in file order. Rows of the same target have the same spectrum. Returns 1, 0 at the end, or
 * -1. The arrays of spectrum are valid until the next call.
 */
int fb_spectra_next(struct fb_spectra *spectra, struct fb_spectrum *spectrum, struct fb_error *err);

/* Prefetch: open the next file, and let the system fetch the parts that will be read. Does nothing if
 * *spectra is NULL. Errors are reported by fb_spectra_open(). */
void fb_spectra_ahead(struct fb_spectra **spectra, const char *path, const struct fb_redshifts *redshifts);

/* Does the open file have several rows per target, which are joined? */
int fb_spectra_has_exposures(const struct fb_spectra *spectra);
/* Was any file so far not in memory? Then others probably are not either, and prefetching pays. NULL is
 * allowed. */
int fb_spectra_is_cold(const struct fb_spectra *spectra);
/* The cost of all files this reader has read so far. NULL is allowed. */
struct fb_io_stats fb_spectra_io(const struct fb_spectra *spectra);

#endif
