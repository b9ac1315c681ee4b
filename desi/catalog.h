/*
 * catalog.h - QSO catalogs: reading the columns that are needed of every row, and writing a copy with BAL
 * columns.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CATALOG_H
#define FB_CATALOG_H

#include <stddef.h>
#include <stdint.h>
#include "desi/balrow.h"
#include "desi/provenance.h"
#include "desi/redshifts.h"
#include "fits/error.h"
#include "fits/file.h"
#include "fits/header_template.h"
#include "fits/table.h"
#include "fits/temporary.h"

/* The survey, program and spectral type expected of rows; NULL accepts all. */
struct fb_catalog_kind {
    const char *survey, *program, *spectype;
};
/* Marks of rows that differ from what is expected. The mark of a column that is missing, or does not hold
 * strings, is never set. */
enum fb_catalog_mark { FB_OTHER_SURVEY = 1, FB_OTHER_PROGRAM = 2, FB_OTHER_SPECTYPE = 4 };

/* n rows in the order of the file. */
struct fb_catalog_rows {
    struct fb_redshift *rows; /* owned */
    unsigned char *marks;     /* owned; fb_catalog_mark bits of each row */
    size_t n;
};

/* Open the table of a QSO catalog: QSO_CAT, ZCATALOG, or else the first one. Otherwise like fb_table_open().
 * A command opens its catalog once and passes it on, so that another file that takes its name meanwhile is
 * never read. */
int fb_catalog_open(struct fb_table *catalog, const char *path, struct fb_error *err);

/*
 * Read TARGETID, position, Z, ZERR and ZWARN of every row, and compare SURVEY, PROGRAM and SPECTYPE (or
 * SPECTYPE_BEST) with those expected. ZERR and ZWARN are 0 if their columns are missing. If there is no
 * column Z, the columns Z_BEST, ZERR_BEST and ZWARN_BEST are read. Positions are TARGET_RA and TARGET_DEC or
 * else RA and DEC; for mocks RA and DEC come first. A catalog without rows is an error. Release in any case.
 */
int fb_catalog_read(struct fb_catalog_rows *rows, struct fb_table *catalog, int mock,
                    const struct fb_catalog_kind *expected, struct fb_error *err);
void fb_catalog_rows_release(struct fb_catalog_rows *rows);

/* Read the first n rows, at most all, of one integer column: the first of these names that exists. Returns 1,
 * 0 if there is no such column, -1 on failure. */
int fb_catalog_read_column(struct fb_table *catalog, const char *const *names, int64_t *values, size_t n,
                           struct fb_error *err);

/* A catalog being written with BAL columns. */
struct fb_balcatalog;

/* How to make a catalog with BAL columns. What it points to is borrowed until the catalog is freed. */
struct fb_balcatalog_plan {
    const char *path;               /* the catalog to write */
    struct fb_table *source;        /* the open catalog that it extends */
    const struct fb_redshift *rows; /* all its rows: redshifts give the BALMASK of those never put */
    enum fb_replace replace;
    int ntemplates;
    fb_stop_fn *stop;    /* polled between blocks; may be NULL */
    const char *troughs; /* path of a table of troughs to write as well (desi/trough_table.h); may be NULL */
    int described;       /* reserve header cards for struct fb_balcatalog_header */
    size_t kept_bytes;   /* memory for BAL columns; what exceeds it goes to a file; 0: 96 MiB */
};

/*
 * Start a catalog: HDU 1 is ZCATALOG with every row, column, unit and keyword of the source's table, except
 * any BAL columns, followed by new BAL columns. It is an error if there are more columns than FITS allows.
 * Rows that are never put are marked "not in a BAL table". The file appears under its name only with
 * fb_balcatalog_commit(). A gzipped source is moved from memory to a file without a name.
 */
int fb_balcatalog_create(struct fb_balcatalog **catalog, const struct fb_balcatalog_plan *plan,
                         struct fb_error *err);
/* A catalog row, counted from 0, and its BAL columns. */
struct fb_balcatalog_row {
    size_t row;
    const struct fb_balrow *bal; /* borrowed */
};
/* Set the BAL columns of some rows, each row at most once. Several threads may put different rows at the same
 * time. */
int fb_balcatalog_put_rows(struct fb_balcatalog *catalog, const struct fb_balcatalog_row *puts, size_t n,
                           struct fb_error *err);
/* What the header says about a catalog: the keywords of desi/provenance.h, "unknown" if empty, and counts. */
struct fb_balcatalog_header {
    struct fb_provenance made;
    char options[FB_CARD_TEXT + 1]; /* BALOPTS */
    size_t nmeasured, nai, nbi;     /* BALNMEAS, BALNAI, BALNBI: rows measured, with AI > 0, with BI > 0 */
};
/* Write the catalog, or discard it (NULL is allowed); both free it, even on failure. The description is NULL
 * unless the plan set `described`. */
int fb_balcatalog_commit(struct fb_balcatalog *catalog, const struct fb_balcatalog_header *description,
                         struct fb_error *err);
void fb_balcatalog_discard(struct fb_balcatalog *catalog);

#endif
