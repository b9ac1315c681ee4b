/*
 * measure.c - fuzz target: fastbal_measure() and fastbal_detect() of any numbers, on any templates, by any rules, with the
 * built-in detector and with one of any weights. Whatever they are, the outcome is what fastbal.h says: a status for
 * wavelengths, redshifts and weights that are no good; else troughs in order and within limits, probabilities, numbers that
 * are finite, and the same bits again from a workspace that was used for something else.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "internal.h" /* how many weights there are */
#include "numbers.h"

enum { MOST_PIXELS = 3000, MOST_WAVELENGTHS = 500 };

#define ALL_BITS                                                                                \
    (FASTBAL_NOT_MEASURED | FASTBAL_MORE_TROUGHS | FASTBAL_LOW_SIGNAL | FASTBAL_NOT_CONVERGED | \
     FASTBAL_CHI2_LIMIT | FASTBAL_NEGATIVE_MODEL | FASTBAL_NOT_TRAINED)

struct input {
    fastbal_templates *templates; /* NULL: the numbers make none */
    fastbal_detector *detector;   /* likewise */
    struct fastbal_spectrum spectrum;
    struct fastbal_options options;
    double *wavelength, *flux, *ivar;
};

static fastbal_templates *take_templates(struct numbers *numbers)
{
    fastbal_templates *templates = NULL;
    unsigned kind = take_byte(numbers);
    if (kind % 4 == 0) {
        CHECK(fastbal_templates_builtin(&templates) == FASTBAL_OK);
        return templates;
    }
    int count = take_byte(numbers) % (FASTBAL_MAX_TEMPLATES + 2);
    size_t n = take_count(numbers) % MOST_WAVELENGTHS;
    double *wavelength = kind % 4 == 1 ? take_doubles(numbers, n) : take_increasing(numbers, n);
    double *values = take_doubles(numbers, n * (size_t)count);
    int status = fastbal_templates_create(&templates, n, wavelength, count, values);
    CHECK((status == FASTBAL_OK) == (templates != NULL) && status != FASTBAL_ENOMEM);
    free(wavelength);
    free(values);
    return templates;
}

static int are_floats(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) <= FLT_MAX))
            return 0;
    return 1;
}

/* A net of any weights; they scatter about 0. */
static fastbal_detector *take_net(struct numbers *numbers)
{
    fastbal_detector *detector;
    struct fastbal_calibration calibration;
    const size_t n = sizeof calibration / sizeof(double);
    double scale = take_double(numbers), *limits = take_doubles(numbers, n),
           *weights = take_doubles(numbers, FB_NET_NUMBERS);
    for (size_t i = 0; i < FB_NET_NUMBERS; i++)
        weights[i] = scale * (weights[i] - 1);
    memcpy(&calibration, limits, sizeof calibration);
    int status = fastbal_detector_create(&detector, "fuzz", FB_NET_NUMBERS, weights, &calibration, NULL);
    int good = are_floats(weights, FB_NET_NUMBERS) && are_floats(limits, n) && calibration.slope > 0;
    CHECK(status == (good ? FASTBAL_OK : FASTBAL_EDETECTOR) && (detector != NULL) == good);
    free(limits);
    free(weights);
    return detector;
}

static fastbal_detector *take_detector(struct numbers *numbers)
{
    fastbal_detector *detector = NULL;
    unsigned kind = take_byte(numbers);
    if (kind % 4 > 1)
        return take_net(numbers);
    if (kind % 4 == 0)
        CHECK(fastbal_detector_builtin(&detector) == FASTBAL_OK);
    return detector;
}

static void take_input(struct numbers *numbers, struct input *in)
{
    in->templates = take_templates(numbers);
    unsigned kind = take_byte(numbers);
    double z = take_double(numbers);
    size_t n = take_count(numbers) % MOST_PIXELS;
    in->wavelength = kind % 4 == 0 ? take_doubles(numbers, n) : take_increasing(numbers, n);
    in->flux = kind & 4 ? take_increasing(numbers, n) : take_doubles(numbers, n);
    in->ivar = kind & 8 ? take_increasing(numbers, n) : take_doubles(numbers, n);
    in->spectrum = (struct fastbal_spectrum){ n, in->wavelength, in->flux, in->ivar, z };
    in->options.size = sizeof in->options;
    in->options.rules = kind & 16   ? FASTBAL_RULES_OPTIMIZE
                        : kind & 64 ? FASTBAL_RULES_FASTBAL
                                    : FASTBAL_RULES_MAIN;
    in->options.fit = kind & 32 ? FASTBAL_FIT_SIMPLEX : FASTBAL_FIT_EXACT;
    in->options.continuum =
        kind & 128 && !(kind & 32) ? FASTBAL_CONTINUUM_TROUGH_AWARE : FASTBAL_CONTINUUM_DEFAULT;
    in->options.continuum = (kind & 96) == 64 ? FASTBAL_CONTINUUM_TROUGH_AWARE : FASTBAL_CONTINUUM_DEFAULT;
    in->options.detector = in->detector = take_detector(numbers);
}

