/* coadd.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/coadd.h"

enum { MOST_PIXELS = 1000000 };

/* ---- cameras ---- */

/* The images of a camera. */
enum { WAVELENGTH, FLUX, IVAR, MASK, NIMAGES };
static const char *const image_names[NIMAGES] = { "WAVELENGTH", "FLUX", "IVAR", "MASK" };

struct camera_hdus {
    const struct fb_hdu *hdu[NIMAGES]; /* NULL: not in the file */
};

/* Find the HDUs "CAMERA_WHAT" of a camera. */
static int find_hdus(struct fb_coadd *coadd, const char *camera, struct camera_hdus *found,
                     struct fb_error *err)
{
    size_t length = strlen(camera);
    *found = (struct camera_hdus){ { NULL } };
    for (size_t i = 1; i < coadd->hdus.n; i++) {
        const struct fb_hdu *hdu = &coadd->hdus.hdu[i];
        if (strncmp(hdu->name, camera, length) != 0 || hdu->name[length] != '_')
            continue;
        coadd->has_resolution |= strcmp(hdu->name + length + 1, "RESOLUTION") == 0;
        for (int k = 0; k < NIMAGES; k++) {
            if (strcmp(hdu->name + length + 1, image_names[k]) != 0)
                continue;
            if (found->hdu[k])
                return fb_fail(err, "%s: has more than one HDU %s", coadd->path, hdu->name);
            found->hdu[k] = hdu;
        }
    }
    return 0;
}

/* Find a set of cameras; returns how many exist, or -1. A camera may be missing completely, as in some tiles,
 * but not partly. Either all cameras have masks or none has. */
static int find_set(struct fb_coadd *coadd, const char *const *names, int n, struct camera_hdus *found,
                    struct fb_error *err)
{
    struct camera_hdus all[FB_CAMERAS];
    int kept = 0, masks = 0;
    coadd->has_resolution = 0;
    for (int c = 0; c < n; c++) {
        if (find_hdus(coadd, names[c], &all[c], err) != 0)
            return -1;
        masks |= all[c].hdu[MASK] != NULL;
    }
    for (int c = 0; c < n; c++) {
        const struct fb_hdu **hdu = all[c].hdu;
        if (!hdu[WAVELENGTH] && !hdu[FLUX] && !hdu[IVAR] && !hdu[MASK])
            continue;
        for (int k = 0; k < NIMAGES; k++)
            if (!hdu[k] && (k != MASK || masks))
                return fb_fail(err, "%s: has no HDU %s_%s", coadd->path, names[c], image_names[k]);
        snprintf(coadd->camera[kept].name, sizeof coadd->camera[kept].name, "%s", names[c]);
        found[kept++] = all[c];
    }
    return kept;
}

static int find_cameras(struct fb_coadd *coadd, struct camera_hdus *found, struct fb_error *err)
{
    static const char *const arms[FB_CAMERAS] = { "B", "R", "Z" }, *const joined[] = { "BRZ" };
    int n = find_set(coadd, arms, FB_CAMERAS, found, err);
    if (n == 0)
        n = find_set(coadd, joined, 1, found, err);
    if (n == 0)
        return fb_fail(err, "%s: has no HDU B_WAVELENGTH, R_WAVELENGTH, Z_WAVELENGTH or BRZ_WAVELENGTH",
                       coadd->path);
    coadd->ncameras = n < 0 ? 0 : n;
    return n < 0 ? -1 : 0;
}

/* ---- images ---- */

static int read_wavelength(struct fb_coadd *coadd, struct fb_camera *camera, const struct fb_hdu *hdu,
                           struct fb_error *err)
{
    struct fb_image image;
    int status = fb_image_open(&image, &coadd->file, &coadd->hdus, hdu, FB_DOUBLES, err);
    if (status == 0 && (image.naxis != 1 || image.axis[0] < 2 || image.axis[0] > MOST_PIXELS))
        status =
            fb_fail(err, "%s: HDU %s: expected 1 axis of 2 to %d pixels, found %d axes, the first of %lld",
                    coadd->path, hdu->name, MOST_PIXELS, image.naxis, (long long)image.axis[0]);
    if (status == 0) {
        camera->n = (size_t)image.axis[0];
        camera->wavelength = malloc(camera->n * sizeof *camera->wavelength);
        status = camera->wavelength
                     ? fb_image_read(&image, &coadd->file, 0, camera->n, camera->wavelength, err)
                     : fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, camera->n);
    }
    fb_image_release(&image);
    return status;
}

