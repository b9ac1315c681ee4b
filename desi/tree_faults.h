/*
 * tree_faults.h - error messages for a folder that is not the tree it was given as: what was expected in it,
 * what was found, and which folder is probably meant, if that is a few levels above or just below it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TREE_FAULTS_H
#define FB_TREE_FAULTS_H

#include "desi/tree.h"
#include "fits/error.h"

/* All functions set the error and return -1; the ..._check_...() functions return 0 if nothing is wrong. */

/* The tree has no folder of its survey and program in any scheme. */
int fb_tree_no_scheme(const struct fb_tree *tree, struct fb_error *err);
/* The tree has no file of this kind. what describes the files, such as "spectra". */
int fb_tree_no_files(const struct fb_tree *tree, const char *kind, const char *what, struct fb_error *err);
/* Check that the folder of a scheme chosen by options exists. */
int fb_tree_check_folder(const struct fb_tree *tree, struct fb_error *err);
/* Check that what looks like a skimmed tree is not the inside of a mock or of a tree of adaptive pixels. */
int fb_tree_check_skimmed(const struct fb_tree *tree, struct fb_error *err);
/* The root of the tree does not exist, or is not a folder. */
int fb_tree_no_root(const char *root, struct fb_error *err);

#endif
