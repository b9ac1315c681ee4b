/*
 * tally.h - counts the quasars of a run: those measured, the BALs among them, and why the others were not
 * measured. Every quasar is counted once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TALLY_H
#define FB_TALLY_H

#include <stddef.h>
#include "desi/balrow.h"

enum fb_fate {
    FB_FATE_MEASURED,
    /* lost: selected but not measured; a run with any of these is incomplete */
    FB_FATE_NOT_IN_COADD,
    FB_FATE_NOT_IN_TABLE, /* append: in the redshift range, but not in the pixel's BAL table */
    FB_FATE_Z_DIFFERS,    /* append: measured at another redshift */
    FB_FATE_PIXEL_FAILED, /* the whole pixel failed */
    FB_FATE_NO_POSITION,  /* the row belongs to no pixel */
    /* not measured, because of the quasar or its spectrum */
    FB_FATE_NO_GOOD_PIXELS,
    FB_FATE_SINGULAR,
    FB_FATE_NO_CIV,
    FB_FATE_NEGATIVE, /* negative continuum in C IV, so Si IV troughs can't be measured: --rules optimize */
    FB_FATE_OTHER,    /* not measured according to BALMASK, but BALSTATUS gives no reason */
    /* not selected */
    FB_FATE_OUTSIDE_RANGE,
    FB_FATE_NOT_QSO,
    FB_FATE_UNSELECTED,
    FB_NFATES
};

enum { FB_NSNR = 6 }; /* bins of SNR_CIV: below 1, 1 to 2, 2 to 4, 4 to 8, from 8, not known */

struct fb_tally {
    size_t n[FB_NFATES];
    size_t nai, nbi;                      /* of those measured: with AI_CIV > 0, with BI_CIV > 0 */
    size_t nrated, nlikely;               /* of those measured: with BAL_PROB > 0, with BAL_PROB >= 0.5 */
    size_t snr[FB_NSNR], snr_ai[FB_NSNR]; /* those measured, by SNR_CIV; those among them with AI_CIV > 0 */
};

/* The fate of a quasar that has a row in a BAL table, by its BALSTATUS. */
enum fb_fate fb_fate_of(const struct fb_balrow *row);
/* The fate of a catalog row, by its BALMASK and then its BALSTATUS. */
enum fb_fate fb_fate_in_catalog(const struct fb_balrow *row);
/* Count a quasar with this fate; row is its measurement, and may be NULL if there is none. */
void fb_tally_count(struct fb_tally *tally, enum fb_fate fate, const struct fb_balrow *row);
/* "not in the coadd": of a fate other than FB_FATE_MEASURED. */
const char *fb_fate_words(enum fb_fate fate);
void fb_tally_add(struct fb_tally *total, const struct fb_tally *part);

size_t fb_tally_rows(const struct fb_tally *tally);  /* all */
size_t fb_tally_asked(const struct fb_tally *tally); /* all but those that were not selected */
/* Selected quasars that were not measured, for reasons other than their spectrum. */
size_t fb_tally_lost(const struct fb_tally *tally);
/* Returns 1 if quasars were selected, but none was measured. */
int fb_tally_is_empty(const struct fb_tally *tally);

/* "40 rows: 36 measured with TEMPLATES, 7 BALs (AI > 0), 3 with BI > 0, 6 with BAL_PROB >= 0.5; not measured:
 * 2 not in the coadd, ..."; templates may be NULL. BAL_PROB is left out where no quasar has one. */
enum { FB_TALLY_TEXT = 1024 };
void fb_tally_text(const struct fb_tally *tally, const char *templates, char text[FB_TALLY_TEXT]);
/* "BALs by SNR_CIV: 2 of 20 (10 %) below 1, 5 of 16 (31 %) at 1 to 2; 7 of 36 (19 %) in all"; empty if none
 * was measured. */
void fb_tally_snr_text(const struct fb_tally *tally, char text[FB_TALLY_TEXT]);
/* "3 of 36 quasars not measured: 2 not in the coadd, 1 not in the BAL table"; empty if none was lost. */
void fb_tally_lost_text(const struct fb_tally *tally, char text[FB_TALLY_TEXT]);
/* "36 not in the coadd": why selected quasars were not measured. */
void fb_tally_reasons(const struct fb_tally *tally, char text[FB_TALLY_TEXT]);

#endif
