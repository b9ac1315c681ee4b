/*
 * checksum.h - verifies the CHECKSUM and DATASUM of every HDU of a file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CHECKSUM_H
#define FB_CHECKSUM_H

#include "fits/error.h"
#include "fits/hdus.h"

/*
 * Check an open file whose headers have been read. Returns 1 if every HDU has both checksums and all are
 * right; 0 if some checksums are missing and the others are right; -1 with an error if a checksum is wrong
 * or, where none is missing, anything follows the last HDU.
 */
int fb_checksums_check(struct fb_hdus *hdus, struct fb_error *err);

#endif
