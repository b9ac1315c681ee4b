/*
 * walk.h - lists the pixels of a tree that have files.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_WALK_H
#define FB_WALK_H

#include "desi/tree.h"
#include "fits/error.h"

/* Add the pixels that have a file of this kind, using `workers` threads, each of which searches other
 * folders. Returns 0, or -1 with an error. */
int fb_walk_tree(const struct fb_tree *tree, const char *kind, long workers, struct fb_id_list *pixels,
                 struct fb_error *err);

#endif
