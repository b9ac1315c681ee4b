/*
 * training.h - what templates or a detector were trained on, for the header of their file. Strings are
 * borrowed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TRAINING_H
#define FB_TRAINING_H

#include <stddef.h>
#include <stdint.h>

struct fb_training {
    size_t nspectra;     /* TRNNSPEC */
    int64_t seed;        /* TRNSEED: of the simulated outflows */
    const char *catalog, /* TRNCAT */
        *product;        /* TRNPROD: the tree of the spectra */
    char options[256];   /* TRNOPTS: the options that chose a part of the tree */
};

#endif
