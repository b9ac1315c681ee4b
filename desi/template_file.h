/*
 * template_file.h - template sets by name or file.
 *
 * The first table has columns WAVE and PCA0, PCA1, ... A set with a prior (struct fastbal_prior) has the misfit in one more,
 * PSI, and a table PRIOR with a row for each component but the first: MEAN, and COVARIANCE with as many values as rows.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TEMPLATE_FILE_H
#define FB_TEMPLATE_FILE_H

#include <stdint.h>
#include "fastbal.h"
#include "fits/error.h"
#include "fits/temporary.h"

struct fb_template_set {
    fastbal_templates *templates; /* owned */
    char name[256];               /* file name without folders, or "builtin" */
    char sum[16];   /* CRC-32 of fb_template_set_values() as little-endian doubles, in hexadecimal */
    char note[512]; /* a line for the user where the default was not found; empty otherwise */
};

/*
 * Find and read a set: "guo", "brodzeller", "builtin", or the path of a file. Names are looked up in
 * $FASTBAL_TEMPLATES, and nowhere else where that is set and not empty; otherwise in $HOME/Catalogs and the given
 * share folder. NULL is the default: guo, or builtin with a note where FASTBAL_TEMPLATES is not set and guo is not
 * found.
 */
int fb_template_set_read(struct fb_template_set *set, const char *name, const char *share,
                         struct fb_error *err);
/* A set of values that were read elsewhere, as fb_template_set_values() gave them. */
int fb_template_set_create(struct fb_template_set *set, const char *name, size_t nwave, int ncomponents,
                           int has_prior, const double *values, struct fb_error *err);
/* The wavelengths, and then each component; where there is a prior, its misfit, mean and covariance. Their number goes to
 * *count. NULL if out of memory. The caller frees them. */
double *fb_template_set_values(const struct fb_template_set *set, size_t *count);
void fb_template_set_release(struct fb_template_set *set);

/* Where a set that was learnt from spectra comes from, for its header. */
struct fb_training {
    size_t nspectra;     /* TRNNSPEC */
    size_t nmasked;      /* TRNNMASK: of them with troughs left out */
    double min_snr;      /* TRNSNR: spectra with less are left out */
    int64_t seed;        /* TRNSEED: of the outflows that it is turned away from */
    int iterations;      /* TRNITER */
    const char *catalog, /* TRNCAT */
        *bals,           /* TRNBALS: of the troughs, or none */
        *product;        /* TRNPROD: the tree of spectra */
    char options[256];   /* TRNOPTS: the part of it */
};

/* Write a set in the format it is read in; its name and checksum are QSOTEMPS and TEMPSUM. origin is NULL where it was not
 * learnt. */
int fb_template_set_write(const char *path, enum fb_replace replace, const struct fb_template_set *set,
                          const struct fb_training *origin, struct fb_error *err);

#endif
