/*
 * spectra.h - spectra of the quasars of a redshift catalog, one after the other, from coadd files, the spectra files of
 * mocks, and files of exposures. Only what a measurement looks at is read: of their rows, and of the pixels in these.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SPECTRA_H
#define FB_SPECTRA_H

#include <stddef.h>
#include "desi/redshifts.h"
#include "fits/error.h"
#include "fits/file.h"

/* A reader of one file after the other. It keeps its memory, so that a thread should keep it. */
struct fb_spectra;

struct fb_spectrum {
    size_t request; /* the row of the redshifts */
    int found;      /* the file has the target; else what follows is 0 */
    size_t n;
    const double *wavelength, *flux,
        *ivar;      /* n, the reader's. Outside fastbal_measured_range() they may hold anything, but for
                     * a reader of all pixels */
    double ra, dec; /* degrees; NaN where the file has none */
};

/*
 * Open a file for the targets of some redshift rows, at their redshifts. *spectra is NULL, or a reader whose file is
 * closed first; the redshifts are borrowed until this returns. On failure the reader, where there is one, stays, with
 * nothing open. Close it at the end; NULL is allowed.
 */
int fb_spectra_open(struct fb_spectra **spectra, const char *path, const struct fb_redshifts *redshifts,
                    struct fb_error *err);
void fb_spectra_close(struct fb_spectra *spectra);
/* A reader for fb_spectra_open() that reads all pixels, not only those that are measured: for pictures. NULL if out of
 * memory. */
struct fb_spectra *fb_spectra_create_whole(void);

/*
 * The next spectrum, one for each redshift row: first the rows whose target is not in the file, then the others in the
 * order of the file. Rows of the same target have the same spectrum. 1, 0 at the end, or -1. What spectrum points to lives
 * until the next call.
 */
int fb_spectra_next(struct fb_spectra *spectra, struct fb_spectrum *spectrum, struct fb_error *err);

/* Open the file that comes next, and have what will be read of it fetched meanwhile. What goes wrong is found out when
 * it is opened. */
void fb_spectra_ahead(struct fb_spectra **spectra, const char *path, const struct fb_redshifts *redshifts);

/* Has the open file several rows per target, which are joined? */
int fb_spectra_has_exposures(const struct fb_spectra *spectra);
/* Had a file to be fetched from a disk? So will others, and looking ahead pays. NULL is allowed. */
int fb_spectra_is_cold(const struct fb_spectra *spectra);
/* What this reader has read so far, all its files together. NULL is allowed. */
struct fb_io_stats fb_spectra_io(const struct fb_spectra *spectra);

#endif
