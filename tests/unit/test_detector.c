/*
 * test_detector.c - the detector: its troughs and indices, by hand, of a net that says "inside" where the flux is low
 * (depth_detector.h); the same numbers from all functions; and what it makes of bad input. What it sees is compared with
 * numpy's in tests/cli/test_detector.py.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "depth_detector.h"
#include "internal.h"

enum { NPIX = 30000 };
#define HALF 88.3 /* km/s, half a cell; they are narrower to the blue */

/* A quasar that the built-in templates describe without a residual, with relative errors of `noise` a pixel. Pixels of
 * 0.2 A: about 6 in half a cell. */
static struct synthetic typical_quasar(double noise)
{
    struct synthetic s = synthetic_linear(NPIX, 3600.1, 0.2, 2);
    double coeffs[FASTBAL_MAX_TEMPLATES] = { 1 };
    struct fastbal_prior prior;
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_builtin(&t), FASTBAL_OK);
    assert_true(fastbal_templates_prior(t, &prior));
    for (int k = 1; k < fastbal_templates_count(t); k++)
        coeffs[k] = prior.mean[k - 1];
    fastbal_continuum(t, coeffs, s.z, s.n, s.wavelength, s.flux);
    for (size_t i = 0; i < s.n; i++)
        s.ivar[i] = 1 / (noise * noise * s.flux[i] * s.flux[i]);
    fastbal_templates_free(t);
    return s;
}

static double speed(const struct synthetic *s, size_t i)
{
    return LIGHT * (1 - s->wavelength[i] / (1 + s->z) / CIV);
}

/* Leave this share of the flux at red to blue km/s. */
static void absorb_between(struct synthetic *s, double red, double blue, double left)
{
    for (size_t i = 0; i < s->n; i++)
        if (speed(s, i) > red && speed(s, i) < blue)
            s->flux[i] *= left;
}

static void mask_between(struct synthetic *s, double red, double blue)
{
    for (size_t i = 0; i < s->n; i++)
        if (speed(s, i) > red && speed(s, i) < blue)
            s->ivar[i] = s->flux[i] = 0;
}

static struct fastbal_detection detect_with(const fastbal_detector *detector, const struct synthetic *s,
                                            struct fastbal_detector_trace *trace)
{
    const struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, s->z };
    fastbal_workspace *work = fastbal_workspace_create();
    struct fastbal_detection d;
    memset(&d, 0x5a, sizeof d);
    assert_int_equal(fastbal_detect(work, detector, &spectrum, &d, trace), FASTBAL_OK);
    fastbal_workspace_free(work);
    return d;
}

static struct fastbal_detection detect_depth(const struct synthetic *s)
{
    fastbal_detector *detector = depth_detector();
    assert_non_null(detector);
    struct fastbal_detection d = detect_with(detector, s, NULL);
    fastbal_detector_free(detector);
    return d;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static void check_unused_troughs(const struct fastbal_detection *d)
{
    for (int k = d->count; k < FASTBAL_MAX_DETECTED; k++) {
        check_near(d->vmin[k], -1, 0);
        check_near(d->vmax[k], -1, 0);
        check_near(d->edge_error[k], -1, 0);
        check_near(d->inside[k], -1, 0);
    }
}

static void check_no_detection(const struct fastbal_detection *d)
{
    struct fastbal_detection none;
    fb_detection_clear(&none);
    assert_memory_equal(d, &none, sizeof none);
    assert_int_equal(d->made, 0);
    check_unused_troughs(d);
    check_near(d->probability, 0, 0);
}

/* The index of a box from `red` on, cut off `least` before its end as found, for the edges as found: half a cell that begins
 * before the box counts as what it is, partly continuum. The continuum is within 1 in 1000. */
static void check_index_at(double index, const struct fastbal_detection *d, double red, double least,
                           double left, const char *what, int line)
{
    double begin = fmax(d->vmin[0], red), before = fmax(red - d->vmin[0], 0),
           width = d->vmax[0] - least - begin;
    check_near_at(index, (1 - left / 0.9) * width + (1 - 1 / 0.9) * before, 0.002 * width, what, __FILE__,
                  line);
}
#define check_index(index, d, red, least, left) check_index_at(index, d, red, least, left, #index, __LINE__)

/* The velocity of the blue edge of a cell of the window, which begins with the 192nd of §4. */
static double cell_speed(int c)
{
    return LIGHT * (1 - 1258 * pow(2402 / 1258., (192 + c - 0.5) / 1099) / CIV);
}

/* ---- troughs ---- */

static void no_trough(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.made, 1);
    check_near(d.probability, logistic(-1), 1e-6);
    assert_int_equal(d.count, 0);
    check_near(d.ai, 0, 0);
    check_near(d.ai_error, 0, 0);
    check_near(d.bi, 0, 0);
    check_near(d.bi_error, 0, 0);
    check_unused_troughs(&d);
    synthetic_free(&s);
}

