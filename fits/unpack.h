/*
 * unpack.h - files packed by gzip, unpacked into memory while their headers are read, with a limit to what one file
 * may take.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_UNPACK_H
#define FB_UNPACK_H

#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"

/*
 * The most memory, in bytes, that the contents of one packed file may take. What is left out of them may be up to
 * FB_LEFT_OUT times as long. For the whole process: set it, if at all, before there are threads (--max-unpacked).
 */
extern int64_t fb_unpack_limit;
enum { FB_LEFT_OUT = 3 };

/* Does an open file begin with gzip's magic number? */
int fb_is_packed(const struct fb_file *file);

/* Is the data of an extension of this name wanted? */
typedef int fb_keep_fn(const char *extname);

/* Open for reading, read the head, and unpack a file that is packed by gzip, which is then read as if it were not. All zero
 * is a good start; a struct may be used for one file after the other. */
int fb_file_open(struct fb_file *file, const char *path, struct fb_io_stats *stats, struct fb_error *err);
/* The same for a reader that needs only some of the extensions: where the file is packed, the data of those that keep()
 * says no to are not kept in memory. Reading them is an error. */
int fb_file_open_parts(struct fb_file *file, const char *path, fb_keep_fn *keep, struct fb_io_stats *stats,
                       struct fb_error *err);

#endif
