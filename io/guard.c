/* guard.c - SPDX-License-Identifier: BSD-3-Clause */
#include "io/guard.h"
#include "io/hdus.h"

int fb_guard(struct fb_file *file, struct fb_error *err)
{
    struct fb_hdus hdus = { 0 };
    int status = fb_hdus_read(&hdus, file, err);
    if (status == 0)
        fb_fail(err, "%s: not a FITS file: it does not begin with SIMPLE", file->path);
    fb_hdus_release(&hdus);
    return status > 0 ? 0 : -1;
}
