/*
 * report.h - the output of fastbal diff, as text or JSON (docs/diff.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_REPORT_H
#define FB_DIFF_REPORT_H

#include <stdio.h>
#include "diff/result.h"

/* The same exit statuses as diff(1). */
enum { FB_DIFF_SAME = 0, FB_DIFF_DIFFERENT = 1, FB_DIFF_TROUBLE = 2 };

int fb_diff_status(const struct fb_diff_result *result);

/* Empty sections are omitted; lists end after `most` rows with "and N more". */
void fb_diff_print_text(FILE *out, const struct fb_diff_result *result, const struct fb_diff_rules *rules,
                        size_t most);
/* One object, always with the same keys; lists contain all events kept in the result. */
void fb_diff_print_json(FILE *out, const struct fb_diff_result *result, const struct fb_diff_rules *rules);

#endif
