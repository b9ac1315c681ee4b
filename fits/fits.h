/*
 * fits.h - files that CFITSIO reads: compressed images, for desi/coadd.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FITS_H
#define FB_FITS_H

#include "fits/output.h"
#include "fits/table.h"

/* A file that CFITSIO reads: from memory if it was packed or is not large. */
struct fb_fits {
    fitsfile *file;               /* NULL: none is open */
    struct fb_contents *contents; /* NULL: it reads from the disk */
    int nhdus;
    int packed; /* places in it are not those in the file */
};

/* Open for reading; any characters are allowed in the path. A missing file, a folder, a file that is not FITS or one
 * that CFITSIO must not see (fits/guard.h) is an error. Nothing is open then. */
int fb_fits_open(struct fb_fits *fits, const char *path, struct fb_error *err);
void fb_fits_close(struct fb_fits *fits); /* where nothing is open as well */

int fb_table_column(struct fb_table *table, const char *name);
int fb_table_need(struct fb_table *table, const char *const *names, int *column, struct fb_error *err);
int fb_table_read_int(struct fb_table *table, int column, int64_t first, int64_t n, int64_t *out,
                      struct fb_error *err);
int fb_table_read_double(struct fb_table *table, int column, int64_t first, int64_t n, double *out,
                         struct fb_error *err);

#endif
