/*
 * score.h - how well a catalog's BALs agree with a truth.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCORE_H
#define FB_SCORE_H

#include "score/result.h"

/* Compute all figures of a catalog and, unless it is NULL, another. It is an error if a catalog has no quasar
 * of the truth. The tables are borrowed. Release with fb_score_release() in any case. */
int fb_score_compute(struct fb_score *score, const struct fb_score_table *catalog,
                     const struct fb_score_table *other, const struct fb_score_table *truth,
                     struct fb_error *err);

#endif
