/*
 * files.h - reads and compares two catalogs, two BAL tables or two trees of BAL tables, in threads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_FILES_H
#define FB_DIFF_FILES_H

#include "desi/baltables.h"
#include "diff/diff.h"

enum fb_diff_kind { FB_DIFF_CATALOG, FB_DIFF_TABLE, FB_DIFF_TREE };

struct fb_diff_side {
    const char *path; /* borrowed */
    char hdu[72];     /* empty for trees */
    size_t columns, tables;
};

/* Everything that is reported. */
struct fb_diff_result {
    enum fb_diff_kind kind;
    struct fb_diff_side a, b;
    struct fb_diff diff;
    /* of trees */
    struct fb_path_list tables; /* in both, relative to A; diff's table numbers are indices into this */
    size_t ndifferent;          /* number of tables that differ */
    struct fb_path_list only_a, only_b;
    struct fb_path_list failures; /* unreadable files, as lines "PATH: why" */
};

/*
 * Compare two paths, in that many threads. The caller initialises the result with zeros, except for
 * diff.limit. Returns -1 if nothing could be compared; unreadable files of a tree are listed in the result.
 * Release in any case.
 */
int fb_diff_paths(struct fb_diff_result *result, const char *a, const char *b,
                  const struct fb_diff_rules *rules, int nthreads, struct fb_error *err);
void fb_diff_result_release(struct fb_diff_result *result);

#endif
