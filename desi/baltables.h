/*
 * baltables.h - the BAL tables below a folder, whatever its layout.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BALTABLES_H
#define FB_BALTABLES_H

#include <stddef.h>
#include "fits/error.h"

struct fb_path_list {
    char **paths; /* owned */
    size_t n, room;
};

void fb_path_list_release(struct fb_path_list *list);
int fb_path_list_add(struct fb_path_list *list, const char *path); /* copies it; -1 if out of memory */

/*
 * Find every baltable-*.fits or .fits.gz below a folder. Their paths, relative to it and sorted, are put into
 * `found`. For each folder below it that can't be read, a line "PATH: why" is put into `failures`. Fails if
 * the folder itself can't be read. Release both in any case.
 */
int fb_baltables_find(const char *root, struct fb_path_list *found, struct fb_path_list *failures,
                      struct fb_error *err);

#endif
