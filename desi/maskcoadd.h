/*
 * maskcoadd.h - copies a coadd with ivar set to 0 in troughs. All other bytes are those of the original,
 * except that CHECKSUM and DATASUM of changed HDUs are updated if the file has them.
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
 * Write a masked copy of the file `in` to `path`, where it appears when it is complete and on disk. If there
 * is nothing to mask, no file is written or, with copy_all, an unchanged copy. The output is never gzipped,
 * even if the input is. Several threads may work on different files.
 */
int fb_mask_coadd(const char *path, enum fb_replace replace, const char *in,
                  const struct fb_mask_target *targets, size_t n, int copy_all, struct fb_mask_count *count,
                  struct fb_error *err);

#endif
