/*
 * files.h - reads and compares two catalogs, two BAL tables or two trees of BAL tables, in threads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_FILES_H
#define FB_DIFF_FILES_H

#include "diff/result.h"

/*
 * Compare two paths, in that many threads. The caller initialises the result with zeros, except for
 * diff.limit. Returns -1 if nothing could be compared; unreadable files of a tree are listed in the result.
 * Release in any case.
 */
int fb_diff_paths(struct fb_diff_result *result, const char *a, const char *b,
                  const struct fb_diff_rules *rules, int nthreads, struct fb_error *err);
void fb_diff_result_release(struct fb_diff_result *result);

#endif
