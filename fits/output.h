/*
 * output.h - files that CFITSIO composes, and that appear under their name only when they are complete. For the files of
 * fits/, desi/ and sim/ that write; nobody else includes fitsio.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OUTPUT_H
#define FB_OUTPUT_H

#include <fitsio.h>
#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/temporary.h"

/* Leave "PATH: what: CFITSIO's words" and return -1; drains CFITSIO's message stack. */
int fb_fits_fail(struct fb_error *err, const char *path, const char *what, int status);

/* Make an HDU, from 1, the current one: fits_movabs_hdu() for files in memory. That leaves words about a header that it
 * could not take in, for lack of memory say, but returns 0, and crashes when it is asked about a column. */
int fb_fits_move(fitsfile *file, int hdu, int *status);
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
