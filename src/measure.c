/*
 * measure.c - one quasar: signal-to-noise, fit range, and the iteration of fit, troughs and mask
 * (docs/algorithm.md §2, §3 and §6).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "fastbal.h"
#include "kernels.h"

static size_t count_increases(const double *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 1; i < n; i++)
        count += x[i] > x[i - 1];
    return count;
}

int fb_wavelengths_ok(const double *wavelength, size_t n)
{
    if (n < 2 || !(wavelength[0] > 0))
        return 0;
    return count_increases(wavelength, n) == n - 1 && wavelength[n - 1] <= DBL_MAX;
}

size_t fb_first_at_least(const double *x, size_t n, double value)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (x[middle] < value)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

size_t fb_nearest(const double *x, size_t n, double value)
{
    size_t i = fb_first_at_least(x, n, value);
    if (i > 0 && (i == n || fabs(value - x[i - 1]) < fabs(value - x[i])))
        return i - 1;
    return i;
}

/* ---- pixels ---- */

/* DEVIATION clean-pixels, as in join.c. Pixels that were joined there are always ok. */
static inline int pixel_ok(double flux, double ivar)
{
    return (fabs(flux) <= FB_LARGEST) & (ivar <= FB_LARGEST) & ((ivar >= FB_LEAST) | (ivar == 0));
}

static size_t count_clean(size_t n, const double *flux, const double *ivar)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (size_t)pixel_ok(flux[i], ivar[i]);
    return count;
}

static void clean_pixels(size_t n, const double *restrict flux_in, const double *restrict ivar_in,
                         double *restrict flux, double *restrict ivar)
{
    for (size_t i = 0; i < n; i++) {
        int ok = pixel_ok(flux_in[i], ivar_in[i]);
        flux[i] = ok ? flux_in[i] : 0;
        ivar[i] = ok ? ivar_in[i] : 0;
    }
}

static void rest_wavelengths(size_t n, const double *wavelength, double shrink, double *restrict w)
{
    for (size_t i = 0; i < n; i++)
        w[i] = wavelength[i] / shrink;
}

static void errors(const double *ivar, size_t n, double *sigma)
{
    for (size_t i = 0; i < n; i++) {
        double error = 1 / sqrt(ivar[i]);
        sigma[i] = ivar[i] > 0 ? error : FB_NO_ERROR;
    }
}

static void divide(const double *a, const double *b, size_t n, double *quotient)
{
    for (size_t i = 0; i < n; i++)
        quotient[i] = a[i] / b[i];
}

size_t fb_count_positive(const double *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] > 0;
    return count;
}

/* Median of flux/sigma over n pixels; -1 if n is 0, as where a camera is missing. scratch: 2 n. */
static double median_snr(const double *flux, const double *sigma, size_t n, double *scratch)
{
    divide(flux, sigma, n, scratch);
    return n > 0 ? fb_median(scratch, n, scratch + n) : -1;
}

/* The same for a part of the spectrum whose errors have not been computed. flux and ivar begin at pixel
 * `begin`. */
static double part_snr(const fastbal_workspace *work, const size_t part[2], size_t begin, const double *flux,
                       const double *ivar)
{
    size_t n = part[1] - part[0];
    if (n == 0)
        return -1;
    errors(ivar + (part[0] - begin), n, work->sigma);
    return median_snr(flux + (part[0] - begin), work->sigma, n, work->scratch);
}

/* ---- the mask ---- */

/* Mark the pixels in the AI troughs of a line; returns how many were not marked before. */
static size_t mask_troughs(const struct fb_range *range, const struct fastbal_troughs *troughs, double line,
                           size_t left_out, unsigned char *masked)
{
    size_t taken = 0;
    for (int k = 0; k < FASTBAL_MAX_AI; k++) {
        if (!(troughs->vmin[k] > 0))
            continue;
        size_t begin = fb_nearest(range->w, range->n, line * (1 - troughs->vmax[k] / FASTBAL_LIGHT_SPEED));
        size_t end = fb_nearest(range->w, range->n, line * (1 - troughs->vmin[k] / FASTBAL_LIGHT_SPEED));
        for (size_t i = begin; i + left_out <= end; i++) {
            taken += !masked[i];
            masked[i] = 1;
        }
    }
    return taken;
}

/* Compute the weights of the next fit (§6). Returns the number of unmasked pixels, including those with ivar
 * = 0. */
