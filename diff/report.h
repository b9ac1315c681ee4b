/*
 * report.h - what fastbal diff says: a report for people, or JSON for programs (docs/diff.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_REPORT_H
#define FB_DIFF_REPORT_H

#include <stdio.h>
#include "diff/result.h"

/* Exit statuses, as those of diff. */
enum { FB_DIFF_SAME = 0, FB_DIFF_DIFFERENT = 1, FB_DIFF_TROUBLE = 2 };

int fb_diff_status(const struct fb_diff_result *result);

/* Sections only where there is something to say; lists end after `most` rows with "and N more". */
void fb_diff_print_text(FILE *out, const struct fb_diff_result *result, const struct fb_diff_rules *rules,
                        size_t most);
/* One object with the same keys always; lists are as complete as the result's. */
void fb_diff_print_json(FILE *out, const struct fb_diff_result *result, const struct fb_diff_rules *rules);

#endif
