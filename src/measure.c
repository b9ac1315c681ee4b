/*
 * measure.c - one quasar: signal-to-noise, fit range, and the iteration of fit, troughs and mask
 * (docs/algorithm.md §2, §3 and §6).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct fastbal_workspace {
    size_t n;      /* pixels there is room for */
    size_t nnodes; /* template wavelengths there is room for */
    double *memory;
    /* parts of memory, n each */
    double *w, *flux, *ivar, *sigma, *model, *fraction;
    double *weight[2]; /* of this fit and of the next */
    double *scratch;   /* 4 n */
    double *nodes;     /* FB_NODE_ARRAYS x (nnodes + 2) */
    uint32_t *segment;
    double *joined_flux, *joined_ivar; /* of a batch */
    struct fastbal_message message;    /* of the last call */
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

const char *fastbal_error(const fastbal_workspace *work)
{
    return work ? work->message.text : "the workspace is NULL";
}

/* Make room for n pixels and templates of nnodes wavelengths; what was there is lost. */
static int workspace_reserve(fastbal_workspace *work, size_t n, size_t nnodes)
{
    enum { ARRAYS = 10, SCRATCH = 4, SEGMENT = 1, MOST = 1 << 28 };
    if (n <= work->n && nnodes <= work->nnodes)
        return FASTBAL_OK;
    size_t pixels = n > work->n ? n : work->n, nodes = nnodes > work->nnodes ? nnodes : work->nnodes;
    if (pixels > MOST || nodes > MOST)
        return fb_explain(&work->message, FASTBAL_ENOMEM, "too large: %zu pixels, %zu template wavelengths",
                          pixels, nodes);
    size_t total = (ARRAYS + SCRATCH + SEGMENT) * pixels + FB_NODE_ARRAYS * (nodes + 2);
    double *memory = malloc(total * sizeof *memory);
    if (!memory)
        return fb_explain(&work->message, FASTBAL_ENOMEM,
                          "out of memory for %zu pixels and %zu template wavelengths", pixels, nodes);
    free(work->memory);
    work->memory = memory;
    work->n = pixels;
    work->nnodes = nodes;
    double **part[ARRAYS] = { &work->w,           &work->flux,       &work->ivar,      &work->sigma,
                              &work->model,       &work->fraction,   &work->weight[0], &work->weight[1],
                              &work->joined_flux, &work->joined_ivar };
    for (int k = 0; k < ARRAYS; k++, memory += pixels)
        *part[k] = memory;
    work->scratch = memory;
    work->segment = (uint32_t *)(memory + SCRATCH * pixels);
    work->nodes = memory + (SCRATCH + SEGMENT) * pixels;
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

/* ---- where things are in a spectrum, by rest wavelength ---- */

static size_t first_rest_at_least(const struct fastbal_spectrum *s, double value)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (s->wavelength[middle] / (1 + s->z) < value)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static size_t nearest_rest(const struct fastbal_spectrum *s, double value)
{
    size_t i = first_rest_at_least(s, value);
    double shrink = 1 + s->z;
    if (i > 0 &&
        (i == s->n || fabs(value - s->wavelength[i - 1] / shrink) < fabs(value - s->wavelength[i] / shrink)))
        return i - 1;
    return i;
}

/* Pixels [begin, end) of the parts of a spectrum; empty ones are not covered. */
struct parts {
    size_t fit[2], forest[2], redside[2];
};

/* §2 and §3 */
static void find_parts(const struct fastbal_spectrum *s, struct parts *p)
{
    double first = s->wavelength[0] / (1 + s->z), last = s->wavelength[s->n - 1] / (1 + s->z);
    double blue = fmax(first, 1040), red = fmin(last, 1205);

    memset(p, 0, sizeof *p);
    p->fit[0] = first < FB_FIT_MIN ? nearest_rest(s, FB_FIT_MIN) + 1 : 0;
    p->fit[1] = last > FB_FIT_MAX ? nearest_rest(s, FB_FIT_MAX) : s->n;
    p->fit[1] = p->fit[1] > 0 ? p->fit[1] - 1 : 0;
    if (p->fit[0] > p->fit[1])
        p->fit[0] = p->fit[1];
    if (red - blue >= 50) {
        p->forest[0] = first_rest_at_least(s, blue);
        p->forest[1] = first_rest_at_least(s, red);
    }
    if (first <= 1420 && last >= 1480) {
        p->redside[0] = first_rest_at_least(s, 1420);
        p->redside[1] = first_rest_at_least(s, 1480);
    }
}

/* All pixels from the first to the last part. */
static void whole_range(const struct parts *p, size_t *begin, size_t *end)
{
    const size_t *const part[3] = { p->fit, p->forest, p->redside };
    *begin = SIZE_MAX;
    *end = 0;
    for (int k = 0; k < 3; k++) {
        if (part[k][0] == part[k][1])
            continue;
        *begin = part[k][0] < *begin ? part[k][0] : *begin;
        *end = part[k][1] > *end ? part[k][1] : *end;
    }
    if (*begin > *end)
        *begin = *end;
}

void fastbal_measured_range(size_t n, const double *wavelength, double z, size_t *begin, size_t *end)
{
    struct fastbal_spectrum spectrum = { .n = n, .wavelength = wavelength, .z = z };
    struct parts parts;
    find_parts(&spectrum, &parts);
    whole_range(&parts, begin, end);
}

/* ---- pixels ---- */

/* DEVIATION clean-pixels, as in cameras.c. */
FB_KERNEL
static void clean_pixels(size_t n, const double *restrict wavelength, double shrink,
                         const double *restrict flux_in, const double *restrict ivar_in, double *restrict w,
                         double *restrict flux, double *restrict ivar)
{
    for (size_t i = 0; i < n; i++) {
        int ok = fabs(flux_in[i]) <= FB_LARGEST && ivar_in[i] <= FB_LARGEST &&
                 (ivar_in[i] >= FB_LEAST || ivar_in[i] == 0);
        w[i] = wavelength[i] / shrink;
        flux[i] = ok ? flux_in[i] : 0;
        ivar[i] = ok ? ivar_in[i] : 0;
    }
}

FB_KERNEL
static void errors(const double *ivar, size_t n, double *sigma)
{
    for (size_t i = 0; i < n; i++) {
        double error = 1 / sqrt(ivar[i]);
        sigma[i] = ivar[i] > 0 ? error : FB_NO_ERROR;
    }
}

FB_KERNEL
static void divide(const double *a, const double *b, size_t n, double *quotient)
{
    for (size_t i = 0; i < n; i++)
        quotient[i] = a[i] / b[i];
}

FB_KERNEL
size_t fb_count_positive(const double *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] > 0;
    return count;
}