static size_t apply_mask(const struct fb_range *range, const double *ivar, const struct fb_rules *rules,
                         const struct fastbal_result *result, double *weight)
{
    unsigned char *masked = (unsigned char *)range->scratch;
    if (result->civ.ai.count == 0 && result->siiv.ai.count == 0)
        return range->n;
    memset(masked, 0, range->n);
    size_t taken = mask_troughs(range, &result->civ.ai, FB_CIV, rules->left_out, masked);
    taken += mask_troughs(range, &result->siiv.ai, FB_SIIV, rules->left_out, masked);
    for (size_t i = 0; i < range->n; i++)
        weight[i] = masked[i] ? 0 : ivar[i];
    return range->n - taken;
}

/* ---- the iteration ---- */

/* The state of the iteration. */
struct task {
    struct fb_range range;
    struct fb_design design;
    const double *ivar;
    double *sigma, *model;
    double *weight[2];        /* of this fit and of the next */
    struct fb_window line[2]; /* C IV, and Si IV where it is covered */
    int nlines;
    int fit;          /* enum fastbal_fit */
    int trough_aware; /* else least squares */
    const struct fb_rules *rules;
    struct fb_cell_fit *cell_fit; /* of the trough-aware continuum */
    double last;  /* rest wavelength of the spectrum's last pixel, which is beyond the fit range */
    double least; /* sum of squares of the last fit, or NaN */
};

/* Find the windows of the lines. Returns 0 if C IV is not covered. Errors are computed only in the
 * windows. */
static int find_lines(struct task *t)
{
    const double *w = t->range.w;
    size_t n = t->range.n;
    if (!fb_window_find(&t->line[0], w, n, FB_CIV))
        return 0;
    if (t->line[0].hi_ai == n && !(t->rules->ends_early && t->last > FB_CIV))
        return 0;
    t->nlines = 1;
    if (w[0] <= FB_SIIV * (1 + FB_V_BLUE / FASTBAL_LIGHT_SPEED) && fb_window_find(&t->line[1], w, n, FB_SIIV))
        t->nlines = 2;
    for (int k = 0; k < t->nlines; k++)
        errors(t->ivar + t->line[k].lo, t->line[k].hi_ai - t->line[k].lo, t->sigma + t->line[k].lo);
    return 1;
}

static int has_few_pixels(const double *weight, size_t n, const struct fastbal_result *result)
{
    return fb_count_positive(weight, n) <= (size_t)result->ntemplates;
}

/* Search for troughs below a fit. DEVIATION no-difference: the reference's optimised branch fails for the
 * whole file. Here the quasar is not measured: returns FASTBAL_NO_DIFFERENCE, or 0. */
static uint32_t search(struct task *t, struct fastbal_result *result)
{
    struct fastbal_line *const out[2] = { &result->civ, &result->siiv };
    double difference = NAN;
    result->status = 0;
    for (int k = 0; k < t->nlines; k++) {
        fb_model(&t->design, result->coeffs, t->line[k].lo, t->line[k].hi_ai, t->model);
        uint32_t status = fb_line_measure(&t->range, &t->line[k], t->rules, &difference, out[k],
                                          k == 0 ? &result->absorption : NULL);
        result->status |=
            k == 0 ? status : status & (uint32_t) ~(FASTBAL_LOW_SIGNAL | FASTBAL_NEGATIVE_MODEL);
    }
    return result->status & FASTBAL_NO_DIFFERENCE;
}

/* Fit once, and search for troughs below the fit. Returns 0, or why the spectrum can't be measured. */
static uint32_t fit_and_search(struct task *t, struct fastbal_result *result)
{
    if (has_few_pixels(t->design.weight, t->range.n, result))
        return FASTBAL_FEW_PIXELS;
    if (fb_fit(&t->design, result->coeffs, &t->least) != FB_FIT_OK)
        return FASTBAL_SINGULAR;
    if (t->fit == FASTBAL_FIT_SIMPLEX)
        fb_fit_simplex(&t->design, result->coeffs, &t->least);
    return search(t, result);
}

/* Drop all troughs: after so bad a fit they mean nothing. */
static void drop_troughs(struct fastbal_result *result)
{
    fb_line_clear(&result->civ);
    fb_line_clear(&result->siiv);
    fb_absorption_clear(&result->absorption);
    result->status &= (uint32_t)~FASTBAL_MORE_TROUGHS;
    result->status |= FASTBAL_CHI2_LIMIT;
}

