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

struct fb_balquasars {
    struct fb_trough_range *troughs; /* owned: row by row */
    size_t *begin;                   /* owned, nrows + 1: where those of a row begin */
    size_t nrows, nquasars;          /* nquasars: rows with troughs */
    int has_siiv;                    /* the catalog has columns of Si IV */
};

/*
 * Read the table that fb_catalog_read() reads, its rows in the same order. The troughs of a row are those of C IV
 * where AI_CIV > 0, and then, where AI_SIIV > 0 as well, those of Si IV; of other rows none. Release in any case.
 */
int fb_balquasars_read(struct fb_balquasars *quasars, const char *path, struct fb_error *err);
void fb_balquasars_release(struct fb_balquasars *quasars);

#endif
