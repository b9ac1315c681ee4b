/*
 * redshifts.h - redshift catalogs of one pixel (zafter files and their like): HDU REDSHIFTS.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_REDSHIFTS_H
#define FB_REDSHIFTS_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"
#include "fits/header_template.h"

struct fb_redshift {
    int64_t targetid;
    double ra, dec; /* degrees; NaN if the file has no positions */
    double z, zerr, zwarn;
};

struct fb_redshifts {
    struct fb_redshift *rows; /* owned */
    size_t n;
    size_t noutside, nothers; /* rows left out: outside the redshift range; with another SPECTYPE than QSO */
    double seconds;           /* wall time of reading them */
};

/* Read the rows that the finder measures, in file order: those with FASTBAL_Z_MIN <= Z <= FASTBAL_Z_MAX and
 * SPECTYPE QSO. In a file without SPECTYPE, all rows count as quasars. Release with fb_redshifts_release(),
 * even after a failure. */
int fb_redshifts_read(struct fb_redshifts *redshifts, const char *path, struct fb_error *err);
void fb_redshifts_release(struct fb_redshifts *redshifts);

/* Check that a file is complete and holds the rows that fb_redshifts_write() would write. Returns 0, or -1
 * with an error. */
int fb_redshifts_compare(const char *path, const struct fb_redshift *rows, const size_t *order, size_t n,
                         struct fb_error *err);

/* The header template of zafter files, to be released with fb_header_template_release(). */
int fb_redshifts_header(struct fb_header_template *header, struct fb_error *err);
/* Write a file with rows[order[0 .. n - 1]] and SPECTYPE QSO in every row. Any number of threads may share
 * the header template. */
int fb_redshifts_write(const struct fb_header_template *header, const char *path,
                       const struct fb_redshift *rows, const size_t *order, size_t n, struct fb_error *err);

#endif