/* The velocity of the C IV trough nearest the emission line, in half-widths of that line in the continuum.
 * Its error is the width of the pixel at the trough's edge. */
static void measure_detachment(const struct task *t, struct fastbal_result *result)
{
    const double *w = t->range.w;
    size_t n = t->range.n, begin = fb_first_at_least(w, n, FB_LINE_BLUE),
           end = fb_first_at_least(w, n, FB_LINE_RED);
    int count = result->civ.ai.count;
    if (count == 0 || begin == end)
        return;
    fb_model(&t->design, result->coeffs, begin, end, t->model);
    double half_width = fb_half_width(end - begin, w + begin, t->model + begin);
    if (!(half_width > 0))
        return;
    double vmin = result->civ.ai.vmin[count - 1]; /* troughs are in order from blue to red */
    size_t edge = fb_nearest(w, n, FB_CIV * (1 - vmin / FASTBAL_LIGHT_SPEED));
    double pixel = edge + 1 < n ? FASTBAL_LIGHT_SPEED * (w[edge + 1] - w[edge]) / FB_CIV : 0;
    result->absorption.detachment = vmin / half_width;
    result->absorption.detachment_error = pixel / half_width;
}

/* Least squares: fit, search and mask until the number of masked pixels repeats. Returns 0, or the BALSTATUS
 * bit that says why the spectrum can't be measured. */
static uint32_t iterate(struct task *t, struct fastbal_result *result)
{
    size_t n = t->range.n, used = n, before = n + 1;
    const double *weight = t->ivar;

    while (used != before && result->iterations < FB_MAX_ITERATIONS) {
        t->design.weight_before = t->design.weight;
        t->design.weight = weight;
        uint32_t unmeasured = fit_and_search(t, result);
        if (unmeasured)
            return unmeasured;
        double *next = t->weight[result->iterations++ % 2];
        before = used;
        used = apply_mask(&t->range, t->ivar, t->rules, result, next);
        weight = used < n ? next : t->ivar;
        if (weight == t->design.weight) {
            /* nothing was masked before or now, so the next fit would be the same; it is counted but not
             * made */
            result->iterations++;
            before = used;
        }
    }
    if (used != before)
        result->status |= FASTBAL_NOT_CONVERGED;
    /* chi-square of the last fit, with the mask it used */
    if (isnan(t->least)) {
        fb_model(&t->design, result->coeffs, 0, n, t->model);
        t->least = fb_chi2(&t->design, t->model);
    }
    result->chi2 = t->least / ((double)before - (double)result->ntemplates);
    return 0;
}

/* Trough-aware: one search, since a mask would not improve the continuum. Chi-square is over the observed
 * pixels that are probably not absorbed. Returns the same as iterate(). */
static uint32_t fit_once(struct task *t, struct fastbal_result *result)
{
    size_t n = t->range.n;
    double *weight = t->weight[0];
    int converged;

    t->design.weight = t->ivar;
    if (has_few_pixels(t->ivar, n, result))
        return FASTBAL_FEW_PIXELS;
    if (fb_fit_trough_aware(&t->design, t->range.w, t->cell_fit, result->coeffs, weight, &result->iterations,
                            &converged) != FB_FIT_OK)
        return FASTBAL_SINGULAR;
    if (has_few_pixels(weight, n, result))
        return FASTBAL_FEW_PIXELS;
    fb_model(&t->design, result->coeffs, 0, n, t->model);
    t->design.weight = weight;
    result->chi2 =
        fb_chi2(&t->design, t->model) / (double)(fb_count_positive(weight, n) - (size_t)result->ntemplates);
    uint32_t unmeasured = search(t, result);
    if (!converged)
        result->status |= FASTBAL_NOT_CONVERGED;
    return unmeasured;
}

/* Search for Al III and Mg II at the velocities of the C IV troughs. flux and ivar begin at the first pixel
 * of parts->whole. */
