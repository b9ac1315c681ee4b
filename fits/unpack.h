/*
 * unpack.h - gzipped files, decompressed into memory while their headers are read, with a limit on the memory
 * of one file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_UNPACK_H
#define FB_UNPACK_H

#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"

/*
 * The most memory, in bytes, that the contents of one gzipped file may take (--max-unpacked). The parts that
 * are not kept may be up to FB_LEFT_OUT times as large. The limit holds for the whole process; set it before
 * threads start.
 */
extern int64_t fb_unpack_limit;
enum { FB_LEFT_OUT = 3 };

/* Does an open file begin with gzip's magic number? */
int fb_is_packed(const struct fb_file *file);

/* Should the data of the extension with this name be kept? */
typedef int fb_keep_fn(const char *extname);

/* Open a file and read its head. A gzipped file is decompressed, and then reads like a plain one. Start with
 * all zeros; the struct can be reused for one file after another. */
int fb_file_open(struct fb_file *file, const char *path, struct fb_io_stats *stats, struct fb_error *err);
/* The same for a reader that needs only some extensions. If the file is gzipped, the data of those for which
 * keep() returns 0 are not kept in memory, and reading them is an error. */
int fb_file_open_parts(struct fb_file *file, const char *path, fb_keep_fn *keep, struct fb_io_stats *stats,
                       struct fb_error *err);

#endif