static void one_trough(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    absorb_between(&s, 5000, 9000, 0.4);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 1);
    check_near(d.vmin[0], 5000, HALF);
    check_near(d.vmax[0], 9000, HALF);
    check_near(d.edge_error[0], HALF / 2, 4); /* nothing has to be smoothed */
    check_index(d.ai, &d, 5000, 450, 0.4);
    check_index(d.bi, &d, 5000, 2000, 0.4);
    /* d is 0.6, less what the noise of 0.7 standard errors takes from it: the misfit allows for at most 1 in 20 */
    assert_in_range((int)(1e6 * d.inside[0]), (int)(1e6 * logistic(DEPTH_SLOPE * (0.95 * 0.6 - DEPTH_LEVEL))),
                    (int)(1e6 * logistic(DEPTH_SLOPE * (0.6 - DEPTH_LEVEL))));
    check_unused_troughs(&d);
    synthetic_free(&s);
}

/* From blue to red; the first is too narrow for BI, and the second one begins before BI does. */
static void three_troughs(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    absorb_between(&s, 15000, 16500, 0.2);
    absorb_between(&s, 1000, 7500, 0.5);
    absorb_between(&s, 9000, 9200, 0.1); /* too narrow for anything */
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 2);
    check_near(d.vmax[0], 16500, HALF);
    check_near(d.vmin[0], 15000, HALF);
    check_near(d.vmax[1], 7500, HALF);
    check_near(d.vmin[1], 1000, HALF);
    double ai = (1 - 0.2 / 0.9) * (1500 - 450) + (1 - 0.5 / 0.9) * (6500 - 450);
    check_near(d.ai, ai, 2 * HALF * (1 - 0.2 / 0.9) + 2 * HALF * (1 - 0.5 / 0.9) + 15);
    check_near(d.bi, (1 - 0.5 / 0.9) * (d.vmax[1] - 3000 - 2000), 8);
    synthetic_free(&s);
}

/* What lies beyond 0 and 25,000 km/s does not count, and less than 2000 km/s of BI are none. */
static void ends_of_the_search(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    absorb_between(&s, 23400, 26500, 0.4);
    absorb_between(&s, -250, 4900, 0.4);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 2);
    check_near(d.vmax[0], 25000, HALF);
    check_near(d.vmin[0], 23400, HALF);
    check_near(d.vmax[1], 4900, HALF);
    check_near(d.vmin[1], 0, HALF);
    assert_true(d.vmax[0] <= 25000 && d.vmin[1] >= 0);
    double rate = 1 - 0.4 / 0.9;
    check_near(d.ai, rate * (1600 - 450 + 4900 - 450), 2 * rate * HALF + 12);
    check_near(d.bi, 0, 0);
    check_near(d.bi_error, 0, 0);
    synthetic_free(&s);
}

/* Masked pixels neither end a trough nor count as continuum, in a cell or two. */
static void masked_pixels(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    absorb_between(&s, 5000, 9000, 0.4);
    struct fastbal_detection whole = detect_depth(&s);
    mask_between(&s, 5300, 5500);
    mask_between(&s, 7000, 7250);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 1);
    check_near(d.vmin[0], whole.vmin[0], 0);
    check_near(d.vmax[0], whole.vmax[0], 0);
    check_near(d.ai, whole.ai, 0.002 * whole.ai);
    check_near(d.bi, whole.bi, 0.002 * whole.bi);
    synthetic_free(&s);
}

