/*
 * catalog.h - QSO catalogs: reading what split and append need of every row, and writing the catalog again
 * with BAL columns.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CATALOG_H
#define FB_CATALOG_H

#include <stddef.h>
#include <stdint.h>
#include "io/balrow.h"
#include "io/error.h"
#include "io/redshifts.h"

/* Catalog rows in the order of the file: TARGETID, position, Z, ZERR, ZWARN. Columns ZERR and ZWARN may be
 * missing, they are then 0. Where there is no Z they are Z_BEST, ZERR_BEST and ZWARN_BEST. The table is QSO_CAT, ZCATALOG, or else the first there is; positions are
 * TARGET_RA/TARGET_DEC or, for mocks first, RA/DEC. A catalog without rows is an error. Free *rows in any
 * case. */
int fb_catalog_read(const char *path, int mock, struct fb_redshift **rows, size_t *n, struct fb_error *err);

/* One whole number of each of rows [0, n): the first of these columns that is there. Returns 1, 0 where there is none
 * of them, -1 on failure. */
int fb_catalog_read_column(const char *path, const char *const *names, int64_t *values, size_t n,
                           struct fb_error *err);

/* A catalog being written with BAL columns. */
struct fb_balcatalog;

/* Not 0: whoever waits has lost interest, stop at the next occasion. */
typedef int fb_stop_fn(void);

/*
 * Start the catalog `path` from the catalog `source`: HDU 1 is ZCATALOG with every row, column, unit and
 * keyword of the source's table (BAL columns it may have left out), then the BAL columns. The n rows hold "not in a
 * BAL table" and the given BALMASK bits until they are put; a source with another number of rows is an error. The file
 * appears under its name with fb_balcatalog_commit() only. Long work asks stop() (which may be NULL) between its
 * blocks, and fails.
 */
int fb_balcatalog_create(struct fb_balcatalog **catalog, const char *path, const char *source, int ntemplates,
                         const unsigned char *balmask, size_t n, fb_stop_fn *stop, struct fb_error *err);
/* A catalog row, counted from 0, and its BAL columns. */
struct fb_balput {
    size_t row;
    const struct fb_balrow *bal; /* borrowed */
};
/* Fill in the BAL columns of some rows, each at most once; neighbours that follow each other in the list go
 * to the file together. Several threads may put different rows at a time. */
int fb_balcatalog_put_rows(struct fb_balcatalog *catalog, const struct fb_balput *puts, size_t n,
                           struct fb_error *err);
/* Finish, or give up; both free the catalog. */
int fb_balcatalog_commit(struct fb_balcatalog *catalog, struct fb_error *err);
void fb_balcatalog_discard(struct fb_balcatalog *catalog);

#endif
