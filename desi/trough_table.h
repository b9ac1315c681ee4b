/*
 * trough_table.h - tables of troughs, HDU BAL_TROUGHS: a row for each AI trough, C IV before Si IV, as in
 * catalogs of damped absorbers. BAL tables have one as their second HDU; append and run write one for a
 * catalog.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TROUGH_TABLE_H
#define FB_TROUGH_TABLE_H

#include <stddef.h>
#include "desi/balrow.h"
#include "desi/provenance.h"
#include "fits/error.h"
#include "fits/header_template.h"
#include "fits/table.h"

#define FB_TROUGH_TABLE_NAME "BAL_TROUGHS"

/* Rows as they are in the file. Initialise with zeros. */
struct fb_trough_list {
    unsigned char *bytes; /* owned */
    size_t n, room;       /* rows */
};

/* Append the troughs of a quasar; -1 if out of memory. */
int fb_trough_list_add(struct fb_trough_list *list, const struct fb_balrow *row);
void fb_trough_list_release(struct fb_trough_list *list);

/* Create the header template of such a table. Release it with fb_header_template_release(). */
int fb_trough_table_header(struct fb_header_template *header, const struct fb_provenance *made,
                           struct fb_error *err);

/* Fill civ_whole and siiv_whole of rows from the table of their troughs. Fails if the table holds other
 * troughs. */
int fb_trough_table_fill(struct fb_table *troughs, struct fb_balrow *rows, size_t n, struct fb_error *err);

#endif
