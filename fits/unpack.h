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

/*
 * Unpack an open file: from here on its bytes, and its size, are those of the contents. The file must be one complete
 * gzip stream with the right checksum, hold a FITS file, and end where the stream ends. With keep, the data of the
 * extensions that it says no to are left out of memory, and reading them is an error.
 *
 * Memory is taken as it is filled. A file is refused when its last bytes, or one of its headers, say that it takes more
 * than the limit, when it passes the limit whatever they say, and when it says that it holds more than its packed bytes can.
 */
int fb_unpack(struct fb_file *file, fb_keep_fn *keep, struct fb_error *err);

/* ---- for fits/hdus.c, which walks through a file while it is unpacked (file->unpacking) ---- */

/* Unpack up to an offset, or to the end of the contents. file->size is how far that got. */
int fb_unpack_to(struct fb_file *file, int64_t end, struct fb_error *err);
/* The data of an extension (NULL: of the primary HDU) come next, up to end: unpack them, or pass over them. */
int fb_unpack_data(struct fb_file *file, const char *extname, int64_t end, struct fb_error *err);
/* There are no HDUs any more: is there room for what else the file says it holds? */
int fb_unpack_rest(struct fb_file *file, struct fb_error *err);

#endif
