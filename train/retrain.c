/* retrain.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/retrain.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/detector_file.h"

#define SIGNIFICANT 2.0 /* standard errors */

/* A head, and where its calibration begins. */
struct rated_head {
    struct fb_head head;
    struct fb_logit_line line;
};

/* What all steps need. */
struct retrain {
    const struct fb_judged_sample *sample;
    double edge, share;
    struct rated_head old, new;
};

static struct fb_mixture choose(const struct retrain *r, unsigned parts)
{
    return fb_mixture_of(r->sample, parts, r->share, r->edge);
}

static int refuse_line(struct fb_error *err)
{
    return fb_fail(err, "the logits of spectra with simulated outflows are no larger than those of others: "
                        "are these quasars, and their redshifts right?");
}

static int calibrate(const struct retrain *r, const struct rated_head *head, unsigned parts,
                     struct fb_logit_line *line, struct fb_error *err)
{
    const struct fb_mixture m = choose(r, parts);
    return fb_calibrate(line, head->line, &head->head, &m) == 0 ? 0 : refuse_line(err);
}

static int check(const struct fb_judged_sample *sample, struct fb_error *err)
{
    const size_t all = fb_mixture_of(sample, FB_PARTS_ALL, 0, 0).ninjected;
    if (all < FB_RETRAIN_LEAST)
        return fb_fail(err, "expected at least %d usable spectra without found outflows, found %zu",
                       FB_RETRAIN_LEAST, all);
    for (int part = 0; part < FB_PARTS; part++) {
        const size_t n = fb_mixture_of(sample, 1U << part, 0, 0).ninjected;
        if (n < FB_RETRAIN_LEAST_OF_PART)
            return fb_fail(
                err,
                "expected at least %d such spectra in each fifth of TARGETIDs, found %zu of %zu: are they "
                "the same few quasars?",
                FB_RETRAIN_LEAST_OF_PART, n, all);
    }
    return 0;
}

/* ---- which head is better ---- */

/* What a part's quasars gain by the new head: the sum of the losses' differences, and that of their squares. */
static int add_gain(const struct retrain *r, unsigned calibrated, unsigned judged, double sum[2],
                    struct fb_error *err)
{
    const struct fb_mixture m = choose(r, judged);
    struct fb_logit_line old, new;
    if (calibrate(r, &r->old, calibrated, &old, err) != 0 ||
        calibrate(r, &r->new, calibrated, &new, err) != 0)
        return -1;
    double gain = 0;
    for (size_t i = 0; i < r->sample->n; i++) {
        const struct fb_judged *row = &r->sample->rows[i];
        if (!fb_mixture_has(&m, row))
            continue;
        gain += fb_loss_of(&m, row, fb_rate(old, fb_head_logit(&r->old.head, row))) -
                fb_loss_of(&m, row, fb_rate(new, fb_head_logit(&r->new.head, row)));
        if (i + 1 < r->sample->n && row[1].targetid == row->targetid)
            continue; /* a quasar is one, with and without an outflow */
        sum[0] += gain;
        sum[1] += gain * gain;
        gain = 0;
    }
    return 0;
}

static int compare_heads(const struct retrain *r, struct fb_retraining *how, struct fb_error *err)
{
    const double n = (double)choose(r, FB_PARTS_TEST).nreal;
    double sum[2] = { 0 };
    if (add_gain(r, 1U << 3, 1U << 4, sum, err) != 0 || add_gain(r, 1U << 4, 1U << 3, sum, err) != 0)
        return -1;
    how->gain = sum[0] / n;
    how->gain_error = sqrt(fmax(sum[1] / n - how->gain * how->gain, 0) / n);
    how->kept = how->head.passes > 0 && how->gain > SIGNIFICANT * how->gain_error;
    return 0;
}

/* ---- calibration ---- */

/* The calibration errors of some parts, each calibrated on the others. */
static int find_errors(const struct retrain *r, const struct rated_head *chosen, unsigned parts,
                       struct fb_retraining *how, struct fb_error *err)
{
    struct fb_reliability before = { 0 }, after = { 0 };
    struct fb_logit_line line;
    for (int part = 0; part < FB_PARTS; part++) {
        const struct fb_mixture m = choose(r, parts & (1U << part));
        if (!m.parts)
            continue;
        if (calibrate(r, chosen, parts & ~m.parts, &line, err) != 0)
            return -1;
        fb_reliability_add(&before, r->old.line, &r->old.head, &m);
        fb_reliability_add(&after, line, &chosen->head, &m);
        how->njudged += m.nreal;
        how->ninjected_judged += m.ninjected;
    }
    how->error_before = fb_calibration_error(&before);
    how->error_after = fb_calibration_error(&after);
    return 0;
}

/* ---- all of it ---- */

/* Train the head, and calibrate. The last numbers of the weights are the head. */
static int retrain_head(struct retrain *r, double *weights, size_t n, struct fb_retraining *how,
                        struct fb_error *err)
{
    memcpy(&r->old.head, weights + n - FB_HEAD_NUMBERS, sizeof r->old.head);
    if (fb_estimate_share(&r->share, &r->edge, r->old.line, &r->old.head, r->sample) != 0)
        return refuse_line(err);
    how->share = r->share;
    const struct fb_mixture all = choose(r, FB_PARTS_ALL), training = choose(r, FB_PARTS_TRAIN),
                            validation = choose(r, FB_PARTS_VALIDATE);
    how->nreal = all.nreal;
    how->ninjected = all.ninjected;
    r->new = (struct rated_head){ r->old.head, { 1, 0 } }; /* as it is trained */
    if (fb_head_train(&r->new.head, &training, &validation, &how->head) != 0)
        return fb_fail(err, "out of memory for %zu spectra", all.nreal);
    if (compare_heads(r, how, err) != 0)
        return -1;
    const struct rated_head *chosen = how->kept ? &r->new : &r->old;
    const unsigned parts = how->kept ? FB_PARTS_TEST : FB_PARTS_ALL;
    memcpy(weights + n - FB_HEAD_NUMBERS, &chosen->head, sizeof chosen->head);
    return calibrate(r, chosen, parts, &how->line, err) != 0 || find_errors(r, chosen, parts, how, err) != 0
               ? -1
               : 0;
}

static int create(fastbal_detector **detector, const char *name, const double *weights, size_t n,
                  const struct fb_judged_sample *sample, struct fb_logit_line line, struct fb_error *err)
{
    struct fastbal_calibration calibration = { .slope = line.slope, .intercept = line.intercept };
    struct fastbal_message message;
    if (fb_find_limits(&calibration, sample) != 0)
        return fb_fail(err, "out of memory for %zu spectra", sample->n);
    return fastbal_detector_create(detector, name, n, weights, &calibration, &message) == FASTBAL_OK
               ? 0
               : fb_fail(err, "detector %s: %s", name, message.text);
}

int fb_retrain(fastbal_detector **detector, const fastbal_detector *from, const char *name,
               const struct fb_judged_sample *sample, struct fb_retraining *how, struct fb_error *err)
{
    const struct fastbal_calibration *before = fastbal_detector_calibration(from);
    struct retrain r = { .sample = sample, .old.line = { before->slope, before->intercept } };
    size_t n;
    *detector = NULL;
    *how = (struct fb_retraining){ 0 };
    if (check(sample, err) != 0)
        return -1;
    double *weights = fb_detector_weights(from, &n);
    if (!weights)
        return fb_fail(err, "out of memory for a detector");
    int status = retrain_head(&r, weights, n, how, err);
    if (status == 0)
        status = create(detector, name, weights, n, sample, how->line, err);
    free(weights);
    return status;
}