static void search_low_ionization(const struct task *t, fastbal_workspace *work,
                                  const struct fastbal_spectrum *s, const struct fb_parts *parts,
                                  const double *flux, const double *ivar, struct fastbal_result *result)
{
    const double *w = t->range.w;
    size_t n = t->range.n, begin = fb_first_at_least(w, n, FB_ALIII_BLUE),
           end = fb_first_at_least(w, n, FB_ALIII_RED);
    if (result->civ.ai.count == 0)
        return;
    fb_model(&t->design, result->coeffs, begin, end, t->model);
    const struct fb_stretch aliii = { end - begin, w + begin, t->range.flux + begin, t->ivar + begin };
    struct fb_stretch mgii = { 0, work->scratch, flux, ivar };
    if (parts->mgii[0] < parts->mgii[1]) {
        size_t first = parts->mgii[0] - parts->whole[0];
        mgii =
            (struct fb_stretch){ parts->mgii[1] - parts->mgii[0], work->scratch, flux + first, ivar + first };
        rest_wavelengths(mgii.n, s->wavelength + parts->mgii[0], 1 + s->z, work->scratch);
    }
    fb_low_ionization(&result->civ.ai, &aliii, t->model + begin, &mgii, &result->low);
}

/* DEVIATION flagged-rows: the reference fails for the whole file. Returns 0, or the BALSTATUS bit that says
 * why the spectrum can't be measured. */
static uint32_t measure(struct task *t, struct fastbal_result *result)
{
    if (!find_lines(t))
        return FASTBAL_NO_CIV;
    const struct fb_window *civ = &t->line[0];
    result->snr_civ =
        median_snr(t->range.flux + civ->lo, t->sigma + civ->lo, civ->hi_ai - civ->lo, t->range.scratch);
    uint32_t unmeasured = t->trough_aware ? fit_once(t, result) : iterate(t, result);
    if (unmeasured)
        return unmeasured;
    if (result->status & FASTBAL_NEGATIVE_MODEL)
        result->snr_civ = -1;
    if (result->chi2 > t->rules->chi2_limit)
        drop_troughs(result);
    measure_detachment(t, result);
    return isfinite(result->chi2) ? 0 : FASTBAL_SINGULAR;
}

static int is_trough_aware(const struct fastbal_options *options, const fastbal_templates *templates)
{
    if (options->continuum == FASTBAL_CONTINUUM_DEFAULT)
        return templates->cells->has_prior && options->fit == FASTBAL_FIT_EXACT;
    return options->continuum == FASTBAL_CONTINUUM_TROUGH_AWARE;
}

/* The pixels of a spectrum that are used; flux = ivar = 0 where pixel_ok() fails. */
struct cleaned {
    struct fb_parts parts;
    const double *flux, *ivar; /* from the first pixel of parts.whole on */
    struct fb_stretch fit;     /* the fit range */
};

static void clean(fastbal_workspace *work, const struct fastbal_spectrum *s, struct cleaned *c)
{
    fb_find_parts(s, &c->parts);
    size_t begin = c->parts.whole[0], whole = c->parts.whole[1] - begin;
    size_t first = c->parts.fit[0] - begin, n = c->parts.fit[1] - c->parts.fit[0];
    c->flux = s->flux + begin;
    c->ivar = s->ivar + begin;
    if (count_clean(whole, c->flux, c->ivar) < whole) {
        clean_pixels(whole, c->flux, c->ivar, work->flux, work->ivar);
        c->flux = work->flux;
        c->ivar = work->ivar;
    }
    rest_wavelengths(n, s->wavelength + c->parts.fit[0], 1 + s->z, work->w);
    c->fit = (struct fb_stretch){ n, work->w, c->flux + first, c->ivar + first };
}

/* Fit the detector's own continuum, and apply the detector. */
static void fit_and_detect(const fastbal_detector *detector, const struct fb_stretch *pixels,
                           struct fb_cell_fit *fit, struct fastbal_detection *detection,
                           struct fastbal_detector_trace *trace)
{
    const struct fb_design design = {
        .templates = detector->templates, .n = pixels->n, .flux = pixels->flux, .weight = pixels->ivar
    };
    int fits, converged;
    if (fb_count_positive(pixels->ivar, pixels->n) > (size_t)detector->templates->nt &&
        fb_fit_cells(fit, &design, pixels->w, &fits, &converged) == FB_FIT_OK)
        fb_detect(detector, fit, pixels, detection, trace);
}

/* Is C IV covered, up to a pixel redward of it? */
static int covers_civ(const struct fb_stretch *pixels)
{
    struct fb_window window;
    return fb_window_find(&window, pixels->w, pixels->n, FB_CIV) && window.hi_ai < pixels->n;
}