/* The error of an index is that of the pixels' sum where nothing of the continuum is left, by 1.1, see detect.c. Where
 * something is left, that of the continuum comes to it, which is the same for all cells and which channel 6 shows. */
static void errors(void **state)
{
    (void)state;
    static struct fastbal_detector_trace trace;
    const double noise = 0.01, left = 0.6;
    struct synthetic s = typical_quasar(noise);
    absorb_between(&s, 5000, 9000, 0);
    double pixel = LIGHT * 0.2 / 3 / CIV, variance = 1.1 * pow(pixel / 0.9 * noise, 2) * (4000 - 450) / pixel;
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 1);
    check_near(d.ai_error, sqrt(variance), 0.03 * sqrt(variance));
    check_near(d.bi_error, sqrt(variance * 2000 / 3550), 0.03 * sqrt(variance));

    for (size_t i = 0; i < s.n; i++)
        if (speed(&s, i) > 5000 && speed(&s, i) < 9000)
            s.flux[i] = left / (noise * sqrt(s.ivar[i]));
    fastbal_detector *detector = depth_detector();
    d = detect_with(detector, &s, &trace);
    fastbal_detector_free(detector);
    double common = 0;
    for (int c = 0; c < FASTBAL_DETECTOR_CELLS; c++) {
        double width = fmin(cell_speed(c), 9000 - 450) - fmax(cell_speed(c + 1), 5000),
               x = trace.channel[6][c];
        common += width > 0 ? width / 0.9 * left * 0.1 * x / (1 - x) : 0;
    }
    check_near(d.ai_error, sqrt(variance + common * common), 0.03 * d.ai_error);
    synthetic_free(&s);
}

/* In noise, edges are where the smoothed flux crosses 0.9: for 9 halves of a box that leaves 0.4, at a sixth of the
 * trough in them, 3 halves outside. */
static void smoothed_edges(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(2);
    absorb_between(&s, 5000, 12000, 0.4);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 1);
    check_near(d.edge_error[0], 4.5 * HALF, 0.1 * HALF * 4.5);
    check_near(d.vmin[0], 5000 - 3 * HALF, 1.1 * HALF);
    check_near(d.vmax[0], 12000 + 3 * HALF, 1.1 * HALF);
    synthetic_free(&s);
}

/* The net's cells go on over a cell without absorption, but the flux says that there are two troughs; each is rated by its
 * own cells. */
static void two_troughs_in_a_run(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    const int between = 100;
    double blue = cell_speed(between), red = cell_speed(between + 1);
    absorb_between(&s, blue, blue + 2000, 0.1);
    absorb_between(&s, red - 1500, red, 0.75);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, 2);
    check_near(d.vmin[0], blue, HALF);
    check_near(d.vmax[1], red, HALF);
    assert_true(d.inside[0] > 0.999);
    assert_true(d.inside[1] > logistic(DEPTH_SLOPE * (0.94 * 0.25 - DEPTH_LEVEL)));
    assert_true(d.inside[1] < logistic(DEPTH_SLOPE * (0.25 - DEPTH_LEVEL)));
    synthetic_free(&s);
}

/* No more troughs are kept than there is room for. */
static void many_troughs(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    for (int k = 0; k < FASTBAL_MAX_DETECTED + 3; k++)
        absorb_between(&s, 1000 + 2000 * k, 1900 + 2000 * k, 0.3);
    struct fastbal_detection d = detect_depth(&s);
    assert_int_equal(d.count, FASTBAL_MAX_DETECTED);
    for (int k = 0; k < FASTBAL_MAX_DETECTED; k++) {
        check_near(d.vmin[k], 1000 + 2000 * (FASTBAL_MAX_DETECTED + 2 - k), HALF);
        check_near(d.vmax[k], 1900 + 2000 * (FASTBAL_MAX_DETECTED + 2 - k), HALF);
    }
    assert_int_equal(d.dropped, 3);
    double kept = 0, all = 0; /* AI, of those that have room and of all */
    for (int k = 0; k < FASTBAL_MAX_DETECTED; k++)
        kept += (1 - 0.3 / 0.9) * (d.vmax[k] - d.vmin[k] - 450);
    all = kept * (FASTBAL_MAX_DETECTED + 3) / FASTBAL_MAX_DETECTED;
    check_near(d.ai, all, 0.12 * kept);
    synthetic_free(&s);
}

