/* detector_sample.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/detector_sample.h"
#include <string.h>

#define FOUND 0.5 /* from this probability on, no outflow is injected */

static int start_judge(struct fb_judge *judge)
{
    if (!judge->work && fb_injector_init(&judge->injector) == 0)
        judge->work = fastbal_workspace_create();
    return judge->work ? 0 : -1;
}

void fb_judge_release(struct fb_judge *judge)
{
    fastbal_workspace_free(judge->work);
    fb_injector_release(&judge->injector);
    judge->work = NULL;
}

/* Judge a spectrum, and set the logit and scalars of its row. Returns 1, 0 if it can't be judged, or -1 if
 * out of memory. */
static int judge_spectrum(const struct fb_detector_taker *taker, const struct fb_judge *judge,
                          const struct fastbal_spectrum *spectrum, struct fb_judged *row, double *probability)
{
    struct fastbal_detection detection;
    struct fastbal_detector_trace trace;
    if (fastbal_detect(judge->work, taker->detector, spectrum, &detection, &trace) != FASTBAL_OK)
        return -1;
    row->logit = trace.logit;
    memcpy(row->scalar, trace.scalar, sizeof row->scalar);
    *probability = detection.probability;
    return detection.made;
}

int fb_detector_take(void *context, int thread, size_t index, const struct fb_spectrum *s,
                     const struct fb_redshift *redshift)
{
    const struct fb_detector_taker *taker = context;
    struct fb_judge *judge = &taker->judges[thread];
    struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, redshift->z };
    struct fb_judged row;
    struct fb_rng rng;
    double probability;

    memset(&row, 0, sizeof row);
    fb_inject_seed(&rng, redshift->targetid);
    row.targetid = redshift->targetid;
    row.part = (unsigned char)(fb_rng_bits(&rng) % FB_PARTS);
    int made = start_judge(judge) == 0 ? judge_spectrum(taker, judge, &spectrum, &row, &probability) : -1;
    if (made <= 0)
        return made == 0 ? FB_ROW_SHORT : -1;
    if (fb_judged_sample_add(&taker->parts[index], &row, 1) != 0)
        return -1;
    if (probability >= FOUND)
        return FB_ROW_USED;
    row.injected = 1;
    if (fb_inject(&judge->injector, &rng, &spectrum) != 0 ||
        (made = judge_spectrum(taker, judge, &spectrum, &row, &probability)) < 0 ||
        (made && fb_judged_sample_add(&taker->parts[index], &row, 1) != 0))
        return -1;
    return FB_ROW_USED;
}

int fb_judged_sample_join(struct fb_judged_sample *all, struct fb_judged_sample *parts,
                          const struct fb_collection *c, struct fb_error *err)
{
    for (size_t i = 0; i < c->rows->pixels.n; i++) {
        if (c->counts[i][FB_ROW_USED] == 0) /* nothing was used, or the pixel failed after some were taken */
            continue;
        if (fb_judged_sample_add(all, parts[i].rows, parts[i].n) != 0)
            return fb_fail(err, "out of memory for %zu spectra", all->n + parts[i].n);
        fb_judged_sample_release(&parts[i]);
    }
    fb_judged_sample_sort(all);
    return 0;
}
