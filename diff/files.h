/*
 * files.h - two catalogs, two BAL tables or two trees of BAL tables read and compared, in threads.
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

/* All there is to report. */
struct fb_diff_result {
    enum fb_diff_kind kind;
    struct fb_diff_side a, b;
    struct fb_diff diff;
    /* of trees */
    struct fb_path_list tables; /* in both, below A: what diff's table numbers count */
    size_t ndifferent;          /* of these */
    struct fb_path_list only_a, only_b;
    struct fb_path_list failures; /* lines "PATH: why": what could not be read */
};

/*
 * Compare what is at two paths, in that many threads. diff.limit of the result is set by the caller,
 * everything else is 0. -1 where nothing could be compared; what could not be read of a tree is listed in the
 * result. Release in any case.
 */
int fb_diff_paths(struct fb_diff_result *result, const char *a, const char *b,
                  const struct fb_diff_rules *rules, int nthreads, struct fb_error *err);
void fb_diff_result_release(struct fb_diff_result *result);

#endif