/* ---- beside a measurement ---- */

static struct fastbal_result measure_and_detect(const struct synthetic *s, const fastbal_templates *templates,
                                                const fastbal_detector *detector, int rules, int continuum)
{
    const struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, s->z };
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
    struct fastbal_result r;
    fastbal_workspace *work = fastbal_workspace_create();
    options.rules = rules;
    options.continuum = continuum;
    options.detector = detector;
    memset(&r, 0x5a, sizeof r);
    assert_int_equal(fastbal_measure(work, templates, &spectrum, &options, &r), FASTBAL_OK);
    fastbal_workspace_free(work);
    return r;
}

/* AI troughs are rated by the cells that they overlap. */
static void rated_troughs(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    fastbal_detector *detector = depth_detector();
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_builtin(&t), FASTBAL_OK);
    absorb_between(&s, 15000, 16500, 0.5);
    absorb_between(&s, 5000, 9000, 0.82);
    absorb_between(&s, 2000, 3500, 0.6);
    struct fastbal_result r =
        measure_and_detect(&s, t, detector, FASTBAL_RULES_MAIN, FASTBAL_CONTINUUM_DEFAULT);
    assert_int_equal(r.civ.ai.count, 3);
    assert_int_equal(r.detection.count, 2);
    check_near(r.civ.ai.inside[0], r.detection.inside[0], 0);
    check_near(r.civ.ai.inside[2], r.detection.inside[1], 0);
    assert_true(r.civ.ai.inside[0] > 0.999 && r.civ.ai.inside[2] > 0.98);
    double depth = 0.18; /* less at most 1 in 20 */
    assert_true(r.civ.ai.inside[1] < logistic(DEPTH_SLOPE * (depth - DEPTH_LEVEL)));
    assert_true(r.civ.ai.inside[1] > logistic(DEPTH_SLOPE * (0.94 * depth - DEPTH_LEVEL)));
    for (int k = 3; k < FASTBAL_MAX_AI; k++)
        check_near(r.civ.ai.inside[k], 0, 0);
    assert_int_equal(r.status & FASTBAL_NOT_TRAINED, 0);
    fastbal_templates_free(t);
    fastbal_detector_free(detector);
    synthetic_free(&s);
}

/* Noise, troughs, and pixels without data. */
static void roughen(struct synthetic *s, uint64_t *random)
{
    double red = 500 + 15000 * uniform(random), left = uniform(random);
    absorb_between(s, red, red + 9000 * uniform(random), left);
    for (size_t i = 0; i < s->n; i++) {
        double x = uniform(random) + uniform(random) + uniform(random) + uniform(random) - 2;
        s->flux[i] += x * sqrt(3 / s->ivar[i]);
        if (uniform(random) < 0.01)
            s->ivar[i] = s->flux[i] = 0;
    }
}

/* By fits that are shared, and by fits of their own, for which the templates, the rules and the continuum do not matter. */
static void the_same_from_all_functions(void **state)
{
    (void)state;
    uint64_t random = 1;
    fastbal_detector *detectors[2] = { depth_detector(), NULL };
    fastbal_templates *templates[2] = { NULL, flat_template() };
    assert_int_equal(fastbal_detector_builtin(&detectors[1]), FASTBAL_OK);
    assert_int_equal(fastbal_templates_builtin(&templates[0]), FASTBAL_OK);
    int troughs = 0;
    for (int k = 0; k < 6; k++) {
        struct synthetic s = typical_quasar(pow(10, -2 + 0.5 * k));
        roughen(&s, &random);
        for (int d = 0; d < 2; d++) {
            static struct fastbal_detector_trace trace;
            struct fastbal_detection expected = detect_with(detectors[d], &s, &trace);
            assert_int_equal(expected.made, 1);
            troughs += expected.count;
            for (int t = 0; t < 2; t++)
                for (int rules = FASTBAL_RULES_MAIN; rules <= FASTBAL_RULES_FASTBAL; rules++)
                    for (int continuum = 0; continuum <= FASTBAL_CONTINUUM_TROUGH_AWARE; continuum++) {
                        struct fastbal_result r =
                            measure_and_detect(&s, templates[t], detectors[d], rules, continuum);
                        assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
                        assert_memory_equal(&r.detection, &expected, sizeof expected);
                    }
        }
        synthetic_free(&s);
    }
    assert_true(troughs >= 4);
    for (int k = 0; k < 2; k++) {
        fastbal_detector_free(detectors[k]);
        fastbal_templates_free(templates[k]);
    }
}

