/*
 * contents.h - what a report shows of a catalog: counts, histograms, the sky, provenance, and the rows of its BALs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CONTENTS_H
#define FB_CONTENTS_H

#include <stddef.h>
#include <stdint.h>
#include "desi/balquasars.h"
#include "desi/provenance.h"
#include "desi/tree.h"
#include "fits/error.h"
#include "pipeline/tally.h"
#include "report/bins.h"

/* Numbers of a row; the first is there in every catalog. */
enum fb_quasar_number {
    FB_QUASAR_Z,
    FB_QUASAR_RA,
    FB_QUASAR_DEC,
    FB_QUASAR_SNR,
    FB_QUASAR_AI,
    FB_QUASAR_ERR_AI,
    FB_QUASAR_BI,
    FB_QUASAR_ERR_BI,
    FB_QUASAR_DEPTH,
    FB_QUASAR_EW,
    FB_QUASAR_CHI2,
    FB_QUASAR_STATUS,
    FB_QUASAR_PROBABILITY,
    FB_NQUASAR
};

/* A row that the page lists: a BAL, or one that was asked for. */
struct fb_quasar {
    int64_t targetid;
    size_t row;                /* of the catalog, from 0 */
    double number[FB_NQUASAR]; /* NaN where there is no such column, or no value */
    enum fb_fate fate;
};

enum fb_histogram {
    FB_HISTOGRAM_Z,
    FB_HISTOGRAM_SNR,
    FB_HISTOGRAM_CHI2,
    FB_HISTOGRAM_AI,
    FB_HISTOGRAM_BI,
    FB_HISTOGRAM_VMIN, /* of C IV troughs, as are the next two */
    FB_HISTOGRAM_VMAX,
    FB_HISTOGRAM_WIDTH,
    FB_HISTOGRAM_DEPTH,
    FB_NHISTOGRAMS
};

/* The sky in cells of 2 by 2 degrees: quasars measured, and BALs (AI > 0). */
enum { FB_SKY_CELL = 2, FB_SKY_RA = 360 / FB_SKY_CELL, FB_SKY_DEC = 180 / FB_SKY_CELL };
struct fb_sky {
    size_t measured[FB_SKY_DEC][FB_SKY_RA], bals[FB_SKY_DEC][FB_SKY_RA];
};

/* A keyword of the header, and what it is called. */
struct fb_said {
    char name[72], value[500];
};

struct fb_contents {
    char table[72]; /* EXTNAME */
    size_t nrows, nbals;
    uint64_t id;         /* of what the catalog says: a hash of TARGETID, Z and AI_CIV of all rows */
    int has[FB_NQUASAR]; /* is there such a column? */
    struct fb_tally tally;
    struct fb_bins histograms[FB_NHISTOGRAMS];
    struct fb_sky *sky;       /* owned */
    struct fb_quasar *listed; /* owned, in the order of the catalog */
    size_t nlisted, room;
    struct fb_balquasars troughs;
    struct fb_provenance made;
    struct fb_said *said; /* owned */
    size_t nsaid;
};

/* Name of a column, as the catalog has it. */
const char *fb_quasar_column(enum fb_quasar_number number);

/*
 * Read an open catalog with BAL columns, or BAL table. Rows of these targets, sorted, are listed as well, BALs or not. A
 * catalog without BAL columns is an error; one without rows is none. Release in any case.
 */
int fb_contents_read(struct fb_contents *quasars, struct fb_table *catalog,
                     const struct fb_id_list *targetids, struct fb_error *err);
void fb_contents_release(struct fb_contents *quasars);

/* Is it listed as a BAL? */
int fb_quasar_is_bal(const struct fb_quasar *quasar);

#endif
