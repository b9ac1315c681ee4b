/*
 * workspace.c - the public functions that measure spectra: they check arguments, allocate memory, find the
 * parts of a spectrum (docs/algorithm.md §2 and §3), and call the kernels in measure.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

fastbal_workspace *fastbal_workspace_create(void)
{
    fastbal_workspace *work = calloc(1, sizeof *work);
    if (work)
        work->kernels = fb_kernels_best();
    return work;
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

/* Ensure capacity for n pixels and templates of nnodes wavelengths. The contents are lost. */
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
    fb_absorption_clear(&result->absorption);
    fb_detection_clear(&result->detection);
}

/* ---- parts of a spectrum, by rest wavelength ---- */

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

/* The pixels from the beginning of the first part to the end of the last. */
static void find_whole(struct fb_parts *p)
{
    const size_t *const part[4] = { p->fit, p->forest, p->redside, p->mgii };
    size_t begin = SIZE_MAX, end = 0;
    for (int k = 0; k < 4; k++) {
        if (part[k][0] == part[k][1])
            continue;
        begin = part[k][0] < begin ? part[k][0] : begin;
        end = part[k][1] > end ? part[k][1] : end;
    }
    p->whole[0] = begin < end ? begin : end;
    p->whole[1] = end;
}

/* §2 and §3 */
void fb_find_parts(const struct fastbal_spectrum *s, struct fb_parts *p)
{
    double first = s->wavelength[0] / (1 + s->z), last = s->wavelength[s->n - 1] / (1 + s->z);
    double blue = fmax(first, 1040), red = fmin(last, 1205);

    memset(p, 0, sizeof *p);
    p->fit[0] = first < FASTBAL_FIT_MIN ? nearest_rest(s, FASTBAL_FIT_MIN) + 1 : 0;
    p->fit[1] = last > FASTBAL_FIT_MAX ? nearest_rest(s, FASTBAL_FIT_MAX) : s->n;
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
    if (p->fit[0] < p->fit[1] && first <= FB_MGII_BLUE && last >= FB_MGII_RED) {
        p->mgii[0] = first_rest_at_least(s, FB_MGII_BLUE);
        p->mgii[1] = first_rest_at_least(s, FB_MGII_RED);
    }
    find_whole(p);
}

void fastbal_measured_range(size_t n, const double *wavelength, double z, size_t *begin, size_t *end)
{
    struct fastbal_spectrum spectrum = { .n = n, .wavelength = wavelength, .z = z };
    struct fb_parts parts;
    fb_find_parts(&spectrum, &parts);
    *begin = parts.whole[0];
    *end = parts.whole[1];
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
    if (!work->kernels->wavelengths_ok(spectrum->wavelength, spectrum->n))
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
        work->kernels->measure(work, templates, spectrum, &chosen, result);
    return status;
}

int fastbal_detect(fastbal_workspace *work, const fastbal_detector *detector,
                   const struct fastbal_spectrum *spectrum, struct fastbal_detection *detection,
                   struct fastbal_detector_trace *trace)
{
    const struct need needs[] = { { detector, "detector" },
                                  { spectrum, "spectrum" },
                                  { detection, "detection" } };

    if (!work)
        return FASTBAL_EARGUMENT;
    work->message.text[0] = '\0';
    int status = check_needs(work, needs, sizeof needs / sizeof *needs);
    if (status == FASTBAL_OK)
        status = check_spectrum(work, spectrum);
    if (status == FASTBAL_OK)
        status = workspace_reserve(work, spectrum->n, 0);
    if (status == FASTBAL_OK)
        work->kernels->detect(work, detector, spectrum, detection, trace);
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
        work->kernels->measure(work, templates, &spectrum, &chosen, &results[k]);
    }
    return FASTBAL_OK;
}
