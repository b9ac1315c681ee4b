/*
 * guard.h - files are looked at before CFITSIO gets them: what its functions would crash on, wait for or take
 * endless memory for is refused. Only headers are read.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_GUARD_H
#define FB_GUARD_H

#include "io/error.h"
#include "io/file.h"

/* 0, or -1 with what is wrong with an open file. */
int fb_guard(struct fb_file *file, struct fb_error *err);

#endif
