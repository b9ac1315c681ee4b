/* coadd.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/coadd.h"

enum { MOST_PIXELS = 1000000 };

/* ---- cameras ---- */

static const char *const image_names[FB_IMAGES] = { "WAVELENGTH", "FLUX", "IVAR", "MASK" };

/* Find the HDUs "CAMERA_WHAT" of a camera. */
static int find_hdus(struct fb_coadd *coadd, struct fb_camera *camera, struct fb_error *err)
{
    size_t length = strlen(camera->name);
    for (size_t i = 1; i < coadd->hdus.n; i++) {
        const struct fb_hdu *hdu = &coadd->hdus.hdu[i];
        if (strncmp(hdu->name, camera->name, length) != 0 || hdu->name[length] != '_')
            continue;
        const char *what = hdu->name + length + 1;
        coadd->has_resolution |= strcmp(what, "RESOLUTION") == 0;
        for (int k = 0; k < FB_IMAGES; k++) {
            if (strcmp(what, image_names[k]) != 0)
                continue;
            if (camera->hdu[k])
                return fb_fail(err, "%s: has more than one HDU %s", coadd->path, hdu->name);
            camera->hdu[k] = hdu;
        }
    }
    return 0;
}

/* Find a set of cameras. Returns the number that exist, or -1. A camera may be missing completely, as in some
 * tiles, but not partly. Either all cameras have masks or none has. */
static int find_set(struct fb_coadd *coadd, const char *const *names, int n, struct fb_error *err)
{
    struct fb_camera *camera = coadd->camera;
    int kept = 0, masks = 0;
    coadd->has_resolution = 0;
    for (int c = 0; c < n; c++) {
        camera[c] = (struct fb_camera){ .n = 0 };
        snprintf(camera[c].name, sizeof camera[c].name, "%s", names[c]);
        if (find_hdus(coadd, &camera[c], err) != 0)
            return -1;
        masks |= camera[c].hdu[FB_MASK] != NULL;
    }
    for (int c = 0; c < n; c++) {
        int found = 0;
        for (int k = 0; k < FB_IMAGES; k++)
            found |= camera[c].hdu[k] != NULL;
        for (int k = 0; found && k < FB_IMAGES; k++)
            if (!camera[c].hdu[k] && (k != FB_MASK || masks))
                return fb_fail(err, "%s: has no HDU %s_%s", coadd->path, names[c], image_names[k]);
        if (found)
            camera[kept++] = camera[c];
    }
    return kept;
}

static int find_cameras(struct fb_coadd *coadd, struct fb_error *err)
{
    static const char *const arms[FB_CAMERAS] = { "B", "R", "Z" }, *const joined[] = { "BRZ" };
    int n = find_set(coadd, arms, FB_CAMERAS, err);
    if (n == 0)
        n = find_set(coadd, joined, 1, err);
    if (n == 0)
        return fb_fail(err, "%s: has no HDU B_WAVELENGTH, R_WAVELENGTH, Z_WAVELENGTH or BRZ_WAVELENGTH",
                       coadd->path);
    coadd->ncameras = n < 0 ? 0 : n;
    return n < 0 ? -1 : 0;
}

/* ---- images ---- */

static int read_wavelength(struct fb_coadd *coadd, struct fb_camera *camera, struct fb_error *err)
{
    struct fb_image *image = &camera->image[FB_WAVELENGTH];
    if (image->naxis != 1 || image->axis[0] < 2 || image->axis[0] > MOST_PIXELS)
        return fb_fail(err, "%s: HDU %s: expected 1 axis of 2 to %d pixels, found %d axes, the first of %lld",
                       coadd->path, image->name, MOST_PIXELS, image->naxis, (long long)image->axis[0]);
    camera->n = (size_t)image->axis[0];
    camera->wavelength = malloc(camera->n * sizeof *camera->wavelength);
    return camera->wavelength ? fb_image_read(image, 0, camera->n, camera->wavelength, err)
                              : fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, camera->n);
}

/* An image must have as many pixels as the wavelengths and as many rows as there are targets. */
static int check_rows(const struct fb_coadd *coadd, const struct fb_camera *camera,
                      const struct fb_image *image, struct fb_error *err)
{
    long long rows = (long long)coadd->targets.n;
    if (image->naxis != 2)
        return fb_fail(err, "%s: HDU %s: expected %lld rows of %zu pixels, found %d axes", coadd->path,
                       image->name, rows, camera->n, image->naxis);
    if (image->axis[0] != (int64_t)camera->n || image->axis[1] != rows)
        return fb_fail(err, "%s: HDU %s: expected %lld rows of %zu pixels, found %lld of %lld", coadd->path,
                       image->name, rows, camera->n, (long long)image->axis[1], (long long)image->axis[0]);
    return 0;
}

/* Open the images of a camera. Masks are checked even if they are not used, because a wrong header would hide
 * the HDUs after it. */
static int open_camera(struct fb_coadd *coadd, struct fb_camera *camera, struct fb_error *err)
{
    static const enum fb_pixel_type types[FB_IMAGES] = { FB_DOUBLES, FB_FLOATS, FB_FLOATS, FB_INTEGERS };
    for (int k = 0; k < FB_IMAGES && camera->hdu[k]; k++) {
        struct fb_image *image = &camera->image[k];
        if (fb_image_open(image, &coadd->hdus, camera->hdu[k], types[k], err) != 0 ||
            (k == FB_WAVELENGTH ? read_wavelength(coadd, camera, err)
                                : check_rows(coadd, camera, image, err)) != 0)
            return -1;
    }
    return 0;
}

/* ---- the file ---- */

static void close_file(struct fb_coadd *coadd)
{
    for (int c = 0; c < FB_CAMERAS; c++) {
        struct fb_camera *camera = &coadd->camera[c];
        for (int k = 0; k < FB_IMAGES; k++)
            fb_image_release(&camera->image[k]);
        free(camera->wavelength);
        *camera = (struct fb_camera){ .n = 0 };
    }
    fb_file_close(&coadd->hdus.file);
    free(coadd->path);
    coadd->path = NULL;
    coadd->ncameras = 0;
}

/* Is the extension used? Others of gzipped files are not kept in memory: resolution matrices are four fifths
 * of a file. */
static int is_wanted(const char *extname)
{
    const char *underscore = strchr(extname, '_');
    for (int k = 0; underscore && k < FB_IMAGES; k++)
        if (strcmp(underscore + 1, image_names[k]) == 0)
            return 1;
    return strcasecmp(extname, "FIBERMAP") == 0;
}

static int open_file(struct fb_coadd *coadd, const char *path, struct fb_error *err)
{
    if (!(coadd->path = strdup(path)))
        return fb_fail(err, "%s: out of memory", path);
    if (fb_hdus_open(&coadd->hdus, coadd->path, is_wanted, err) != 0 ||
        fb_targets_read(&coadd->targets, &coadd->hdus, err) != 0 || find_cameras(coadd, err) != 0)
        return -1;
    for (int c = 0; c < coadd->ncameras; c++)
        if (open_camera(coadd, &coadd->camera[c], err) != 0)
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
    fb_hdus_release(&coadd->hdus);
    fb_targets_release(&coadd->targets);
}
