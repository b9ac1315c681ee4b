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
#include "desi/balrow.h"
#include "desi/provenance.h"
#include "desi/redshifts.h"
#include "fits/error.h"
#include "fits/file.h"
#include "fits/header_template.h"
#include "fits/temporary.h"

/* The survey, program and spectral type that rows should have; NULL accepts all. */
struct fb_catalog_kind {
    const char *survey, *program, *spectype;
};
/* What else a row is: a row of a column that is missing, or is not text, is never marked. */
enum fb_catalog_mark { FB_OTHER_SURVEY = 1, FB_OTHER_PROGRAM = 2, FB_OTHER_SPECTYPE = 4 };

/* n rows in the order of the file. */
struct fb_catalog_rows {
    struct fb_redshift *rows; /* owned */
    unsigned char *marks;     /* owned; fb_catalog_mark bits of each row */
    size_t n;
};

/*
 * Read TARGETID, position, Z, ZERR and ZWARN of every row, and compare SURVEY, PROGRAM and SPECTYPE (or SPECTYPE_BEST)
 * with those expected. ZERR and ZWARN are 0 where their columns are missing. Where there is no Z, the columns Z_BEST,
 * ZERR_BEST and ZWARN_BEST are read. The table is QSO_CAT, ZCATALOG, or else the first one; positions are
 * TARGET_RA/TARGET_DEC or RA/DEC, for mocks the other way round. A catalog without rows is an error. Release in any
 * case.
 */
int fb_catalog_read(struct fb_catalog_rows *catalog, const char *path, int mock,
                    const struct fb_catalog_kind *expected, struct fb_error *err);
void fb_catalog_rows_release(struct fb_catalog_rows *catalog);

/* One whole number of each of rows [0, n): the first of these columns that is there. Returns 1, 0 where there is none
 * of them, -1 on failure. */
int fb_catalog_read_column(const char *path, const char *const *names, int64_t *values, size_t n,
                           struct fb_error *err);

/* A catalog being written with BAL columns. */
struct fb_balcatalog;

/* What a catalog with BAL columns is made of, and how. Nothing of it is needed once the catalog is created. */
struct fb_balcatalog_plan {
    const char *path, *source; /* the catalog to write, and the one it extends */
    enum fb_replace replace;
    int ntemplates;
    const unsigned char *balmask; /* BALMASK bits of the rows that are not put */
    size_t n;                     /* rows of the source; another number is an error */
    fb_stop_fn *stop;             /* long work asks it between blocks, and fails; may be NULL */
    const char *troughs;          /* also write a table of troughs there (desi/trough_table.h); may be NULL */
    int described;                /* room in the header for struct fb_balcatalog_header */
    size_t kept_bytes;            /* memory for BAL columns, of which more go to a file; 0: 96 MiB */
};

/*
 * Start a catalog: HDU 1 is ZCATALOG with every row, column, unit and keyword of the source's table (BAL columns it may
 * have left out), then the BAL columns. More columns than FITS allows are an error. The rows hold "not in a BAL table"
 * and the given BALMASK bits until they are put. The file appears under its name with fb_balcatalog_commit() only.
 */
int fb_balcatalog_create(struct fb_balcatalog **catalog, const struct fb_balcatalog_plan *plan,
                         struct fb_error *err);
/* A catalog row, counted from 0, and its BAL columns. */
struct fb_balcatalog_row {
    size_t row;
    const struct fb_balrow *bal; /* borrowed */
};
/* Fill in the BAL columns of some rows, each at most once. Several threads may put different rows at a time. */
int fb_balcatalog_put_rows(struct fb_balcatalog *catalog, const struct fb_balcatalog_row *puts, size_t n,
                           struct fb_error *err);
/* What its header says of a catalog: keywords of desi/provenance.h, "unknown" where they are empty, and counts. */
struct fb_balcatalog_header {
    struct fb_provenance made;
    char options[FB_CARD_TEXT + 1]; /* BALOPTS */
    size_t nmeasured, nai, nbi;     /* BALNMEAS, BALNAI, BALNBI: rows measured, with AI > 0, with BI > 0 */
};
/* To be called before commit for a catalog that was planned with described; without it, nothing is known. */
void fb_balcatalog_describe(struct fb_balcatalog *catalog, const struct fb_balcatalog_header *header);
/* Finish, or give up; both free the catalog. */
int fb_balcatalog_commit(struct fb_balcatalog *catalog, struct fb_error *err);
void fb_balcatalog_discard(struct fb_balcatalog *catalog);

#endif
