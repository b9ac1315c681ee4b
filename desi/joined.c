/* joined.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/joined.h"
#include "desi/values.h"

/* ---- grid ---- */

/* Does the open file have the wavelengths of the grid? Files of one survey do, and share it. */
static int is_same(const struct fb_joined *j)
{
    const struct fb_coadd *coadd = &j->coadd;
    if (!j->grid || j->ncameras != coadd->ncameras || j->has_resolution != coadd->has_resolution)
        return 0;
    for (int c = 0; c < j->ncameras; c++)
        if (j->n[c] != coadd->camera[c].n || /* NOLINTNEXTLINE(*-memory-comparison): NaN is NaN */
            memcmp(j->wavelength[c], coadd->camera[c].wavelength, j->n[c] * sizeof(double)) != 0)
            return 0;
    return 1;
}

/* Set the error for a grid that can't be made. */
static int grid_fail(const struct fb_joined *j, int status, double start, const char *why,
                     struct fb_error *err)
{
    const char *path = j->coadd.path;
    for (int c = 0; c < j->ncameras; c++) {
        char where[32];
        snprintf(where, sizeof where, "HDU %s_WAVELENGTH", j->coadd.camera[c].name);
        if (fb_check_wavelengths(path, where, j->wavelength[c], j->n[c], err) != 0)
            return -1;
    }
    int last = j->ncameras - 1;
    if (status == FASTBAL_EWAVELENGTH)
        return fb_fail(err, "%s: can't put its cameras on one grid from %.10g to %.10g A", path, start,
                       j->wavelength[last][j->n[last] - 1]);
    return fb_fail(err, "%s: can't join its cameras: %s", path, why);
}

static int make_grid(struct fb_joined *j, struct fb_error *err)
{
    struct fastbal_camera cameras[FB_CAMERAS];
    fastbal_grid_free(j->grid);
    j->grid = NULL;
    j->ncameras = j->coadd.ncameras;
    j->has_resolution = j->coadd.has_resolution;
    for (int c = 0; c < j->ncameras; c++) {
        struct fb_camera *camera = &j->coadd.camera[c];
        free(j->wavelength[c]);
        j->wavelength[c] = camera->wavelength;
        camera->wavelength = NULL;
        j->n[c] = camera->n;
        cameras[c] = (struct fastbal_camera){ j->wavelength[c], j->n[c] };
    }
    double start = j->has_resolution ? j->wavelength[0][0] : 3600.0;
    struct fastbal_message why;
    int status = fastbal_grid_create(&j->grid, cameras, j->ncameras, start, &why);
    return status == FASTBAL_OK ? 0 : grid_fail(j, status, start, why.text, err);
}

static int make_sums(struct fb_joined *j, struct fb_error *err)
{
    size_t longest = 0;
    for (int c = 0; c < j->ncameras; c++)
        longest = j->n[c] > longest ? j->n[c] : longest;
    free(j->sums);
    j->sums = malloc((longest + 1) * sizeof *j->sums);
    return j->sums ? 0 : fb_fail(err, "%s: out of memory for %zu pixels", j->coadd.path, longest);
}

/* ---- the file ---- */

int fb_joined_open(struct fb_joined *j, const char *path, struct fb_error *err)
{
    if (fb_coadd_open(&j->coadd, path, err) != 0 || (!is_same(j) && make_grid(j, err) != 0))
        return -1;
    return j->coadd.targets.repeat ? make_sums(j, err) : 0;
}

void fb_joined_release(struct fb_joined *j)
{
    fb_coadd_release(&j->coadd);
    fb_slots_release(&j->slots);
    fastbal_grid_free(j->grid);
    for (int c = 0; c < FB_CAMERAS; c++)
        free(j->wavelength[c]);
    free(j->sums);
    *j = (struct fb_joined){ .ncameras = 0 };
}

/* ---- rows ---- */

/* Masks are needed where pixels are averaged. */
static struct fb_fetcher fetcher_of(struct fb_joined *j)
{
    int masks = j->coadd.targets.repeat || fastbal_grid_resamples(j->grid);
    return (struct fb_fetcher){ &j->coadd, j->grid, masks, &j->slots };
}

struct pixels {
    float *flux, *ivar;
    int32_t *mask; /* NULL: none */
};

/* Pixels in memory, from an index in the camera's slots on. */
static struct pixels pixels_at(const struct fb_fetcher *fetcher, int c, size_t index)
{
    void *const *pixels = fetcher->slots->pixels[c];
    return (struct pixels){ (float *)pixels[FB_FLUX] + index, (float *)pixels[FB_IVAR] + index,
                            fb_has_mask(fetcher, c) ? (int32_t *)pixels[FB_MASK] + index : NULL };
}

/* Join the exposures of a target into its slot, camera by camera. */
static int load_exposures(struct fb_joined *j, const struct fb_part *part, size_t slot, struct fb_error *err)
{
    const struct fb_fetcher fetcher = fetcher_of(j);
    const struct fb_targets *targets = &j->coadd.targets;
    const size_t exposure_slot = FB_EXPOSURE_SLOT;
    for (int c = 0; c < j->ncameras; c++) {
        struct fb_part exposure = *part;
        size_t first, n = fb_part_pixels(&fetcher, c, part, &first);
        memset(j->sums, 0, n * sizeof *j->sums);
        /* fetch no rows: this only allocates the slots, which are needed even if no exposure is good */
        if (fb_fetch_camera(&fetcher, c, part, &exposure_slot, 0, err) != 0)
            return -1;
        const struct pixels from = pixels_at(&fetcher, c, exposure_slot * j->n[c] + first),
                            to = pixels_at(&fetcher, c, slot * j->n[c] + first);
        for (int64_t row = part->row; row >= 0; row = targets->next[row]) {
            exposure.row = row;
            if (!fb_exposure_is_good(targets->status[row], j->coadd.camera[c].name))
                continue;
            if (fb_fetch_camera(&fetcher, c, &exposure, &exposure_slot, 1, err) != 0)
                return -1;
            fb_exposure_add(j->sums, n, from.flux, from.ivar, from.mask);
        }
        fb_exposures_mean(j->sums, n, to.flux, to.ivar, to.mask);
    }
    return 0;
}

int fb_joined_load(struct fb_joined *j, const struct fb_part *parts, size_t n, struct fb_error *err)
{
    const struct fb_fetcher fetcher = fetcher_of(j);
    memcpy(j->part, parts, n * sizeof *parts);
    if (!j->coadd.targets.repeat)
        return fb_fetch(&fetcher, parts, j->slot, n, err);
    for (size_t k = 0; k < n; k++) {
        j->slot[k] = k;
        if (load_exposures(j, &parts[k], k, err) != 0)
            return -1;
    }
    return 0;
}

int fb_joined_ahead(struct fb_joined *j, const struct fb_part *parts, size_t n)
{
    const struct fb_fetcher fetcher = fetcher_of(j);
    return fb_fetch_ahead(&fetcher, parts, n);
}

void fb_joined_spectrum(struct fb_joined *j, size_t k, double *flux, double *ivar)
{
    const struct fb_fetcher fetcher = fetcher_of(j);
    struct fastbal_pixels pixels[FB_CAMERAS];
    for (int c = 0; c < j->ncameras; c++) {
        const struct pixels row = pixels_at(&fetcher, c, j->slot[k] * j->n[c]);
        pixels[c] = (struct fastbal_pixels){ row.flux, row.ivar, row.mask };
    }
    fastbal_join_range(j->grid, pixels, j->part[k].begin, j->part[k].end, flux, ivar);
}
