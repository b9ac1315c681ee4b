/*
 * tree.h - which BAL tables of two trees belong together.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_TREE_H
#define FB_DIFF_TREE_H

#include "diff/result.h"

/* Full paths of the tables that belong together, in the order of result->tables. */
struct fb_tree_pairs {
    char **a, **b; /* owned */
    size_t n;
};

/*
 * Find the tables below result->a.path and result->b.path, and match them: by their paths relative to these;
 * where no two paths are the same, by the names of the files; where no names are either, by pixel, the number
 * at the end of the name. Names and pixels that a tree has several times match nothing. Fills the tables,
 * only_a, only_b and failures of the result. Fails where a tree can't be read or holds no BAL table. Release
 * in any case.
 */
int fb_tree_pairs_find(struct fb_tree_pairs *pairs, struct fb_diff_result *result, struct fb_error *err);
void fb_tree_pairs_release(struct fb_tree_pairs *pairs);

/* The error of a file against a folder; -1. */
int fb_diff_kinds_differ(const char *a, const char *b, struct fb_error *err);

#endif