static void without_a_detector(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_builtin(&t), FASTBAL_OK);
    absorb_between(&s, 5000, 9000, 0.4);
    struct fastbal_result r = measure_and_detect(&s, t, NULL, FASTBAL_RULES_MAIN, FASTBAL_CONTINUUM_DEFAULT);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.inside[0], 0, 0);
    check_no_detection(&r.detection);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* ---- limits ---- */

static uint32_t limits_of(const struct synthetic *s, const struct fastbal_calibration *calibration)
{
    struct fb_net net;
    double weights[FB_NET_NUMBERS];
    fastbal_detector *detector;
    fastbal_templates *t;
    fill_depth_net(&net);
    for (size_t i = 0; i < FB_NET_NUMBERS; i++)
        weights[i] = (double)((const float *)&net)[i];
    assert_int_equal(fastbal_detector_create(&detector, "limits", FB_NET_NUMBERS, weights, calibration, NULL),
                     FASTBAL_OK);
    assert_int_equal(fastbal_templates_builtin(&t), FASTBAL_OK);
    struct fastbal_result r =
        measure_and_detect(s, t, detector, FASTBAL_RULES_MAIN, FASTBAL_CONTINUUM_DEFAULT);
    assert_int_equal(r.detection.made, 1);
    assert_int_equal((r.status & FASTBAL_NOT_TRAINED) != 0, r.detection.outside != 0);
    fastbal_templates_free(t);
    fastbal_detector_free(detector);
    return r.detection.outside;
}

/* The signal of a cell of 12 pixels of relative error 0.1, and of a misfit of a few per cent, is 10 to 35; chi-square is
 * about 0 without noise. */
static void beyond_the_training(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.1);
    assert_int_equal(limits_of(&s, &(struct fastbal_calibration){ 1, 0, 10 / 13., 35 / 38., 0, 0 }), 0);
    assert_int_equal(limits_of(&s, &(struct fastbal_calibration){ 1, 0, 35 / 38., 1, 0, 0 }),
                     FASTBAL_LIMIT_SIGNAL);
    assert_int_equal(limits_of(&s, &(struct fastbal_calibration){ 1, 0, 0, 10 / 13., 0, 0 }),
                     FASTBAL_LIMIT_SIGNAL);
    assert_int_equal(limits_of(&s, &(struct fastbal_calibration){ 1, 0, 0, 1, -1.01, 0 }),
                     FASTBAL_LIMIT_CHI2);
    mask_between(&s, 5000, 9000); /* 23 cells */
    assert_int_equal(limits_of(&s, &(struct fastbal_calibration){ 1, 0, 0, 1, 0, 25 / 176. }), 0);
    assert_int_equal(limits_of(&s, &(struct fastbal_calibration){ 1, 0, 0, 1, 0, 20 / 176. }),
                     FASTBAL_LIMIT_MASKED);
    synthetic_free(&s);
}

/* ---- spectra that say nothing ---- */