/* Median of flux/sigma over n pixels; -1 for none, as where a range is covered but a camera is missing. */
static double median_snr(const double *flux, const double *sigma, size_t n, double *scratch)
{
    divide(flux, sigma, n, scratch);
    return n > 0 ? fb_median(scratch, n, scratch + n) : -1;
}

/* The same for pixels of the whole spectrum, whose errors are not known yet; origin is the first that was
 * cleaned. */
static double part_snr(const fastbal_workspace *work, const size_t part[2], size_t origin)
{
    size_t n = part[1] - part[0];
    if (n == 0)
        return -1;
    errors(work->ivar + (part[0] - origin), n, work->sigma);
    return median_snr(work->flux + (part[0] - origin), work->sigma, n, work->scratch);
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
        size_t begin = fb_nearest(range->w, range->n, line * (1 - troughs->vmax[k] / FB_LIGHT_SPEED));
        size_t end = fb_nearest(range->w, range->n, line * (1 - troughs->vmin[k] / FB_LIGHT_SPEED));
        for (size_t i = begin; i + left_out <= end; i++) {
            taken += !masked[i];
            masked[i] = 1;
        }
    }
    return taken;
}

/* Weights for the next fit (§6); returns how many pixels take part, those with ivar = 0 included. */
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

/* Everything the iteration works on. */
struct task {
    struct fb_range range;
    struct fb_design design;
    const double *ivar;
    double *sigma, *model;
    double *weight[2];        /* of this fit and of the next */
    struct fb_window line[2]; /* C IV, and Si IV where it is covered */
    int nlines;
    int fit; /* enum fastbal_fit */
    const struct fb_rules *rules;
    double last;  /* rest wavelength of the spectrum's last pixel, which is beyond the fit range */
    double least; /* sum of squares of the last fit, or NaN */
};

/* 0 if C IV is not covered. Errors are worked out where lines are searched. */
static int find_lines(struct task *t)
{
    const double *w = t->range.w;
    size_t n = t->range.n;
    if (!fb_window_find(&t->line[0], w, n, FB_CIV))
        return 0;
    if (t->line[0].hi_ai == n && !(t->rules->ends_early && t->last > FB_CIV))
        return 0;
    t->nlines = 1;
    if (w[0] <= FB_SIIV * (1 + FB_V_BLUE / FB_LIGHT_SPEED) && fb_window_find(&t->line[1], w, n, FB_SIIV))
        t->nlines = 2;
    for (int k = 0; k < t->nlines; k++)
        errors(t->ivar + t->line[k].lo, t->line[k].hi_ai - t->line[k].lo, t->sigma + t->line[k].lo);
    return 1;
}

/* One fit and the troughs below it.
 * DEVIATION no-difference: the reference's optimised branch gives up the whole file. */
