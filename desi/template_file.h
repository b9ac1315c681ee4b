/*
 * template_file.h - reads template sets by name or from a file, and writes them.
 *
 * The first table has columns WAVE and PCA0, PCA1, ... A set with a prior (struct fastbal_prior) also has the
 * misfit in the column PSI, and a table PRIOR with a row for each component but the first. Its columns are
 * MEAN, and COVARIANCE with one value for each row.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TEMPLATE_FILE_H
#define FB_TEMPLATE_FILE_H

#include "fastbal.h"
#include "desi/training.h"
#include "fits/error.h"
#include "fits/temporary.h"

struct fb_template_set {
    fastbal_templates *templates; /* owned */
    char name[256];               /* file name without folders, or "builtin" */
    char sum[16];                 /* checksum of fb_template_set_values() (desi/values.h) */
    char note[512];               /* a message for the user if the default was not found, else empty */
};

/*
 * Find and read a set: "guo", "brodzeller", "builtin", or the path of a file. Names are looked up in
 * $FASTBAL_TEMPLATES if that is set and not empty, otherwise in $HOME/Catalogs and the share folder. NULL is
 * the default: guo, or builtin with a note if FASTBAL_TEMPLATES is not set and guo is not found.
 */
int fb_template_set_read(struct fb_template_set *set, const char *name, const char *share,
                         struct fb_error *err);
/* Create a set from the values that fb_template_set_values() returned. */
int fb_template_set_create(struct fb_template_set *set, const char *name, size_t nwave, int ncomponents,
                           int has_prior, const double *values, struct fb_error *err);
/* The wavelengths, then each component, then the misfit, mean and covariance of a prior if there is one.
 * *count is their number. Returns NULL if out of memory. The caller frees them. */
double *fb_template_set_values(const struct fb_template_set *set, size_t *count);
void fb_template_set_release(struct fb_template_set *set);

/* How a set was trained, for its header. */
struct fb_template_training {
    struct fb_training on;
    const char *bals; /* TRNBALS: the catalog of the troughs, or none */
    size_t nmasked;   /* TRNNMASK: number of spectra with troughs left out */
    double min_snr;   /* TRNSNR: least signal-to-noise of the spectra used */
    int iterations;   /* TRNITER */
};

/* Write a set in the format that is read. Its name and checksum become QSOTEMPS and TEMPSUM. origin is NULL
 * if the set was not trained. */
int fb_template_set_write(const char *path, enum fb_replace replace, const struct fb_template_set *set,
                          const struct fb_template_training *origin, struct fb_error *err);

#endif
