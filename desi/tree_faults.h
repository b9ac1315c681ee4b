/*
 * tree_faults.h - what to say of a folder that is not the tree it was given as: what was expected in it, what is
 * there, and which folder is meant, where that is a few levels above or right below it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TREE_FAULTS_H
#define FB_TREE_FAULTS_H

#include "desi/tree.h"
#include "fits/error.h"

/* All return -1 and leave a line in err; those that check return 0 where there is nothing to say. */

/* The tree has no folder of its survey and program in any scheme. */
int fb_tree_no_scheme(const struct fb_tree *tree, struct fb_error *err);
/* The tree has no file of this kind; what they are: "spectra". */
int fb_tree_no_files(const struct fb_tree *tree, const char *kind, const char *what, struct fb_error *err);
/* Has it the folder of its scheme, which was not found by looking? */
int fb_tree_check_folder(const struct fb_tree *tree, struct fb_error *err);
/* Is what looks like a skimmed tree one, and not the inside of a mock or of a tree of adaptive pixels? */
int fb_tree_check_skimmed(const struct fb_tree *tree, struct fb_error *err);
/* There is no folder where the tree should be. */
int fb_tree_no_root(const char *root, struct fb_error *err);

#endif