static void nothing_to_judge_by(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    s.z = 1.2; /* C IV is at 3408 A */
    struct fastbal_detection d = detect_depth(&s);
    check_no_detection(&d);
    s.z = 6; /* at 10843 A */
    d = detect_depth(&s);
    check_no_detection(&d);
    s.z = 2;
    s.n = 5236; /* the last pixel is at 4647.1 A, just redward of C IV, and not in the fit range */
    d = detect_depth(&s);
    check_no_detection(&d);
    fastbal_detector *detector = depth_detector();
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_builtin(&t), FASTBAL_OK);
    struct fastbal_result r =
        measure_and_detect(&s, t, detector, FASTBAL_RULES_OPTIMIZE, FASTBAL_CONTINUUM_DEFAULT);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    check_no_detection(&r.detection);
    s.n++;
    d = detect_depth(&s);
    assert_int_equal(d.made, 1);
    s.n = NPIX;
    for (size_t i = 0; i < s.n; i++)
        s.flux[i] *= -1;
    d = detect_depth(&s);
    check_no_detection(&d);
    memset(s.ivar, 0, s.n * sizeof *s.ivar);
    d = detect_depth(&s);
    check_no_detection(&d);
    r = measure_and_detect(&s, t, detector, FASTBAL_RULES_MAIN, FASTBAL_CONTINUUM_DEFAULT);
    check_no_detection(&r.detection);
    fastbal_templates_free(t);
    fastbal_detector_free(detector);
    synthetic_free(&s);
}

static void check_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(x[i]));
}

/* No detection, or one that makes sense. */
static void check_sense(const struct fastbal_detection *d)
{
    if (!d->made) {
        check_no_detection(d);
        return;
    }
    assert_true(d->probability >= 0 && d->probability <= 1);
    assert_in_range(d->count, 0, FASTBAL_MAX_DETECTED);
    check_finite(d->vmin, 4 * FASTBAL_MAX_DETECTED + 4);
    assert_true(d->ai >= 0 && d->ai_error >= 0 && d->bi >= 0 && d->bi_error >= 0);
    for (int k = 0; k < d->count; k++) {
        assert_true(d->vmin[k] >= 0 && d->vmax[k] > d->vmin[k] && d->vmax[k] <= 25000);
        assert_true(d->inside[k] >= 0 && d->inside[k] <= 1);
    }
    check_unused_troughs(d);
}

/* Up to the limits of numbers, and some that are infinite or no numbers. */
static void huge_numbers(void **state)
{
    (void)state;
    const double fluxes[] = { 1e89, -1e89, 1e90, 1e-89, 1e-300, 1e300, INFINITY, NAN };
    const double ivars[] = { 1, 1e90, 1e-90, 1e-89, 1e89, 1e-178, INFINITY, NAN };
    fastbal_detector *detectors[2] = { depth_detector(), NULL };
    assert_int_equal(fastbal_detector_builtin(&detectors[1]), FASTBAL_OK);
    for (size_t f = 0; f < sizeof fluxes / sizeof *fluxes; f++)
        for (size_t v = 0; v < sizeof ivars / sizeof *ivars; v++)
            for (size_t every = 1; every <= 1000; every *= 10) {
                struct synthetic s = typical_quasar(0.1);
                absorb_between(&s, 5000, 9000, 0.1);
                for (size_t i = 0; i < s.n; i += every) {
                    s.flux[i] *= fluxes[f];
                    s.ivar[i] = ivars[v];
                }
                for (int k = 0; k < 2; k++) {
                    struct fastbal_detection d = detect_with(detectors[k], &s, NULL);
                    check_sense(&d);
                }
                synthetic_free(&s);
            }
    fastbal_detector_free(detectors[0]);
    fastbal_detector_free(detectors[1]);
}

/* ---- weights and arguments ---- */

