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
 * are not kept may be up to FB_LEFT_OUT times this size. The limit holds for the whole process; set it before
 * threads start.
 */
extern int64_t fb_unpack_limit;
enum { FB_LEFT_OUT = 3 };

/* Should the data of the extension with this name be kept? */
typedef int fb_keep_fn(const char *extname);

/*
 * For fits/hdus.c, which reads the headers of a file while it is decompressed.
 *
 * If an open file is gzipped, begin to decompress it. From here on its bytes and its size are those of the
 * contents so far, and file->unpacking is set. The file must be one complete gzip stream with the right
 * checksum, hold a FITS file, and end where the stream ends. The data of extensions for which keep() returns
 * 0 are not kept in memory, and reading them is an error (NULL: all are kept).
 *
 * Memory grows as it is filled. A file is refused if its last bytes or one of its headers state more than the
 * limit, if it exceeds the limit whatever they state, or if it states more than its compressed bytes can
 * hold.
 */
int fb_unpack_begin(struct fb_file *file, fb_keep_fn *keep, struct fb_error *err);
/* Decompress up to an offset, or to the end of the contents. */
int fb_unpack_to(struct fb_file *file, int64_t end, struct fb_error *err);
/* The data of an extension (NULL: of the primary HDU) follow, up to end: decompress or skip them. */
int fb_unpack_data(struct fb_file *file, const char *extname, int64_t end, struct fb_error *err);
/* There are no more HDUs: fail if the rest of the contents would exceed the limit on kept bytes. */
int fb_unpack_rest(struct fb_file *file, struct fb_error *err);
/* End decompression, after the headers have been read to the end of the contents or were found wrong
 * (failed). Returns -1 if the headers or the stream are wrong; if both are, the error is that of the
 * stream. */
int fb_unpack_end(struct fb_file *file, int failed, struct fb_error *err);

/* Move the contents of a gzipped file, all of which must have been kept, from memory to a file without a name
 * (fb_open_unnamed()). Takes over the descriptor that it returned; if that is -1, fails with the reason in errno. */
int fb_file_unload(struct fb_file *file, int descriptor, struct fb_error *err);

#endif
