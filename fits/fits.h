/*
 * fits.h - what the files of fits/ and desi/ share on top of CFITSIO: opening with clear errors, tables read by column
 * name, and outputs that appear under their name only when they are complete. Nobody else
 * includes fitsio.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FITS_H
#define FB_FITS_H

#include <fitsio.h>
#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/temporary.h"

/* Leave "PATH: what: CFITSIO's words" and return -1; drains CFITSIO's message stack. */
int fb_fits_fail(struct fb_error *err, const char *path, const char *what, int status);

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
/* Make an HDU, from 1, the current one: fits_movabs_hdu() for files in memory. That leaves words about a header that it
 * could not take in, for lack of memory say, but returns 0, and crashes when it is asked about a column. */
int fb_fits_move(fitsfile *file, int hdu, int *status);
/* The text of a keyword of the current HDU, which may be continued over several cards. 1, or 0 where there is none or it
 * does not fit: text is empty then. fits_read_key_longstr() crashes where there is no memory. */
int fb_fits_text(fitsfile *file, const char *key, char *text, size_t size, int *status);
/* A whole number of the current HDU's header: 1, or 0 where there is none or it is none; value is as it was then.
 * fits_read_key() of a LONGLONG that finds a long text writes beyond its line for messages. */
int fb_fits_integer(fitsfile *file, const char *key, int64_t *value, int *status);
void fb_fits_close(struct fb_fits *fits); /* where nothing is open as well */

/* ---- tables ---- */

struct fb_table {
    struct fb_fits fits;
    fitsfile *file;   /* its file */
    const char *path; /* borrowed */
    char extname[FLEN_VALUE];
    int64_t nrows;
    int ncols;
};

/*
 * Open the table HDU with the first of these names that is there (a NULL-terminated list, case does not
 * matter). With names == NULL, or where the list ends in "*", the first table of any name will do. Close with
 * fb_table_close().
 */
int fb_table_open(struct fb_table *table, const char *path, const char *const *names, struct fb_error *err);
void fb_table_close(struct fb_table *table);

/* Number of a column, 1 up; 0 where there is none. */
int fb_table_column(struct fb_table *table, const char *name);
/* The same for the first of several names; an error that lists them where none is there. */
int fb_table_need(struct fb_table *table, const char *const *names, int *column, struct fb_error *err);

/* Read rows [first, first + n), first counted from 0, of a column with one number a row; any numeric type is
 * cast. */
int fb_table_read_int(struct fb_table *table, int column, int64_t first, int64_t n, int64_t *out,
                      struct fb_error *err);
int fb_table_read_double(struct fb_table *table, int column, int64_t first, int64_t n, double *out,
                         struct fb_error *err);
/* Does a column hold text? */
int fb_table_is_text(struct fb_table *table, int column);
/* 1 for every row whose text in the column, blanks at the ends removed, is the given one. */
int fb_table_compare_text(struct fb_table *table, int column, int64_t first, int64_t n, const char *text,
                          unsigned char *equal, struct fb_error *err);

/* Is this what a cell of text holds, but for blanks at the ends? A NUL ends it early. */
int fb_same_text(const char *cell, size_t width, const char *text);

/* ---- outputs ---- */

/* CFITSIO composes files in memory: it does not tell of everything that goes wrong when it writes to a disk. */
struct fb_output {
    fitsfile *file;
    void *bytes; /* what it has composed */
    size_t room;
    const char *path; /* of temporary, for messages */
    struct fb_temporary temporary;
};

/* Start a file in a folder that exists; what dead runs left of it is removed. */
int fb_output_create(struct fb_output *out, const char *path, enum fb_replace replace, struct fb_error *err);
/* Finish it: CHECKSUM and DATASUM in every HDU, flush, close, rename, flush its folder. Discards it on failure. */
int fb_output_commit(struct fb_output *out, struct fb_error *err);
/* Close it for CFITSIO and write its first n bytes. Returns a descriptor for reading and writing more of it, which is
 * the output's to close, or -1. */
int fb_output_begin(struct fb_output *out, size_t n, struct fb_error *err);
/* Finish a file that was begun and has its checksums: flush, close, rename. Discards it on failure. */
int fb_output_publish(struct fb_output *out, struct fb_error *err);
/* Remove it without a trace; harmless after a commit. */
void fb_output_discard(struct fb_output *out);

/* CHECKSUM and DATASUM of the current HDU. */
int fb_write_checksum(fitsfile *file, int *status);
/* HISTORY Last updated DATE UT by USER. */
int fb_write_history(fitsfile *file, int *status);

#endif