/* Logits beyond the range of floats are no detection; beyond that of the exponential they are 0 or 1. */
static void huge_weights(void **state)
{
    (void)state;
    struct synthetic s = typical_quasar(0.01);
    struct fb_net net;
    absorb_between(&s, 5000, 9000, 0.4);
    fill_depth_net(&net);
    net.cell[0] = 1e30F;
    net.cell_bias = -2e29F;
    fastbal_detector *detector = detector_of(&net);
    struct fastbal_detection d = detect_with(detector, &s, NULL);
    check_near(d.probability, 1, 0);
    assert_int_equal(d.count, 1);
    check_near(d.inside[0], 1, 0);
    fastbal_detector_free(detector);
    net.out_bias = -2e38F;
    net.out[0] = 1e-30F;
    detector = detector_of(&net);
    d = detect_with(detector, &s, NULL);
    assert_int_equal(d.made, 1);
    check_near(d.probability, 0, 1e-300);
    assert_int_equal(d.count, 0);
    fastbal_detector_free(detector);
    net.cell[0] = 1e38F;
    net.hidden[0][(size_t)2 * FB_NET_WIDTH] = 1e38F;
    detector = detector_of(&net);
    d = detect_with(detector, &s, NULL);
    check_no_detection(&d);
    fastbal_detector_free(detector);
    synthetic_free(&s);
}

static void expect_error(size_t n, const double *weights, struct fastbal_calibration calibration,
                         const char *text)
{
    struct fastbal_message message = { "before" };
    fastbal_detector *detector = depth_detector(), *other = detector;
    assert_int_equal(fastbal_detector_create(&other, "x", n, weights, &calibration, &message),
                     FASTBAL_EDETECTOR);
    assert_null(other);
    assert_string_equal(message.text, text);
    assert_int_equal(fastbal_detector_create(&other, "x", n, weights, &calibration, NULL), FASTBAL_EDETECTOR);
    fastbal_detector_free(detector);
}

static void bad_weights(void **state)
{
    (void)state;
    static double weights[FB_NET_NUMBERS + 1];
    const struct fastbal_calibration good = { 1, 0, 0, 1, 1, 1 };
    const double bad[] = { NAN, INFINITY, -INFINITY, 1e39, -DBL_MAX };
    char text[80];
    for (size_t n = 0; n < 3; n++) {
        const size_t counts[3] = { 0, FB_NET_NUMBERS - 1, FB_NET_NUMBERS + 1 };
        snprintf(text, sizeof text, "%zu weights: expected %zu", counts[n], (size_t)FB_NET_NUMBERS);
        expect_error(counts[n], weights, good, text);
    }
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const char *not_finite = "a weight or a number of the calibration is not finite";
        for (size_t at = 0; at < FB_NET_NUMBERS; at += FB_NET_NUMBERS - 1) {
            weights[at] = bad[k];
            expect_error(FB_NET_NUMBERS, weights, good, not_finite);
            weights[at] = 0;
        }
        for (size_t at = 0; at < sizeof good / sizeof(double); at++) {
            struct fastbal_calibration calibration = good;
            memcpy((char *)&calibration + at * sizeof(double), &bad[k], sizeof(double));
            expect_error(FB_NET_NUMBERS, weights, calibration, not_finite);
        }
    }
    expect_error(FB_NET_NUMBERS, weights, (struct fastbal_calibration){ 0, 0, 0, 1, 1, 1 },
                 "slope of the calibration 0: expected more than 0");
    expect_error(FB_NET_NUMBERS, weights, (struct fastbal_calibration){ -2, 0, 0, 1, 1, 1 },
                 "slope of the calibration -2: expected more than 0");
    assert_string_equal(fastbal_strerror(FASTBAL_EDETECTOR),
                        "a number of the detector is not finite, its slope is not positive, or it has "
                        "another number of weights");
}

