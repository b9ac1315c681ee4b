/* score.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "score/figures.h"
#include "score/score.h"

static int add_side(struct fb_score *score, const struct fb_score_side *side, int *by_ai,
                    struct fb_error *err)
{
    return fb_score_add_quasars(score, side, err) != 0 || fb_score_add_troughs(score, side, err) != 0 ||
                   fb_score_add_ranking(score, side, by_ai, err) != 0
               ? -1
               : 0;
}

int fb_score_compute(struct fb_score *score, const struct fb_score_table *catalog,
                     const struct fb_score_table *other, const struct fb_score_table *truth,
                     struct fb_error *err)
{
    struct fb_score_side sides[2] = { { .name = "A", .catalog = catalog, .truth = truth },
                                      { .name = "B", .catalog = other, .truth = truth } };
    *score = (struct fb_score){ .truth = truth,
                                .catalogs = { catalog, other },
                                .agreement = truth->kind == FB_SCORE_CATALOG };
    int status = 0;
    for (int i = 0; status == 0 && i < (other ? 2 : 1); i++)
        if (fb_score_match(&sides[i], err) != 0 || add_side(score, &sides[i], &score->by_ai[i], err) != 0)
            status = -1;
    if (status == 0)
        fb_score_select(&score->selection, &sides[0]);
    if (status == 0 && other)
        status = fb_score_add_comparison(score, &sides[0], &sides[1], err);
    free(sides[0].pairs);
    free(sides[1].pairs);
    return status;
}