/* An image must have as many pixels as the wavelengths and as many rows as there are targets. */
static int open_image(const struct fb_coadd *coadd, const struct fb_camera *camera, struct fb_image *image,
                      const struct fb_hdu *hdu, enum fb_pixel_type type, struct fb_error *err)
{
    if (fb_image_open(image, &coadd->file, &coadd->hdus, hdu, type, err) != 0)
        return -1;
    long long rows = (long long)coadd->targets.n;
    if (image->naxis != 2)
        return fb_fail(err, "%s: HDU %s: expected %lld rows of %zu pixels, found %d axes", coadd->path,
                       hdu->name, rows, camera->n, image->naxis);
    if (image->axis[0] != (int64_t)camera->n || image->axis[1] != rows)
        return fb_fail(err, "%s: HDU %s: expected %lld rows of %zu pixels, found %lld of %lld", coadd->path,
                       hdu->name, rows, camera->n, (long long)image->axis[1], (long long)image->axis[0]);
    return 0;
}

/* Masks are checked even if they are not used, because a wrong header would hide the HDUs after it. */
static int open_camera(struct fb_coadd *coadd, struct fb_camera *camera, const struct camera_hdus *found,
                       struct fb_error *err)
{
    const struct fb_hdu *const *hdu = found->hdu;
    return read_wavelength(coadd, camera, hdu[WAVELENGTH], err) != 0 ||
                   open_image(coadd, camera, &camera->flux, hdu[FLUX], FB_FLOATS, err) != 0 ||
                   open_image(coadd, camera, &camera->ivar, hdu[IVAR], FB_FLOATS, err) != 0 ||
                   (hdu[MASK] && open_image(coadd, camera, &camera->mask, hdu[MASK], FB_INTEGERS, err) != 0)
               ? -1
               : 0;
}

/* ---- the file ---- */

static void close_file(struct fb_coadd *coadd)
{
    for (int c = 0; c < FB_CAMERAS; c++) {
        struct fb_camera *camera = &coadd->camera[c];
        fb_image_release(&camera->flux);
        fb_image_release(&camera->ivar);
        fb_image_release(&camera->mask);
        free(camera->wavelength);
        *camera = (struct fb_camera){ .n = 0 };
    }
    fb_file_close(&coadd->file);
    free(coadd->path);
    coadd->path = NULL;
    coadd->ncameras = 0;
}

/* Only these extensions of gzipped files are kept in memory; resolution matrices are four fifths of a
 * file. */
static int is_wanted(const char *extname)
{
    const char *underscore = strchr(extname, '_');
    for (int k = 0; underscore && k < NIMAGES; k++)
        if (strcmp(underscore + 1, image_names[k]) == 0)
            return 1;
    return strcasecmp(extname, "FIBERMAP") == 0;
}

static int open_file(struct fb_coadd *coadd, const char *path, struct fb_error *err)
{
    struct camera_hdus found[FB_CAMERAS];
    if (!(coadd->path = strdup(path)))
        return fb_fail(err, "%s: out of memory", path);
    if (fb_hdus_open(&coadd->hdus, &coadd->file, coadd->path, is_wanted, &coadd->io, err) != 0 ||
        fb_targets_read(&coadd->targets, &coadd->file, &coadd->hdus, err) != 0 ||
        find_cameras(coadd, found, err) != 0)
        return -1;
    for (int c = 0; c < coadd->ncameras; c++)
        if (open_camera(coadd, &coadd->camera[c], &found[c], err) != 0)
            return -1;
    return 0;
}

int fb_coadd_open(struct fb_coadd *coadd, const char *path, struct fb_error *err)
{
    close_file(coadd);
    if (open_file(coadd, path, err) == 0)
        return 0;
    close_file(coadd);
    return -1;
}

void fb_coadd_release(struct fb_coadd *coadd)
{
    close_file(coadd);
    fb_file_release(&coadd->file);
    fb_hdus_release(&coadd->hdus);
    fb_targets_release(&coadd->targets);
}
