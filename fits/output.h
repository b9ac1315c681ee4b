/*
 * output.h - files that CFITSIO composes. They appear under their name only when they are complete. Only
 * files of fits/, desi/ and sim/ that write may include this header and fitsio.h.
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

/* Set the error "PATH: what: CFITSIO's message" and return -1. Clears CFITSIO's message stack. */
int fb_fits_fail(struct fb_error *err, const char *path, const char *what, int status);

/*
 * A file that CFITSIO composes in memory: *room bytes at *bytes, which grow by `more` at a time. Call fb_memory_file_lacks()
 * before using them. It sets *status if memory was lacking, or if `end`, the end of the file, is beyond them, because CFITSIO
 * does not always report that and leaves cards out. A thread composes one file at a time. Once the file is closed,
 * fb_memory_file_free() frees the bytes, which may be NULL.
 */
int fb_memory_file(fitsfile **file, void **bytes, size_t *room, size_t more, int *status);
int fb_memory_file_lacks(size_t room, size_t end, int *status);
void fb_memory_file_free(void *bytes);

/* Make an HDU of a file in memory the current one; HDUs count from 1. If fits_movabs_hdu() can't read a
 * header, for lack of memory for instance, it leaves a message but returns 0, and later calls for columns
 * crash. This function fails then. */
int fb_fits_move(fitsfile *file, int hdu, int *status);
/* CFITSIO composes files in memory, because it does not report every error when it writes to a disk. */
struct fb_output {
    fitsfile *file;
    void *bytes; /* owned: what CFITSIO has composed */
    size_t room;
    const char *path; /* of temporary, for messages */
    struct fb_temporary temporary;
};

/* Start a file in an existing folder. Temporary files of it that dead runs left behind are removed. */
int fb_output_create(struct fb_output *out, const char *path, enum fb_replace replace, struct fb_error *err);
/* Finish the file: write CHECKSUM and DATASUM in every HDU, flush, close and rename it, and flush its folder.
 * status is that of the CFITSIO calls that composed the file: if it is not 0, this fails with a message that
 * begins with `what`. The file is discarded on failure. */
int fb_output_commit(struct fb_output *out, const char *what, int status, struct fb_error *err);
/* Close the file for CFITSIO and write its first n bytes to disk. Returns a descriptor for reading and
 * writing the rest, which the output closes, or -1. */
int fb_output_begin(struct fb_output *out, size_t n, struct fb_error *err);
/* Finish a file started with fb_output_begin(), whose checksums the caller has written: flush, close, rename.
 * Discards it on failure. */
int fb_output_publish(struct fb_output *out, struct fb_error *err);
/* Remove the file; harmless after a commit. */
void fb_output_discard(struct fb_output *out);

/* Write empty cards CHECKSUM and DATASUM in the current HDU, to be filled in once its header is finished. */
void fb_write_empty_sums(fitsfile *file, int *status);
/* Write the card "HISTORY Last updated DATE UT by USER". */
int fb_write_history(fitsfile *file, int *status);

#endif