static int wavelengths_ok(const struct fastbal_spectrum *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!isfinite(s->wavelength[i]) || s->wavelength[i] <= (i > 0 ? s->wavelength[i - 1] : 0))
            return 0;
    return s->n >= 2;
}

static void check_unused(const struct fastbal_troughs *t)
{
    for (int k = t->count; k < FASTBAL_MAX_AI; k++)
        CHECK(t->vmin[k] == -1 && t->vmax[k] == -1 && t->posmin[k] == -1 && t->fmin[k] == -1);
}

/* From the blue to the red, all within the search. */
static void check_troughs(const struct fastbal_troughs *t, int most, double red, int rules)
{
    CHECK(t->count >= 0 && t->count <= most);
    CHECK(isfinite(t->index) && t->index >= 0 && isfinite(t->error) && t->error >= 0);
    CHECK(t->count > 0 ? t->index > 0 || rules == FASTBAL_RULES_OPTIMIZE : t->index == 0);
    CHECK(t->index > 0 || t->error == 0);
    check_unused(t);
    for (int k = 0; k < t->count; k++) {
        CHECK(t->vmax[k] <= 25000 && t->vmin[k] >= red && t->vmin[k] <= t->vmax[k]);
        /* as in the reference, a last pixel wider than 450 km/s may end a trough anew that ended before */
        CHECK(k == 0 || t->vmin[k] <= t->vmin[k - 1]);
        CHECK(k == 0 || (k == t->count - 1 && rules == FASTBAL_RULES_MAIN) || t->vmax[k] <= t->vmin[k - 1]);
        CHECK(t->posmin[k] >= t->vmin[k] && t->posmin[k] <= t->vmax[k] && isfinite(t->fmin[k]));
    }
}

static void check_line(const struct fastbal_line *line, int rules)
{
    check_troughs(&line->ai, FASTBAL_MAX_AI, 0, rules);
    check_troughs(&line->bi, FASTBAL_MAX_BI, 3000, rules);
}

static void check_finite(const double *x, size_t n)
{
    for (size_t k = 0; k < n; k++)
        CHECK(isfinite(x[k]));
}

/* What is measured over whole troughs, and at their velocities. */
static void check_whole(const struct fastbal_result *r)
{
    const struct fastbal_low_ionization *low = &r->low;
    check_finite(&r->absorption.ai_total, sizeof r->absorption / sizeof(double));
    check_finite(r->civ.ai.ew, 4 * FASTBAL_MAX_AI);
    check_finite(&low->aliii_depth, 4);
    CHECK((low->found & ~low->searched) == 0 && (low->searched & ~(FASTBAL_ALIII | FASTBAL_MGII)) == 0);
    CHECK(r->civ.ai.count > 0 ||
          (low->searched == 0 && r->absorption.ew == 0 && r->absorption.detachment == -1));
}

/* Unused troughs are -1, and so is everything, or 0, where there is no detection. */
static void check_rest(const struct fastbal_detection *d)
{
    struct fastbal_result clear;
    fastbal_result_clear(&clear, 1, 0);
    for (int k = d->count; k < FASTBAL_MAX_DETECTED; k++)
        CHECK(d->vmin[k] == -1 && d->vmax[k] == -1 && d->edge_error[k] == -1 && d->inside[k] == -1);
    if (!d->made)
        CHECK(memcmp(d, &clear.detection, sizeof *d) == 0);
}

/* Probabilities, and troughs from the blue to the red within the search. */
static void check_detection(const struct fastbal_detection *d)
{
    CHECK((d->made == 0 || d->made == 1) && d->probability >= 0 && d->probability <= 1);
    CHECK((d->outside & ~(uint32_t)(FASTBAL_LIMIT_SIGNAL | FASTBAL_LIMIT_CHI2 | FASTBAL_LIMIT_MASKED)) == 0);
    CHECK(d->count >= 0 && d->count <= FASTBAL_MAX_DETECTED && (d->count == 0 || d->probability >= 0.5));
    check_finite(&d->ai, 4);
    CHECK(d->ai >= 0 && d->ai_error >= 0 && d->bi >= 0 && d->bi_error >= 0);
    CHECK(d->count > 0 || (d->ai == 0 && d->ai_error == 0 && d->bi == 0 && d->bi_error == 0));
    for (int k = 0; k < d->count; k++) {
        CHECK(d->vmin[k] >= 0 && d->vmin[k] < d->vmax[k] && d->vmax[k] <= 25000);
        CHECK(k == 0 || d->vmax[k] <= d->vmin[k - 1]);
        CHECK(d->edge_error[k] > 0 && d->edge_error[k] < 500 && d->inside[k] >= 0 && d->inside[k] <= 1);
    }
    check_rest(d);
}