static uint32_t fit_and_search(struct task *t, struct fastbal_result *result)
{
    struct fastbal_line *const out[2] = { &result->civ, &result->siiv };
    double difference = NAN;
    if (fb_count_positive(t->design.weight, t->range.n) <= (size_t)result->ntemplates)
        return FASTBAL_FEW_PIXELS;
    if (fb_fit(&t->design, result->coeffs, &t->least) != FB_FIT_OK)
        return FASTBAL_SINGULAR;
    if (t->fit == FASTBAL_FIT_SIMPLEX)
        fb_fit_simplex(&t->design, result->coeffs, &t->least);
    result->status = 0;
    for (int k = 0; k < t->nlines; k++) {
        fb_model(&t->design, result->coeffs, t->line[k].lo, t->line[k].hi_ai, t->model);
        uint32_t status = fb_line_measure(&t->range, &t->line[k], t->rules, &difference, out[k]);
        result->status |=
            k == 0 ? status : status & (uint32_t) ~(FASTBAL_LOW_SIGNAL | FASTBAL_NEGATIVE_MODEL);
    }
    return result->status & FASTBAL_NO_DIFFERENCE;
}

/* A fit as bad as this has no troughs that mean anything. */
static void drop_troughs(struct fastbal_result *result)
{
    fb_line_clear(&result->civ);
    fb_line_clear(&result->siiv);
    result->status &= (uint32_t)~FASTBAL_MORE_TROUGHS;
    result->status |= FASTBAL_CHI2_LIMIT;
}

/* DEVIATION flagged-rows: the reference gives up the whole file.
 * Fit, search, mask, until the number of masked pixels repeats. Returns 0, or the BALSTATUS bit that says why
 * the spectrum can't be measured. */
static uint32_t iterate(struct task *t, struct fastbal_result *result)
{
    size_t n = t->range.n, used = n, before = n + 1;
    const double *weight = t->ivar;

    if (!find_lines(t))
        return FASTBAL_NO_CIV;
    const struct fb_window *civ = &t->line[0];
    result->snr_civ =
        median_snr(t->range.flux + civ->lo, t->sigma + civ->lo, civ->hi_ai - civ->lo, t->range.scratch);
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
            /* nothing was masked and nothing is: the next fit would be this one */
            result->iterations++;
            before = used;
        }
    }
    if (used != before)
        result->status |= FASTBAL_NOT_CONVERGED;
    /* of the last fit, with its mask and not the one that follows from it */
    if (isnan(t->least)) {
        fb_model(&t->design, result->coeffs, 0, n, t->model);
        t->least = fb_chi2(&t->design, t->model);
    }
    result->chi2 = t->least / ((double)before - (double)result->ntemplates);
    if (result->status & FASTBAL_NEGATIVE_MODEL)
        result->snr_civ = -1;
    if (result->chi2 > t->rules->chi2_limit)
        drop_troughs(result);
    return isfinite(result->chi2) ? 0 : FASTBAL_SINGULAR;
}

/* Wavelengths and z are known to be good, and the workspace to have room. */
static void measure(fastbal_workspace *work, const fastbal_templates *templates,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                    struct fastbal_result *result)
{
    int nt = fastbal_templates_count(templates);
    struct fb_equations equations;
    struct parts parts;
    size_t begin, end;

    fastbal_result_clear(result, nt, 0);
    find_parts(spectrum, &parts);
    whole_range(&parts, &begin, &end);
    clean_pixels(end - begin, spectrum->wavelength + begin, 1 + spectrum->z, spectrum->flux + begin,
                 spectrum->ivar + begin, work->w, work->flux, work->ivar);
    result->snr_forest = part_snr(work, parts.forest, begin);
    result->snr_redside = part_snr(work, parts.redside, begin);

    size_t first = parts.fit[0] - begin, n = parts.fit[1] - parts.fit[0];
    struct task task = {
        .range = { .n = n,
                   .w = work->w + first,
                   .flux = work->flux + first,
                   .sigma = work->sigma,
                   .model = work->model,
                   .scratch = work->scratch },
        .design = { .templates = templates,
                    .n = n,
                    .segment = work->segment,
                    .fraction = work->fraction,
                    .flux = work->flux + first,
                    .equations = &equations,
                    .nodes = work->nodes,
                    .spare = work->scratch },
        .ivar = work->ivar + first,
        .sigma = work->sigma,
        .model = work->model,
        .weight = { work->weight[0], work->weight[1] },
        .fit = options->fit,
        .rules = fb_rules(options->rules),
        .last = spectrum->wavelength[spectrum->n - 1] / (1 + spectrum->z),
    };
    fb_templates_locate(templates, task.range.w, n, work->segment, work->fraction);
    uint32_t unmeasured = iterate(&task, result);
    if (unmeasured)
        fastbal_result_clear(result, nt, unmeasured);
}

