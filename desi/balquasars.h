/*
 * balquasars.h - the AI troughs of the quasars of a catalog with BAL columns.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BALQUASARS_H
#define FB_BALQUASARS_H

#include <stddef.h>
#include "desi/mask_lines.h"
#include "fits/error.h"
#include "fits/table.h"

struct fb_balquasars {
    struct fb_trough_range *troughs; /* owned: concatenated in row order */
    size_t *begin;                   /* owned, nrows + 1: index of each row's first trough */
    size_t nrows, nquasars;          /* nquasars: rows with troughs */
    int has_siiv;                    /* the catalog has columns of Si IV */
};

/*
 * Read a catalog, in row order. A row with AI_CIV > 0 has its C IV troughs, followed by its Si IV troughs if
 * AI_SIIV > 0. Other rows have none. Returns 0, or -1 with an error. Release in any case.
 */
int fb_balquasars_read(struct fb_balquasars *quasars, struct fb_table *catalog, struct fb_error *err);
void fb_balquasars_release(struct fb_balquasars *quasars);

#endif