static void bad_arguments(void **state)
{
    (void)state;
    static const double weights[FB_NET_NUMBERS];
    const struct fastbal_calibration calibration = { 1, 0, 0, 1, 1, 1 };
    struct fastbal_message message;
    fastbal_detector *d;
    fastbal_detector_free(NULL);
    assert_int_equal(fastbal_detector_create(NULL, "x", FB_NET_NUMBERS, weights, &calibration, &message),
                     FASTBAL_EARGUMENT);
    assert_string_equal(message.text, "detector is NULL");
    assert_int_equal(fastbal_detector_create(&d, NULL, FB_NET_NUMBERS, weights, &calibration, &message),
                     FASTBAL_EARGUMENT);
    assert_string_equal(message.text, "name is NULL");
    assert_null(d);
    fastbal_detector_create(&d, "x", FB_NET_NUMBERS, NULL, &calibration, &message);
    assert_string_equal(message.text, "weights is NULL");
    fastbal_detector_create(&d, "x", FB_NET_NUMBERS, weights, NULL, &message);
    assert_string_equal(message.text, "calibration is NULL");
    assert_int_equal(fastbal_detector_create(&d, "x", FB_NET_NUMBERS, weights, &calibration, &message),
                     FASTBAL_OK);
    assert_string_equal(message.text, "");

    struct synthetic s = typical_quasar(0.1);
    struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };
    struct fastbal_detection detection, before;
    fastbal_workspace *work = fastbal_workspace_create();
    memset(&before, 0x5a, sizeof before);
    detection = before;
    assert_int_equal(fastbal_detect(NULL, d, &spectrum, &detection, NULL), FASTBAL_EARGUMENT);
    assert_int_equal(fastbal_detect(work, NULL, &spectrum, &detection, NULL), FASTBAL_EARGUMENT);
    assert_string_equal(fastbal_error(work), "detector is NULL");
    assert_int_equal(fastbal_detect(work, d, NULL, &detection, NULL), FASTBAL_EARGUMENT);
    assert_string_equal(fastbal_error(work), "spectrum is NULL");
    assert_int_equal(fastbal_detect(work, d, &spectrum, NULL, NULL), FASTBAL_EARGUMENT);
    assert_string_equal(fastbal_error(work), "detection is NULL");
    spectrum.z = NAN;
    assert_int_equal(fastbal_detect(work, d, &spectrum, &detection, NULL), FASTBAL_EARGUMENT);
    spectrum.z = 2;
    spectrum.n = 1;
    assert_int_equal(fastbal_detect(work, d, &spectrum, &detection, NULL), FASTBAL_EWAVELENGTH);
    assert_memory_equal(&detection, &before, sizeof before);
    spectrum.n = s.n;
    assert_int_equal(fastbal_detect(work, d, &spectrum, &detection, NULL), FASTBAL_OK);
    assert_string_equal(fastbal_error(work), "");
    fastbal_workspace_free(work);
    fastbal_detector_free(d);
    synthetic_free(&s);
}

/* 12 characters of the name, and a checksum of whatever makes a difference. */
static void names(void **state)
{
    (void)state;
    static double weights[FB_NET_NUMBERS];
    struct fastbal_calibration calibration = { 1, 0, 0, 1, 1, 1 };
    fastbal_detector *first, *other;
    fastbal_detector_create(&first, "a name that is long", FB_NET_NUMBERS, weights, &calibration, NULL);
    const char *name = fastbal_detector_name(first);
    assert_int_equal(strlen(name), 21);
    assert_memory_equal(name, "a name that  ", 13);
    assert_int_equal(strspn(name + 13, "0123456789abcdef"), 8);
    for (int k = 0; k < 3; k++) {
        weights[FB_NET_NUMBERS - 1] = k == 1;
        calibration.most_masked = k == 2 ? 0.9 : 1;
        fastbal_detector_create(&other, "a name that is longer", FB_NET_NUMBERS, weights, &calibration, NULL);
        assert_int_equal(strcmp(name, fastbal_detector_name(other)) == 0, k == 0);
        fastbal_detector_free(other);
    }
    fastbal_detector_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_trough),
        cmocka_unit_test(one_trough),
        cmocka_unit_test(three_troughs),
        cmocka_unit_test(ends_of_the_search),
        cmocka_unit_test(masked_pixels),
        cmocka_unit_test(errors),
        cmocka_unit_test(smoothed_edges),
        cmocka_unit_test(two_troughs_in_a_run),
        cmocka_unit_test(many_troughs),
        cmocka_unit_test(rated_troughs),
        cmocka_unit_test(the_same_from_all_functions),
        cmocka_unit_test(without_a_detector),
        cmocka_unit_test(beyond_the_training),
        cmocka_unit_test(nothing_to_judge_by),
        cmocka_unit_test(huge_numbers),
        cmocka_unit_test(huge_weights),
        cmocka_unit_test(bad_weights),
        cmocka_unit_test(bad_arguments),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
