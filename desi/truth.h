/*
 * truth.h - what mocks know of their BAL quasars: tables BAL_META of mock files, or stacked in one catalog.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TRUTH_H
#define FB_TRUTH_H

#include <stddef.h>
#include <stdint.h>
#include "desi/balrow.h"
#include "fits/error.h"

struct fb_truth_key {
    int64_t targetid;
    size_t row;
};

/* All zero is empty. */
struct fb_truth {
    struct fb_balrow *rows; /* owned: with BALMASK 0 */
    size_t n, room;
    struct fb_truth_key *keys; /* owned: by TARGETID, once sorted; each target once */
    size_t nkeys;
    size_t nswapped; /* troughs that had VMIN and VMAX the other way round; they are put in order */
    size_t ncut;     /* quasars with more troughs than fit the columns; the first ones are kept */
    int has_table;   /* there was a table */
    int zeros; /* to be set before: what a table does not say is 0, as the reference writes it, and not -1 */
};

/*
 * Add the rows of a file: of its table BAL_META or, where `any` is set, BALCAT, ZCATALOG or the first there is.
 * Without `any` a file that has no BAL_META is one without BAL quasars. Columns TARGETID, AI_CIV, VMIN_CIV_450 and
 * VMAX_CIV_450 are needed, others may be missing. Troughs are packed from index 0, unused entries and what the table
 * does not say are -1; indices and errors it does not have 0, BAL_PROB -99. Release in any case.
 */
int fb_truth_read(struct fb_truth *truth, const char *path, int any, struct fb_error *err);
/* Move the rows of another to the end of this. */
int fb_truth_join(struct fb_truth *truth, struct fb_truth *other, struct fb_error *err);
/* Make its rows be found: of repeated targets the first. */
int fb_truth_sort(struct fb_truth *truth, struct fb_error *err);
/* Where the key of a target is, nkeys where there is none. */
size_t fb_truth_find(const struct fb_truth *truth, int64_t targetid);
void fb_truth_release(struct fb_truth *truth);

/* What is known of a quasar that is in no truth table: no troughs, which are -1 or, with zeros, 0. */
void fb_truth_no_bal(struct fb_balrow *row, unsigned char balmask, int zeros);

/* The root of a mock's tree of truth files, from its folder or that of its spectra-16; to be freed by the caller, NULL on
 * failure. */
char *fb_truth_root(const char *folder, struct fb_error *err);

#endif
