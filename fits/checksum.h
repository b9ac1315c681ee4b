/*
 * checksum.h - is a file what its writer left? The CHECKSUM and DATASUM of its HDUs against what is there.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CHECKSUM_H
#define FB_CHECKSUM_H

#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"

/*
 * Check an open file whose headers have been read. Returns 1 where every HDU has both sums and all of it is as
 * it was written; 0 where some HDU has no sums, as in files of programs that write none, and those that are there
 * are right; -1 with an error where a sum is wrong.
 */
int fb_checksums_check(struct fb_file *file, const struct fb_hdus *hdus, struct fb_error *err);

#endif
