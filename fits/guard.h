/*
 * guard.h - files are looked at before CFITSIO gets them: what its functions would crash on, wait for or take
 * endless memory for is refused. Only headers are read.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_GUARD_H
#define FB_GUARD_H

#include <fitsio.h>
#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"

/* 0, or -1 with what is wrong with an open file. Its headers are in hdus, to be released in either case. */
int fb_guard(struct fb_file *file, struct fb_hdus *hdus, struct fb_error *err);

/*
 * Does CFITSIO see the same HDUs at the same places, now that it has opened the file? A header that it reads
 * in another way than fb_guard() did would make that worthless. 0, with the primary HDU as the current one; or -1 and a
 * line in err, also where CFITSIO can't read one of the headers: what is left then it must not be asked about.
 */
int fb_guard_agrees(fitsfile *opened, const struct fb_hdus *hdus, const char *path, struct fb_error *err);

#endif
