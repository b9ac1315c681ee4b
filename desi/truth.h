/*
 * truth.h - the true BAL quasars of mocks, from the tables BAL_META of mock files or from one catalog of
 * them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TRUTH_H
#define FB_TRUTH_H

#include <stddef.h>
#include <stdint.h>
#include "desi/balrow.h"
#include "desi/id_rows.h"
#include "fits/error.h"

/* All zero is empty. */
struct fb_truth {
    struct fb_balrow *rows; /* owned: with BALMASK 0 */
    size_t n, room;
    struct fb_id_row *keys; /* owned: sorted by TARGETID, each target once */
    size_t nkeys;
    size_t nswapped; /* troughs whose VMIN and VMAX were swapped; they are put in order */
    size_t ncut;     /* quasars with more troughs than fit the columns; only the first ones are kept */
    int has_table;   /* a table was read */
    int zeros;       /* set by the caller: missing values are 0, as the reference writes them, not -1 */
};

/*
 * Add the rows of a file from its table BAL_META or, if `any` is set, BALCAT, ZCATALOG or the first table.
 * Without `any`, a file that has no BAL_META has no BAL quasars. The columns TARGETID, AI_CIV, VMIN_CIV_450
 * and VMAX_CIV_450 are required; others may be missing. Troughs are stored from index 0 on. Unused entries
 * and missing values are -1; missing indices and errors are 0 and a missing BAL_PROB is -99. Release in any
 * case.
 */
int fb_truth_read(struct fb_truth *truth, const char *path, int any, struct fb_error *err);
/* Move the rows of another table to the end of this one. */
int fb_truth_join(struct fb_truth *truth, struct fb_truth *other, struct fb_error *err);
/* Sort the keys for fb_truth_find(). Of a repeated target, the first row counts. */
int fb_truth_sort(struct fb_truth *truth, struct fb_error *err);
/* The index of a target's key; nkeys if there is none. */
size_t fb_truth_find(const struct fb_truth *truth, int64_t targetid);
void fb_truth_release(struct fb_truth *truth);

/* Fill the row of a quasar that is in no truth table: it has no troughs, and their values are -1 or, with
 * zeros, 0. */
void fb_truth_no_bal(struct fb_balrow *row, unsigned char balmask, int zeros);

/* The root of a mock's tree of truth files, from its folder or that of its spectra-16; to be freed by the
 * caller, NULL on failure. */
char *fb_truth_root(const char *folder, struct fb_error *err);

#endif