/* ---- calls ---- */

static int redshift_ok(double z)
{
    return z > -1 && isfinite(z);
}

/* A pointer that must not be NULL. */
struct need {
    const void *pointer;
    const char *name;
};

static int check_needs(fastbal_workspace *work, const struct need *needs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!needs[i].pointer)
            return fb_explain(&work->message, FASTBAL_EARGUMENT, "%s is NULL", needs[i].name);
    return FASTBAL_OK;
}

static int check_spectrum(fastbal_workspace *work, const struct fastbal_spectrum *spectrum)
{
    const struct need needs[] = { { spectrum->wavelength, "spectrum->wavelength" },
                                  { spectrum->flux, "spectrum->flux" },
                                  { spectrum->ivar, "spectrum->ivar" } };
    int status = check_needs(work, needs, sizeof needs / sizeof *needs);
    if (status != FASTBAL_OK)
        return status;
    if (!redshift_ok(spectrum->z))
        return fb_explain(&work->message, FASTBAL_EARGUMENT,
                          "spectrum->z = %.10g: expected a finite number above -1", spectrum->z);
    if (!fb_wavelengths_ok(spectrum->wavelength, spectrum->n))
        return fb_explain_wavelengths(&work->message, -1, spectrum->wavelength, spectrum->n);
    return FASTBAL_OK;
}

int fastbal_measure(fastbal_workspace *work, const fastbal_templates *templates,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                    struct fastbal_result *result)
{
    const struct need needs[] = { { templates, "templates" },
                                  { spectrum, "spectrum" },
                                  { result, "result" } };
    struct fastbal_options chosen;

    if (!work)
        return FASTBAL_EARGUMENT;
    work->message.text[0] = '\0';
    int status = check_needs(work, needs, sizeof needs / sizeof *needs);
    if (status == FASTBAL_OK)
        status = fb_options_read(options, &chosen, &work->message);
    if (status == FASTBAL_OK)
        status = check_spectrum(work, spectrum);
    if (status == FASTBAL_OK)
        status = workspace_reserve(work, spectrum->n, fastbal_templates_size(templates));
    if (status == FASTBAL_OK)
        measure(work, templates, spectrum, &chosen, result);
    return status;
}

static int check_batch(fastbal_workspace *work, const fastbal_grid *grid,
                       const struct fastbal_pixels *cameras)
{
    for (int c = 0; c < fb_grid_cameras(grid); c++)
        if (!cameras[c].flux || !cameras[c].ivar)
            return fb_explain(&work->message, FASTBAL_EARGUMENT, "cameras[%d].%s is NULL", c,
                              cameras[c].flux ? "ivar" : "flux");
    return FASTBAL_OK;
}

int fastbal_measure_batch(fastbal_workspace *work, const fastbal_templates *templates,
                          const fastbal_grid *grid, size_t nspec, const struct fastbal_pixels *cameras,
                          const double *z, const struct fastbal_options *options,
                          struct fastbal_result *results)
{
    const struct need needs[] = { { templates, "templates" },
                                  { grid, "grid" },
                                  { cameras, "cameras" },
                                  { z, "z" },
                                  { results, "results" } };
    struct fastbal_pixels one[FASTBAL_MAX_CAMERAS];
    struct fastbal_options chosen;
    size_t begin, end;

    if (!work)
        return FASTBAL_EARGUMENT;
    work->message.text[0] = '\0';
    int status = check_needs(work, needs, nspec > 0 ? sizeof needs / sizeof *needs : 2);
    if (status == FASTBAL_OK)
        status = fb_options_read(options, &chosen, &work->message);
    if (status == FASTBAL_OK && nspec > 0)
        status = check_batch(work, grid, cameras);
    if (status == FASTBAL_OK)
        status = workspace_reserve(work, fastbal_grid_size(grid), fastbal_templates_size(templates));
    if (status != FASTBAL_OK)
        return status;
    struct fastbal_spectrum spectrum = { fastbal_grid_size(grid), fastbal_grid_wavelength(grid),
                                         work->joined_flux, work->joined_ivar, 0 };
    for (size_t k = 0; k < nspec; k++) {
        if (!redshift_ok(z[k])) {
            fastbal_result_clear(&results[k], fastbal_templates_count(templates), FASTBAL_BAD_REDSHIFT);
            continue;
        }
        spectrum.z = z[k];
        fastbal_measured_range(spectrum.n, spectrum.wavelength, z[k], &begin, &end);
        fb_grid_row(grid, cameras, k, one);
        fastbal_join_range(grid, one, begin, end, work->joined_flux, work->joined_ivar);
        measure(work, templates, &spectrum, &chosen, &results[k]);
    }
    return FASTBAL_OK;
}
