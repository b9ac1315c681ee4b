/*
 * cameras.c - plans how the cameras of the spectrograph are joined into one spectrum (docs/algorithm.md §1).
 *
 * If all cameras lie on one grid, the joined grid is split into runs of pixels that the same cameras see. A
 * run seen by one camera is copied; any other is an average weighted by ivar. Otherwise each camera is
 * resampled.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define SAME_WAVELENGTH 1e-4 /* A */
#define RESAMPLED_STEP 0.8   /* A */
#define MAX_PIXELS 1000000   /* in a resampled spectrum; more means that the wavelengths are wrong */

/* The joined grid of aligned cameras: from each camera, the pixels redward of those of the cameras before it.
 * Returns its size; `wavelength` has room for the pixels of all cameras. */
static size_t union_grid(const struct fastbal_camera *cameras, int ncameras, double *wavelength)
{
    size_t n = cameras[0].n;
    memcpy(wavelength, cameras[0].wavelength, n * sizeof *wavelength);
    for (int c = 1; c < ncameras; c++) {
        double last = wavelength[n - 1];
        for (size_t i = 0; i < cameras[c].n; i++)
            if (cameras[c].wavelength[i] > last + SAME_WAVELENGTH)
                wavelength[n++] = cameras[c].wavelength[i];
    }
    return n;
}

/* The first pixel of a camera on the joined grid; n if not all its pixels lie on the grid. */
static size_t camera_start(const double *wavelength, size_t n, const struct fastbal_camera *camera)
{
    size_t start = fb_nearest(wavelength, n, camera->wavelength[0]);
    if (start + camera->n > n)
        return n;
    for (size_t i = 0; i < camera->n; i++)
        if (!(fabs(wavelength[start + i] - camera->wavelength[i]) <= SAME_WAVELENGTH))
            return n;
    return start;
}

static int compare_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Split the joined grid where a camera begins or ends. */
static void make_runs(fastbal_grid *grid, const size_t *start)
{
    size_t cut[2 * FASTBAL_MAX_CAMERAS];
    int ncuts = 0;
    for (int c = 0; c < grid->ncameras; c++) {
        cut[ncuts++] = start[c];
        cut[ncuts++] = start[c] + grid->size[c];
    }
    qsort(cut, (size_t)ncuts, sizeof cut[0], compare_size);
    for (int k = 0; k + 1 < ncuts; k++) {
        struct fb_run run = { .begin = cut[k], .end = cut[k + 1] };
        for (int c = 0; c < grid->ncameras; c++) {
            if (start[c] <= run.begin && run.end <= start[c] + grid->size[c]) {
                run.camera[run.ncameras] = c;
                run.offset[run.ncameras++] = run.begin - start[c];
            }
        }
        if (run.begin < run.end && run.ncameras > 0)
            grid->runs[grid->nruns++] = run;
    }
}

/* 1 if the cameras are aligned and the grid is made, 0 if not. */
static int try_aligned(fastbal_grid *grid, const struct fastbal_camera *cameras)
{
    size_t start[FASTBAL_MAX_CAMERAS];
    grid->n = union_grid(cameras, grid->ncameras, grid->wavelength);
    for (int c = 0; c < grid->ncameras; c++) {
        start[c] = camera_start(grid->wavelength, grid->n, &cameras[c]);
        if (start[c] == grid->n)
            return 0;
    }
    make_runs(grid, start);
    return 1;
}

static int no_resampling(struct fastbal_message *message, double first, double last)
{
    return fb_explain(message, FASTBAL_EWAVELENGTH,
                      "can't resample from start = %.10g to the %.10g where the last camera ends: expected 2 "
                      "to %d pixels of %g",
                      first, last, MAX_PIXELS, RESAMPLED_STEP);
}

static int make_resampled(fastbal_grid *grid, const struct fastbal_camera *cameras, double first,
                          struct fastbal_message *message)
{
    const struct fastbal_camera *reddest = &cameras[grid->ncameras - 1];
    double last = reddest->wavelength[reddest->n - 1], pixels = (last - first) / RESAMPLED_STEP;
    if (!(first > 0) || !(pixels >= 1) || !(pixels < MAX_PIXELS))
        return no_resampling(message, first, last);
    grid->resamples = 1;
    grid->n = (size_t)pixels + 1;
    free(grid->wavelength);
    grid->wavelength = malloc(grid->n * sizeof *grid->wavelength);
    if (!grid->wavelength)
        return FASTBAL_ENOMEM;
    for (size_t i = 0; i < grid->n; i++)
        grid->wavelength[i] = first + RESAMPLED_STEP * (double)i;
    if (!fb_wavelengths_ok(grid->wavelength, grid->n)) /* too large: the step is lost in rounding */
        return no_resampling(message, first, last);
    for (int c = 0; c < grid->ncameras; c++) {
        int status = fb_resampler_create(&grid->resampler[c], cameras[c].wavelength, cameras[c].n,
                                         grid->wavelength, grid->n);
        if (status != FASTBAL_OK)
            return status;
    }
    return FASTBAL_OK;
}