void fb_detect_spectrum(fastbal_workspace *work, const fastbal_detector *detector,
                        const struct fastbal_spectrum *spectrum, struct fastbal_detection *detection,
                        struct fastbal_detector_trace *trace)
{
    struct cleaned c;
    struct fb_cell_fit fit;
    fb_detection_clear(detection);
    if (trace)
        memset(trace, 0, sizeof *trace);
    clean(work, spectrum, &c);
    if (covers_civ(&c.fit))
        fit_and_detect(detector, &c.fit, &fit, detection, trace);
}

/* The same for a spectrum that was measured. The measurement's fit is reused if its templates are the
 * detector's. */
static void detect(const struct task *t, const fastbal_detector *detector, const struct fb_stretch *pixels,
                   struct fastbal_result *result)
{
    struct fastbal_detector_trace trace;
    if (!covers_civ(pixels))
        return;
    if (t->trough_aware && t->design.templates->cells->sum == detector->templates->cells->sum)
        fb_detect(detector, t->cell_fit, pixels, &result->detection, &trace);
    else
        fit_and_detect(detector, pixels, t->cell_fit, &result->detection, &trace);
    if (!result->detection.made)
        return;
    fb_rate_troughs(t->cell_fit, trace.cell_logit, &result->civ.ai);
    fb_rate_troughs(t->cell_fit, trace.cell_logit, &result->siiv.ai);
    if (result->detection.outside)
        result->status |= FASTBAL_NOT_TRAINED;
    if (result->detection.dropped)
        result->status |= FASTBAL_MORE_TROUGHS;
}

/*
 * DEVIATION edges-outside: the edges of troughs are centres of pixels. They are moved outward by the rules'
 * margin and by 8e-6 of their value, so that these pixels are inside for programs that compute with 4-byte
 * velocities. A positive edge stays positive.
 */
static void move_edges(struct fastbal_troughs *t, double margin)
{
    for (int k = 0; k < t->count; k++) {
        double red = t->vmin[k] - margin - 8e-6 * fabs(t->vmin[k]);
        t->vmin[k] = t->vmin[k] > 0 ? fmax(red, 0.5 * t->vmin[k]) : red;
        t->vmax[k] += margin + 8e-6 * fabs(t->vmax[k]);
    }
}

void fb_measure(fastbal_workspace *work, const fastbal_templates *templates,
                const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                struct fastbal_result *result)
{
    int nt = fastbal_templates_count(templates);
    struct fb_equations equations;
    struct fb_cell_fit cell_fit;
    struct cleaned c;

    fastbal_result_clear(result, nt, 0);
    clean(work, spectrum, &c);
    result->snr_forest = part_snr(work, c.parts.forest, c.parts.whole[0], c.flux, c.ivar);
    result->snr_redside = part_snr(work, c.parts.redside, c.parts.whole[0], c.flux, c.ivar);

    struct task task = {
        .range = { .n = c.fit.n,
                   .w = c.fit.w,
                   .flux = c.fit.flux,
                   .sigma = work->sigma,
                   .model = work->model,
                   .scratch = work->scratch },
        .design = { .templates = templates,
                    .n = c.fit.n,
                    .segment = work->segment,
                    .fraction = work->fraction,
                    .flux = c.fit.flux,
                    .equations = &equations,
                    .nodes = work->nodes,
                    .spare = work->scratch },
        .ivar = c.fit.ivar,
        .sigma = work->sigma,
        .model = work->model,
        .weight = { work->weight[0], work->weight[1] },
        .fit = options->fit,
        .trough_aware = is_trough_aware(options, templates),
        .rules = fb_rules(options->rules),
        .cell_fit = &cell_fit,
        .last = spectrum->wavelength[spectrum->n - 1] / (1 + spectrum->z),
    };
    fb_templates_locate(templates, task.range.w, c.fit.n, work->segment, work->fraction);
    uint32_t unmeasured = measure(&task, result);
    if (unmeasured) {
        fastbal_result_clear(result, nt, unmeasured);
        return;
    }
    search_low_ionization(&task, work, spectrum, &c.parts, c.flux, c.ivar, result);
    if (options->detector)
        detect(&task, options->detector, &c.fit, result);
    struct fastbal_troughs *const troughs[] = { &result->civ.ai, &result->civ.bi, &result->siiv.ai,
                                                &result->siiv.bi };
    for (size_t k = 0; k < sizeof troughs / sizeof troughs[0]; k++)
        move_edges(troughs[k], task.rules->margin);
}

const struct fb_kernels fb_kernels = { FB_RUNG_NAME, fb_wavelengths_ok, fb_join, fb_measure,
                                       fb_detect_spectrum };
