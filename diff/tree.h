/*
 * tree.h - matches the BAL tables of two trees.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_TREE_H
#define FB_DIFF_TREE_H

#include "diff/result.h"

/* Full paths of matching tables, in the order of result->tables. */
struct fb_tree_pairs {
    char **a, **b; /* owned */
    size_t n;
};

/*
 * Find the tables below result->a.path and result->b.path, and match them by relative path; if no paths
 * match, by file name; if no names match, by pixel, the number at the end of the name. Names and pixels that
 * occur repeatedly in a tree are not matched. Fills tables, only_a, only_b and failures of the result. Fails
 * if a tree can't be read or holds no BAL table. Release in any case.
 */
int fb_tree_pairs_find(struct fb_tree_pairs *pairs, struct fb_diff_result *result, struct fb_error *err);
void fb_tree_pairs_release(struct fb_tree_pairs *pairs);

/* Set the error for comparing a file with a folder; returns -1. */
int fb_diff_kinds_differ(const char *a, const char *b, struct fb_error *err);

#endif
