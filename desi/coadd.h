/*
 * coadd.h - the contents of a coadd: coadd files, the spectra files of mocks, and files of exposures. Only
 * the images of wavelength, flux, ivar and mask are used, never resolution matrices. Private to desi/;
 * spectra are read through desi/spectra.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COADD_H
#define FB_COADD_H

#include <stddef.h>
#include <stdint.h>
#include "desi/targets.h"
#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"
#include "fits/image.h"

enum { FB_CAMERAS = 3 };

/* The images of a camera: n wavelengths, and a row of n pixels, of 4 bytes each, for each target. */
enum { FB_WAVELENGTH, FB_FLUX, FB_IVAR, FB_MASK, FB_IMAGES };

struct fb_camera {
    char name[4];
    const struct fb_hdu *hdu[FB_IMAGES]; /* the mask is NULL if there is none */
    struct fb_image image[FB_IMAGES];
    size_t n;           /* pixels per row */
    double *wavelength; /* owned */
};

/* A reader of one file after another. Start with all zeros. Only one thread may use it at a time. */
struct fb_coadd {
    char *path; /* owned; NULL: no file is open */
    struct fb_hdus hdus;
    struct fb_targets targets;
    int ncameras, has_resolution;
    struct fb_camera camera[FB_CAMERAS];
};

/* Open a file, after closing the previous one. Nothing is open after a failure. */
int fb_coadd_open(struct fb_coadd *coadd, const char *path, struct fb_error *err);
void fb_coadd_release(struct fb_coadd *coadd);

#endif
