/*
 * tree_scheme.h - determines the scheme of a tree of spectra from its folders and files.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TREE_SCHEME_H
#define FB_TREE_SCHEME_H

#include "desi/tree.h"
#include "fits/error.h"

/*
 * Set the scheme of a tree of spectra: the one whose folder of this survey and program exists. It is an error
 * if none or more than one exists, except that known releases have a known scheme (fuji to loa have healpix/,
 * matterhorn and nevis spectra/). Tiles are beside the other schemes and are never detected.
 * fb_tree_find_nside() finds the nside of a skimmed tree. Returns 0; 1 with an error if there is none or more
 * than one; -1 with an error if the folder is the inside of a tree, or the system can't tell.
 */
int fb_tree_identify(struct fb_tree *tree, struct fb_error *err);
/* Set the nside of a skimmed tree from the keyword HPXNSIDE of one of its files. */
int fb_tree_find_nside(struct fb_tree *tree, struct fb_error *err);

#endif
