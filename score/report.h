/*
 * report.h - the outputs of fastbal score: a readable table, JSON and ECSV (docs/score.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCORE_REPORT_H
#define FB_SCORE_REPORT_H

#include <stdio.h>
#include "score/result.h"

/* The full form of the readable table. After all of these functions, the caller checks `out` for errors. */
void fb_score_print_text(FILE *out, const struct fb_score *score);
/* The short form, at most 15 lines. */
void fb_score_print_short(FILE *out, const struct fb_score *score);
void fb_score_print_json(FILE *out, const struct fb_score *score);
/* The selection function of the first catalog as an ECSV table (docs/score.md). */
void fb_score_print_selection(FILE *out, const struct fb_score *score);
void fb_score_print_ecsv(FILE *out, const struct fb_score *score);

#endif