static int check_cameras(const struct fastbal_camera *cameras, int ncameras, struct fastbal_message *message)
{
    if (!cameras)
        return fb_explain(message, FASTBAL_EARGUMENT, "cameras is NULL");
    if (ncameras < 1 || ncameras > FASTBAL_MAX_CAMERAS)
        return fb_explain(message, FASTBAL_EARGUMENT, "ncameras = %d: expected 1 to %d", ncameras,
                          FASTBAL_MAX_CAMERAS);
    for (int c = 0; c < ncameras; c++) {
        if (!cameras[c].wavelength)
            return fb_explain(message, FASTBAL_EARGUMENT, "cameras[%d].wavelength is NULL", c);
        if (!fb_wavelengths_ok(cameras[c].wavelength, cameras[c].n))
            return fb_explain_wavelengths(message, c, cameras[c].wavelength, cameras[c].n);
    }
    return FASTBAL_OK;
}

int fastbal_grid_create(fastbal_grid **out, const struct fastbal_camera *cameras, int ncameras, double start,
                        struct fastbal_message *message)
{
    size_t total = 0;

    fb_explain(message, FASTBAL_OK, "%s", "");
    if (!out)
        return fb_explain(message, FASTBAL_EARGUMENT, "grid is NULL");
    *out = NULL;
    int status = check_cameras(cameras, ncameras, message);
    if (status != FASTBAL_OK)
        return status;
    fastbal_grid *grid = calloc(1, sizeof *grid);
    if (!grid)
        return fb_explain(message, FASTBAL_ENOMEM, "out of memory for a grid");
    grid->kernels = fb_kernels_best();
    grid->ncameras = ncameras;
    for (int c = 0; c < ncameras; c++)
        total += grid->size[c] = cameras[c].n;
    grid->wavelength = malloc(total * sizeof *grid->wavelength);
    status = grid->wavelength ? FASTBAL_OK : FASTBAL_ENOMEM;
    if (status == FASTBAL_OK && !try_aligned(grid, cameras))
        status = make_resampled(grid, cameras, start, message);
    if (status == FASTBAL_ENOMEM)
        fb_explain(message, status, "out of memory for a grid of %zu pixels",
                   grid->resamples ? grid->n : total);
    if (status != FASTBAL_OK) {
        fastbal_grid_free(grid);
        return status;
    }
    *out = grid;
    return FASTBAL_OK;
}

void fastbal_grid_free(fastbal_grid *grid)
{
    if (!grid)
        return;
    for (int c = 0; c < grid->ncameras; c++)
        fb_resampler_release(&grid->resampler[c]);
    free(grid->wavelength);
    free(grid);
}

int fb_grid_cameras(const fastbal_grid *grid)
{
    return grid->ncameras;
}

void fb_grid_row(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t row,
                 struct fastbal_pixels *one)
{
    for (int c = 0; c < grid->ncameras; c++) {
        size_t first = row * grid->size[c];
        one[c].flux = cameras[c].flux + first;
        one[c].ivar = cameras[c].ivar + first;
        one[c].mask = cameras[c].mask ? cameras[c].mask + first : NULL;
    }
}

size_t fastbal_grid_size(const fastbal_grid *grid)
{
    return grid->n;
}

const double *fastbal_grid_wavelength(const fastbal_grid *grid)
{
    return grid->wavelength;
}

int fastbal_grid_resamples(const fastbal_grid *grid)
{
    return grid->resamples;
}

void fastbal_join_range(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin,
                        size_t end, double *flux, double *ivar)
{
    grid->kernels->join(grid, cameras, begin, end, flux, ivar);
}

void fastbal_join(const fastbal_grid *grid, const struct fastbal_pixels *cameras, double *flux, double *ivar)
{
    fastbal_join_range(grid, cameras, 0, grid->n, flux, ivar);
}

static void aligned_pixels(const fastbal_grid *grid, int camera, size_t begin, size_t end, size_t *first,
                           size_t *last)
{
    for (int k = 0; k < grid->nruns; k++) {
        const struct fb_run *run = &grid->runs[k];
        size_t from = run->begin > begin ? run->begin : begin, to = run->end < end ? run->end : end;
        for (int c = 0; c < run->ncameras && from < to; c++) {
            if (run->camera[c] != camera)
                continue;
            if (*first == *last)
                *first = run->offset[c] + from - run->begin;
            *last = run->offset[c] + to - run->begin;
        }
    }
}

static void resampled_pixels(const struct fb_resampler *r, size_t begin, size_t end, size_t *first,
                             size_t *last)
{
    while (begin < end && r->first_weight[begin] == r->first_weight[begin + 1])
        begin++;
    while (begin < end && r->first_weight[end - 1] == r->first_weight[end])
        end--;
    if (begin == end)
        return;
    *first = r->node[begin];
    *last = r->node[end - 1] + (r->first_weight[end] - r->first_weight[end - 1]);
}

void fastbal_grid_pixels(const fastbal_grid *grid, int camera, size_t begin, size_t end, size_t *first,
                         size_t *last)
{
    *first = *last = 0;
    if (grid->resamples)
        resampled_pixels(&grid->resampler[camera], begin, end, first, last);
    else
        aligned_pixels(grid, camera, begin, end, first, last);
}
