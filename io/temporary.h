/*
 * temporary.h - how outputs appear under their name only when they are complete: what a file is called until
 * then, how it gets its name, and how what dead runs left behind is found and removed.
 *
 * A temporary file lies beside its output and is called BASE_tmpPID-HOST.fits: it ends as the output does, and
 * tells which process of which machine writes it, on file systems that many machines share as well.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TEMPORARY_H
#define FB_TEMPORARY_H

#include "io/error.h"

/* The caller frees it; NULL if out of memory. */
char *fb_temporary_name(const char *path);

/* Remove the temporary files of this output that no live run writes: of this machine those whose process is
 * gone, of others those not written to for a day. Silent: what can't be removed stays. */
void fb_temporary_sweep(const char *path);

/* Give a file that is complete and closed its name. Folders are flushed as well where the name has to survive a
 * power cut: without, a file may be found under its old contents or not at all, but never in part. */
enum fb_durable { FB_FILE_ONLY, FB_FILE_AND_FOLDER };
int fb_temporary_publish(const char *temporary, const char *path, enum fb_durable durable,
                         struct fb_error *err);

/* Can a file of this name be an output? Folders and devices can't be, and nothing is packed under a name that says
 * so. */
int fb_check_output_name(const char *path, struct fb_error *err);
/* Where an output must not take the place of an input, by whatever name, even if existing outputs are replaced. */
int fb_check_apart(const char *output, const char *input, struct fb_error *err);

#endif
