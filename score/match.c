/* match.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include "desi/balrow.h"
#include "score/figures.h"

/* ---- quasars ---- */

static enum fb_score_state state_of(const struct fb_score_table *t, const struct fb_score_row *row)
{
    int mask = row->balmask;
    if (!t->has_balmask && !isnan(row->z) && !fb_in_z_range(row->z))
        mask |= FB_BALMASK_Z_RANGE;
    if (mask & FB_BALMASK_Z_RANGE)
        return FB_ROW_OUT_OF_RANGE;
    if (mask & FB_BALMASK_NO_ROW || row->balstatus == FB_BALSTATUS_NO_ROW)
        return FB_ROW_NO_TABLE;
    if (mask & FB_BALMASK_Z_DIFFERS)
        return FB_ROW_Z_DIFFERS;
    if (mask || row->balstatus & FASTBAL_NOT_MEASURED)
        return FB_ROW_NOT_MEASURED;
    if (row->ai > 0 || t->by_detector)
        return FB_ROW_SEARCHED;
    return row->balstatus & FASTBAL_LOW_SIGNAL       ? FB_ROW_LOW_SIGNAL
           : row->balstatus & FASTBAL_CHI2_LIMIT     ? FB_ROW_BAD_FIT
           : row->balstatus & FASTBAL_NEGATIVE_MODEL ? FB_ROW_NEGATIVE_MODEL
                                                     : FB_ROW_SEARCHED;
}

static struct fb_score_pair pair_up(const struct fb_score_side *side, const struct fb_score_row *found,
                                    const struct fb_score_row *truth)
{
    struct fb_score_pair pair = { .found = found, .truth = truth, .state = state_of(side->catalog, found) };
    const int measured = pair.state >= FB_ROW_LOW_SIGNAL;
    pair.found_ai = measured ? found->ai : 0;
    pair.found_bi = measured ? found->bi : 0;
    pair.snr = measured && side->catalog->has_snr ? found->snr : truth ? truth->snr : NAN;
    if (truth) {
        pair.true_ai = truth->ai;
        pair.true_bi = truth->bi;
        pair.absorption = truth->ai > 0 || truth->all > 0;
        pair.shift = FASTBAL_LIGHT_SPEED * (found->z - truth->z) / (1 + truth->z);
        if (!isfinite(pair.shift))
            pair.shift = 0;
    }
    return pair;
}

int fb_score_match(struct fb_score_side *side, struct fb_error *err)
{
    const struct fb_score_table *catalog = side->catalog, *truth = side->truth;
    size_t i = 0, k = 0, both = 0;
    side->pairs = malloc((catalog->n + 1) * sizeof *side->pairs);
    if (!side->pairs)
        return fb_fail(err, "%s: out of memory for %zu rows", catalog->path, catalog->n);
    while (i < catalog->n || k < truth->n) {
        const struct fb_score_row *found = i < catalog->n ? &catalog->rows[i] : NULL;
        const struct fb_score_row *real = k < truth->n ? &truth->rows[k] : NULL;
        const int first = !real || (found && found->targetid < real->targetid);
        if (found && real && found->targetid == real->targetid) {
            i++, k++, both++;
            if (truth->kind == FB_SCORE_CATALOG && state_of(truth, real) < FB_ROW_SEARCHED)
                side->truth_not_searched++;
            else
                side->pairs[side->n++] = pair_up(side, found, real);
        } else if (first) {
            i++;
            if (truth->kind == FB_SCORE_BALS)
                side->pairs[side->n++] = pair_up(side, found, NULL);
            else
                side->only_catalog++;
        } else {
            k++;
            side->only_truth++;
        }
    }
    if (catalog->n == 0 || (both == 0 && (truth->kind != FB_SCORE_BALS || truth->n > 0)))
        return fb_fail(err, "%s: none of its %zu TARGETIDs is among the %zu of %s", catalog->path, catalog->n,
                       truth->n, truth->path);
    return 0;
}

/* ---- troughs ---- */

/* The overlap of two troughs in km/s if it is at least half of the narrower one, else 0. */
static double shared(struct fb_score_trough a, struct fb_score_trough b)
{
    const double overlap = fmin(a.vmax, b.vmax) - fmax(a.vmin, b.vmin);
    const double narrower = fmin(a.vmax - a.vmin, b.vmax - b.vmin);
    return overlap > 0 && overlap >= narrower / 2 ? overlap : 0;
}

/* The index of the trough that overlaps most with this one, or -1; of equally good ones, that at the lowest
 * velocity. */
static int best(const struct fb_score_trough *troughs, int n, struct fb_score_trough one)
{
    double most = 0;
    int which = -1;
    for (int i = 0; i < n; i++) {
        const double s = shared(troughs[i], one);
        if (s > most || (s > 0 && s >= most && troughs[i].vmin < troughs[which].vmin)) {
            which = i;
            most = s;
        }
    }
    return which;
}

static struct fb_score_trough shifted(struct fb_score_trough t, double shift)
{
    return (struct fb_score_trough){ t.vmin + shift, t.vmax + shift };
}

void fb_score_overlap(struct fb_score_overlaps *o, const struct fb_score_side *side,
                      const struct fb_score_pair *pair)
{
    const struct fb_score_trough *real = pair->truth ? side->truth->troughs + pair->truth->troughs : NULL;
    const int nall = pair->truth ? pair->truth->nall : 0;
    o->nfound = pair->found_ai > 0 ? pair->found->ntroughs : 0;
    o->ntrue = pair->truth ? pair->truth->ntroughs : 0;
    for (int i = 0; i < o->nfound; i++)
        o->found[i] = side->catalog->troughs[pair->found->troughs + (size_t)i];
    for (int k = 0; real && k < o->ntrue; k++)
        o->real[k] = shifted(real[k], pair->shift), o->width[k] = real[k].vmax - real[k].vmin;
    for (int k = 0; k < o->ntrue; k++) {
        const int found = best(o->found, o->nfound, o->real[k]);
        o->recovered[k] = found >= 0;
        o->partner[k] = found >= 0 && best(o->real, o->ntrue, o->found[found]) == k ? found : -1;
    }
    for (int i = 0; i < o->nfound; i++) {
        o->outflow[i] = best(o->real, o->ntrue, o->found[i]) >= 0;
        o->absorbed[i] = o->outflow[i];
        for (int k = 0; k < nall && !o->absorbed[i]; k++)
            o->absorbed[i] = shared(shifted(real[o->ntrue + k], pair->shift), o->found[i]) > 0;
    }
}
