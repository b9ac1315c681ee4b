/*
 * forest.h - hydrogen along the line of sight: the Lyman series forest, Lyman-limit systems and damped
 * Lyman-alpha absorbers (DLAs).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FOREST_H
#define FB_FOREST_H

#include "random.h"
#include "sightline.h"

enum { FB_FOREST_STEPS = 72, FB_MAX_DLAS = 8 };

/* The absorption of the gas by redshift; shared by all quasars. */
struct fb_forest_model {
    double amplitude[FB_FOREST_STEPS]; /* optical depth of gas at the median density */
};

struct fb_dla {
    double z, log_column; /* log10 of N(H I) in cm^-2 */
};

struct fb_dlas {
    int count;
    struct fb_dla dla[FB_MAX_DLAS];
};

void fb_forest_model_init(struct fb_forest_model *model);

/* Add the hydrogen in front of a quasar and return its DLAs. Returns 0, or -1 if out of memory. */
int fb_forest_add(struct fb_sightline *s, const struct fb_forest_model *model, struct fb_rng *rng, double z,
                  struct fb_dlas *dlas);

#endif
