/*
 * result.h - all that a comparison of two files or trees has to report.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_RESULT_H
#define FB_DIFF_RESULT_H

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

#endif
