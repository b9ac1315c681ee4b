/*
 * measure.c - one quasar: signal-to-noise, fit range, and the iteration of fit, troughs and mask (docs/algorithm.md
 * §2, §3 and §6).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct fastbal_workspace {
    size_t n; /* pixels there is room for */
    int nt;   /* templates there is room for */
    double *memory;
    /* parts of memory, n each */
    double *w, *flux, *ivar, *sigma, *weight, *model;
    double *scratch;   /* 4 n */
    double *templates; /* nt x n */
};

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

fastbal_workspace *fastbal_workspace_create(void)
{
    return calloc(1, sizeof(fastbal_workspace));
}

void fastbal_workspace_free(fastbal_workspace *work)
{
    if (!work)
        return;
    free(work->memory);
    free(work);
}

/* Make room for n pixels and nt templates; what was there is lost. */
static int workspace_reserve(fastbal_workspace *work, size_t n, int nt)
{
    enum { ARRAYS = 6, SCRATCH = 4 };
    if (n <= work->n && nt <= work->nt)
        return FASTBAL_OK;
    size_t room = n > work->n ? n : work->n;
    int templates = nt > work->nt ? nt : work->nt;
    size_t arrays = ARRAYS + SCRATCH + (size_t)templates;
    if (room > SIZE_MAX / sizeof(double) / arrays)
        return FASTBAL_ENOMEM;
    double *memory = malloc(room * arrays * sizeof *memory);
    if (!memory)
        return FASTBAL_ENOMEM;
    free(work->memory);
    work->memory = memory;
    work->n = room;
    work->nt = templates;
    double **part[ARRAYS] = { &work->w, &work->flux, &work->ivar, &work->sigma, &work->weight, &work->model };
    for (int k = 0; k < ARRAYS; k++, memory += room)
        *part[k] = memory;
    work->scratch = memory;
    work->templates = memory + SCRATCH * room;
    return FASTBAL_OK;
}

void fastbal_result_clear(struct fastbal_result *result, int ntemplates, uint32_t status)
{
    memset(result, 0, sizeof *result);
    result->ntemplates = ntemplates;
    result->status = status;
    result->snr_civ = result->snr_redside = result->snr_forest = -1;
    fb_line_clear(&result->civ);
    fb_line_clear(&result->siiv);
}

/* DEVIATION clean-pixels, as in cameras.c. */
static void clean_pixels(const struct fastbal_spectrum *s, double *w, double *flux, double *ivar)
{
    double shrink = 1 + s->z;
    for (size_t i = 0; i < s->n; i++) {
        int ok = fabs(s->flux[i]) <= DBL_MAX && s->ivar[i] >= 0 && s->ivar[i] <= DBL_MAX;
        w[i] = s->wavelength[i] / shrink;
        flux[i] = ok ? s->flux[i] : 0;
        ivar[i] = ok ? s->ivar[i] : 0;
    }
}

FB_KERNEL
static void errors(const double *ivar, size_t n, double *sigma)
{
    for (size_t i = 0; i < n; i++)
        sigma[i] = ivar[i] > 0 ? 1 / sqrt(ivar[i]) : FB_NO_ERROR;
}

/* Median of flux/sigma over [begin, end). */
static double median_snr(const double *flux, const double *sigma, size_t begin, size_t end, double *scratch)
{
    for (size_t i = begin; i < end; i++)
        scratch[i - begin] = flux[i] / sigma[i];
    return fb_median(scratch, end - begin);
}

/* SNR_FOREST and SNR_REDSIDE (§2) of a whole spectrum of n pixels. */
static void snr_outside_civ(const fastbal_workspace *work, size_t n, struct fastbal_result *result)
{
    const double *w = work->w;
    double blue = fmax(w[0], 1040), red = fmin(w[n - 1], 1205);
    if (red - blue >= 50)
        result->snr_forest = median_snr(work->flux, work->sigma, fb_first_at_least(w, n, blue),
                                        fb_first_at_least(w, n, red), work->scratch);
    if (w[0] <= 1420 && w[n - 1] >= 1480)
        result->snr_redside = median_snr(work->flux, work->sigma, fb_first_at_least(w, n, 1420),
                                         fb_first_at_least(w, n, 1480), work->scratch);
    /* a range can be covered and hold no pixel, where a camera is missing */
    if (isnan(result->snr_forest))
        result->snr_forest = -1;
    if (isnan(result->snr_redside))
        result->snr_redside = -1;
}

/* Pixels [begin, end) that the continuum is fitted to (§3). */
static void fit_range(const double *w, size_t n, size_t *begin, size_t *end)
{
    *begin = w[0] < FB_FIT_MIN ? fb_nearest(w, n, FB_FIT_MIN) + 1 : 0;
    *end = w[n - 1] > FB_FIT_MAX ? fb_nearest(w, n, FB_FIT_MAX) : n;
    *end = *end > 0 ? *end - 1 : 0;
    if (*begin > *end)
        *begin = *end;
}

