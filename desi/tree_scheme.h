/*
 * tree_scheme.h - which scheme a tree of spectra uses, found by looking at its folders and files.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TREE_SCHEME_H
#define FB_TREE_SCHEME_H

#include "desi/tree.h"
#include "fits/error.h"

/*
 * Look which scheme a tree of spectra uses, and set it: the one whose folder of this survey and program is there. None
 * and more than one are errors that name what was looked for, except that a release whose name is known (fuji to loa
 * have healpix/, matterhorn and nevis spectra/) is taken for what it is known to be. Tiles lie beside the others and are
 * never found this way. The nside of a skimmed tree is found by fb_tree_find_nside(). Returns 0, 1 where there is none or
 * more than one, -1 where the system can't tell; both leave a line in err.
 */
int fb_tree_identify(struct fb_tree *tree, struct fb_error *err);
/* Set the nside of a skimmed tree from the keyword HPXNSIDE of one of its files. */
int fb_tree_find_nside(struct fb_tree *tree, struct fb_error *err);

#endif
