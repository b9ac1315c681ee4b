/*
 * unpack.h - files packed by gzip, whole in memory, with a limit to how much.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_UNPACK_H
#define FB_UNPACK_H

#include "io/error.h"
#include "io/file.h"

/* Does an open file begin like gzip's? */
int fb_is_packed(const struct fb_file *file);

/*
 * Unpack an open file: from here on its bytes, and its size, are those of the contents. One gzip stream that
 * holds a FITS file and nothing after it, whole and with the right checksum; at most 4 GiB, as gzip itself
 * can count no further. Memory is taken for what the file says it holds, and no file is believed that says
 * more than its packed bytes could hold.
 */
int fb_unpack(struct fb_file *file, struct fb_error *err);

#endif
