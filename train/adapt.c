/* adapt.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/adapt.h"
#include <stdlib.h>
#include "desi/detector_file.h"

static int refuse_line(struct fb_error *err)
{
    return fb_fail(err, "the logits of spectra with simulated outflows are no larger than those of others: "
                        "are these quasars, and their redshifts right?");
}

static int check(const struct fb_judged_sample *sample, struct fb_error *err)
{
    const size_t all = fb_mixture_of(sample, FB_PARTS_ALL, 0, 0).ninjected;
    if (all < FB_ADAPT_LEAST)
        return fb_fail(err, "expected at least %d usable spectra without found outflows, found %zu",
                       FB_ADAPT_LEAST, all);
    for (int part = 0; part < FB_PARTS; part++) {
        const size_t n = fb_mixture_of(sample, 1U << part, 0, 0).ninjected;
        if (n < FB_ADAPT_LEAST_OF_PART)
            return fb_fail(
                err,
                "expected at least %d such spectra in each fifth of TARGETIDs, found %zu of %zu: are they "
                "the same few quasars?",
                FB_ADAPT_LEAST_OF_PART, n, all);
    }
    return 0;
}

/* Find the calibration errors over all parts, each calibrated on the others. */
static int find_errors(const struct fb_mixture *all, struct fb_logit_line before, struct fb_adaptation *how,
                       struct fb_error *err)
{
    struct fb_reliability old = { 0 }, new = { 0 };
    struct fb_logit_line line;
    for (int part = 0; part < FB_PARTS; part++) {
        const struct fb_mixture m = fb_mixture_of(all->sample, 1U << part, all->share, all->edge),
                                others = fb_mixture_of(all->sample, FB_PARTS_ALL & ~m.parts, all->share,
                                                       all->edge);
        if (fb_calibrate(&line, before, &others) != 0)
            return refuse_line(err);
        fb_reliability_add(&old, before, &m);
        fb_reliability_add(&new, line, &m);
    }
    how->error_before = fb_calibration_error(&old);
    how->error_after = fb_calibration_error(&new);
    return 0;
}

static int adapt(const struct fb_judged_sample *sample, struct fb_logit_line before,
                 struct fb_adaptation *how, struct fb_error *err)
{
    double edge;
    if (fb_estimate_share(&how->share, &edge, before, sample) != 0)
        return refuse_line(err);
    const struct fb_mixture all = fb_mixture_of(sample, FB_PARTS_ALL, how->share, edge);
    how->nreal = all.nreal;
    how->ninjected = all.ninjected;
    return fb_calibrate(&how->line, before, &all) != 0 ? refuse_line(err)
                                                       : find_errors(&all, before, how, err);
}

static int create(fastbal_detector **detector, const fastbal_detector *from, const char *name,
                  const struct fb_judged_sample *sample, struct fb_logit_line line, struct fb_error *err)
{
    struct fastbal_calibration calibration = { .slope = line.slope, .intercept = line.intercept };
    struct fastbal_message message;
    size_t n;
    double *weights = fb_detector_weights(from, &n);
    if (!weights || fb_find_limits(&calibration, sample) != 0)
        fb_fail(err, "out of memory for %zu spectra", sample->n);
    else if (fastbal_detector_create(detector, name, n, weights, &calibration, &message) != FASTBAL_OK)
        fb_fail(err, "detector %s: %s", name, message.text);
    free(weights);
    return *detector ? 0 : -1;
}

int fb_adapt_detector(fastbal_detector **detector, const fastbal_detector *from, const char *name,
                      const struct fb_judged_sample *sample, struct fb_adaptation *how, struct fb_error *err)
{
    const struct fastbal_calibration *before = fastbal_detector_calibration(from);
    *detector = NULL;
    *how = (struct fb_adaptation){ 0 };
    return check(sample, err) != 0 ||
                   adapt(sample, (struct fb_logit_line){ before->slope, before->intercept }, how, err) != 0
               ? -1
               : create(detector, from, name, sample, how->line, err);
}
