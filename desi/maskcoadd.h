/*
 * maskcoadd.h - a copy of a coadd in which ivar is 0 where troughs are, and every other byte is that of the
 * original; CHECKSUM and DATASUM of what changed are brought up to date where the file has them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MASKCOADD_H
#define FB_MASKCOADD_H

#include <stddef.h>
#include <stdint.h>
#include "desi/maskplan.h"
#include "fits/error.h"
#include "fits/temporary.h"

/*
 * Copy the file `in`, masked, to `path`, where it appears when it is complete and on the disk. Where there is
 * nothing to mask no file is written, or with copy_all a plain copy. A packed file is unpacked: what is written is
 * plain FITS. Several threads may work on different files.
 */
int fb_mask_coadd(const char *path, enum fb_replace replace, const char *in,
                  const struct fb_mask_target *targets, size_t n, int copy_all, struct fb_mask_count *count,
                  struct fb_error *err);

#endif