/* What the detector says beside the measurement, and that fastbal_detect() says the same. */
static void check_detector(fastbal_workspace *work, const struct input *in, const struct fastbal_result *r)
{
    const struct fastbal_troughs *troughs[4] = { &r->civ.ai, &r->civ.bi, &r->siiv.ai, &r->siiv.bi };
    struct fastbal_detection alone;
    check_detection(&r->detection);
    CHECK(((r->status & FASTBAL_NOT_TRAINED) != 0) == (r->detection.outside != 0));
    for (int t = 0; t < 4; t++)
        for (int k = 0; k < FASTBAL_MAX_AI; k++) {
            double inside = troughs[t]->inside[k];
            CHECK(inside >= 0 && inside <= 1 &&
                  (inside == 0 || (r->detection.made && k < troughs[t]->count)));
        }
    if (!in->detector) {
        CHECK(!r->detection.made);
        return;
    }
    CHECK(fastbal_detect(work, in->detector, &in->spectrum, &alone, NULL) == FASTBAL_OK);
    check_detection(&alone);
    CHECK((r->status & FASTBAL_NOT_MEASURED) || memcmp(&alone, &r->detection, sizeof alone) == 0);
}

static void check_result(const struct fastbal_result *r, int ntemplates, int rules)
{
    CHECK((r->status & ~(uint32_t)ALL_BITS) == 0 && r->ntemplates == ntemplates);
    if (r->status & FASTBAL_NOT_MEASURED) {
        struct fastbal_result clear;
        fastbal_result_clear(&clear, ntemplates, r->status);
        CHECK(memcmp(&clear, r, sizeof clear) == 0);
        return;
    }
    CHECK(r->iterations >= 1 && r->iterations <= 10);
    for (int k = 0; k < ntemplates; k++)
        CHECK(isfinite(r->coeffs[k]));
    CHECK(isfinite(r->chi2) && r->chi2 >= 0);
    CHECK(isfinite(r->snr_civ) && isfinite(r->snr_redside) && isfinite(r->snr_forest));
    check_line(&r->civ, rules);
    check_line(&r->siiv, rules);
    check_whole(r);
}

static void check_continuum(const struct input *in, const double *coeffs)
{
    double *continuum = malloc(in->spectrum.n * sizeof *continuum);
    CHECK(continuum);
    fastbal_continuum(in->templates, coeffs, in->spectrum.z, in->spectrum.n, in->wavelength, continuum);
    for (size_t i = 0; i < in->spectrum.n; i++)
        CHECK(!isnan(continuum[i]));
    free(continuum);
}

/* Pixels that are said not to matter hold something else now. */
static void spoil_outside(struct input *in)
{
    size_t begin, end;
    fastbal_measured_range(in->spectrum.n, in->wavelength, in->spectrum.z, &begin, &end);
    CHECK(begin <= end && end <= in->spectrum.n);
    for (size_t i = 0; i < in->spectrum.n; i++) {
        if (i >= begin && i < end)
            continue;
        in->flux[i] = -1e300;
        in->ivar[i] = NAN;
    }
}

static void check_input(struct input *in)
{
    struct fastbal_result first, again;
    fastbal_workspace *work = fastbal_workspace_create();
    CHECK(work);
    int z_ok = isfinite(in->spectrum.z) && in->spectrum.z > -1;
    int expected = !z_ok                           ? FASTBAL_EARGUMENT
                   : wavelengths_ok(&in->spectrum) ? FASTBAL_OK
                                                   : FASTBAL_EWAVELENGTH;
    int status = fastbal_measure(work, in->templates, &in->spectrum, &in->options, &first);
    CHECK(status == expected);
    if (status == FASTBAL_OK) {
        check_result(&first, fastbal_templates_count(in->templates), in->options.rules);
        check_continuum(in, first.coeffs);
        check_detector(work, in, &first);
        spoil_outside(in);
        CHECK(fastbal_measure(work, in->templates, &in->spectrum, &in->options, &again) == FASTBAL_OK);
        CHECK(memcmp(&first, &again, sizeof first) == 0);
    }
    fastbal_workspace_free(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct numbers numbers = { bytes, size, 1 };
    struct input in;
    take_input(&numbers, &in);
    if (in.templates)
        check_input(&in);
    fastbal_templates_free(in.templates);
    fastbal_detector_free(in.detector);
    free(in.wavelength);
    free(in.flux);
    free(in.ivar);
    return 0;
}
