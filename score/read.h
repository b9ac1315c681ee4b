/*
 * read.h - what a score needs from a catalog or a truth: a few numbers per quasar, and its C IV troughs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCORE_READ_H
#define FB_SCORE_READ_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"

struct fb_score_trough {
    double vmin, vmax; /* km/s, vmin <= vmax */
};

struct fb_score_row {
    int64_t targetid;
    double z;               /* NaN where the table does not say */
    float ai, bi, all;      /* AI_CIV, BI_CIV, AI_ALL */
    float snr, probability; /* SNR_CIV, BAL_PROB; NaN where the table does not say */
    int32_t balstatus;      /* 0 where the table does not say */
    uint8_t balmask;        /* likewise */
    uint8_t ntroughs, nall; /* of C IV, where ai > 0; of all absorption, where all > 0 */
    size_t troughs;         /* index of its first C IV trough; those of all absorption follow */
};

/* What kind of truth a table is. */
enum fb_score_kind {
    FB_SCORE_CATALOG, /* a catalog or BAL table of what was found */
    FB_SCORE_QUASARS, /* the truth of simulated quasars: a row for each, with or without BALs */
    FB_SCORE_BALS     /* the truth of a mock: quasars that are not listed have no BALs */
};

/* All zero is empty. Rows are in ascending order of TARGETID. */
struct fb_score_table {
    const char *path; /* borrowed */
    char hdu[72];
    enum fb_score_kind kind;
    struct fb_score_row *rows; /* owned */
    size_t n, room;
    struct fb_score_trough *troughs; /* owned */
    size_t ntroughs, troughs_room;
    size_t nrepeated; /* rows left out: their TARGETID occurs more than once */
    int has_bi, has_all, has_snr, has_probability, has_balmask;
    int has_settings; /* the header says how a finder made it */
    int all_bals;     /* every measured row has AI or BI > 0 */
    int by_detector;  /* finds are the detector's: AI_DET, BI_DET, VMIN_DET_450, VMAX_DET_450 */
};

/* Read a table with BAL columns. A truth may also be that of simulated quasars, or a mock's folder of
 * truth files. The columns TARGETID, AI_CIV, VMIN_CIV_450 and VMAX_CIV_450 are required; with by_detector,
 * those of a detector instead, and a BAL_PROB above 0 in some row. Return 0, or -1 with an error. Release
 * in any case. */
int fb_score_read(struct fb_score_table *table, const char *path, int by_detector, struct fb_error *err);
int fb_score_read_truth(struct fb_score_table *table, const char *path, struct fb_error *err);
void fb_score_table_release(struct fb_score_table *table);

#endif