/* Set the weight of pixels in the AI troughs of a line to 0; returns how many pixels that took out. */
static size_t mask_troughs(const struct fb_range *range, const struct fastbal_troughs *troughs, double line,
                           unsigned char *masked)
{
    size_t taken = 0;
    for (int k = 0; k < FASTBAL_MAX_AI; k++) {
        if (!(troughs->vmin[k] > 0))
            continue;
        size_t begin = fb_nearest(range->w, range->n, line * (1 - troughs->vmax[k] / FB_LIGHT_SPEED));
        size_t end = fb_nearest(range->w, range->n, line * (1 - troughs->vmin[k] / FB_LIGHT_SPEED));
        for (size_t i = begin; i < end; i++) {
            taken += !masked[i];
            masked[i] = 1;
        }
    }
    return taken;
}

/* Weights for the next fit (§6); returns how many pixels take part, those with ivar = 0 included. */
static size_t apply_mask(const struct fb_range *range, const double *ivar, const struct fastbal_result *result,
                         double *weight)
{
    unsigned char *masked = (unsigned char *)range->scratch;
    memset(masked, 0, range->n);
    size_t taken = mask_troughs(range, &result->civ.ai, FB_CIV, masked);
    taken += mask_troughs(range, &result->siiv.ai, FB_SIIV, masked);
    for (size_t i = 0; i < range->n; i++)
        weight[i] = masked[i] ? 0 : ivar[i];
    return range->n - taken;
}

static size_t count_positive(const double *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] > 0;
    return count;
}

/* DEVIATION flagged-rows: the reference gives up the whole file.
 * Fit, search, mask, until the number of masked pixels repeats. Returns 0, or the BALSTATUS bit that says why the spectrum
 * can't be measured. */
static uint32_t iterate(const struct fb_range *range, const struct fb_design *design, double *weight, const double *ivar,
                        double *model, struct fastbal_result *result)
{
    struct fb_window civ, siiv;
    size_t used = range->n, before = range->n + 1;

    if (!fb_window_find(&civ, range->w, range->n, FB_CIV))
        return FASTBAL_NO_CIV;
    int with_siiv = range->w[0] <= FB_SIIV * (1 + FB_V_BLUE / FB_LIGHT_SPEED) &&
                    fb_window_find(&siiv, range->w, range->n, FB_SIIV);
    memcpy(weight, ivar, range->n * sizeof *weight);
    result->snr_civ = median_snr(range->flux, range->sigma, civ.lo, civ.hi_ai, range->scratch);
    while (used != before && result->iterations < FB_MAX_ITERATIONS) {
        size_t nt = (size_t)design->nt;
        if (count_positive(weight, range->n) <= nt)
            return FASTBAL_FEW_PIXELS;
        if (fb_fit(design, result->coeffs) != FB_FIT_OK)
            return FASTBAL_SINGULAR;
        fb_model(design, result->coeffs, 0, range->n, model);
        result->chi2 = fb_chi2(design, model) / ((double)used - (double)nt);
        result->status = fb_line_measure(range, &civ, &result->civ);
        if (with_siiv)
            result->status |= fb_line_measure(range, &siiv, &result->siiv) & (uint32_t)~FASTBAL_LOW_SIGNAL;
        before = used;
        used = apply_mask(range, ivar, result, weight);
        result->iterations++;
    }
    if (used != before)
        result->status |= FASTBAL_NOT_CONVERGED;
    return 0;
}

int fastbal_measure(fastbal_workspace *work, const fastbal_templates *templates,
                    const struct fastbal_spectrum *spectrum, struct fastbal_result *result)
{
    size_t begin, end;

    if (!work || !templates || !spectrum || !result || !spectrum->wavelength || !spectrum->flux || !spectrum->ivar)
        return FASTBAL_EARGUMENT;
    if (!(spectrum->z > -1) || !isfinite(spectrum->z))
        return FASTBAL_EARGUMENT;
    if (!fb_wavelengths_ok(spectrum->wavelength, spectrum->n))
        return FASTBAL_EWAVELENGTH;
    int nt = fastbal_templates_count(templates);
    if (workspace_reserve(work, spectrum->n, nt) != FASTBAL_OK)
        return FASTBAL_ENOMEM;

    fastbal_result_clear(result, nt, 0);
    clean_pixels(spectrum, work->w, work->flux, work->ivar);
    errors(work->ivar, spectrum->n, work->sigma);
    snr_outside_civ(work, spectrum->n, result);
    fit_range(work->w, spectrum->n, &begin, &end);
    struct fb_range range = { .n = end - begin, .w = work->w + begin, .flux = work->flux + begin,
                              .sigma = work->sigma + begin, .model = work->model, .scratch = work->scratch };
    struct fb_design design = { .nt = nt, .n = range.n, .stride = work->n, .templates = work->templates,
                                .flux = range.flux, .weight = work->weight };
    fb_templates_interpolate(templates, range.w, range.n, work->templates, design.stride);
    uint32_t unmeasured = iterate(&range, &design, work->weight, work->ivar + begin, work->model, result);
    if (unmeasured)
        fastbal_result_clear(result, nt, unmeasured);
    return FASTBAL_OK;
}
