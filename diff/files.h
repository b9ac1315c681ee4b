/*
 * files.h - two catalogs, two BAL tables or two trees of BAL tables read and compared, in threads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_FILES_H
#define FB_DIFF_FILES_H

#include "diff/result.h"

/*
 * Compare what is at two paths, in that many threads. diff.limit of the result is set by the caller,
 * everything else is 0. -1 where nothing could be compared; what could not be read of a tree is listed in the
 * result. Release in any case.
 */
int fb_diff_paths(struct fb_diff_result *result, const char *a, const char *b,
                  const struct fb_diff_rules *rules, int nthreads, struct fb_error *err);
void fb_diff_result_release(struct fb_diff_result *result);

#endif
