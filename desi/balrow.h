/*
 * balrow.h - one row of BAL columns, and the list of those columns with name, type, length and unit. Whatever
 * reads or writes BAL tables or extends catalogs iterates over this list.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BALROW_H
#define FB_BALROW_H

#include <stddef.h>
#include <stdint.h>
#include "fastbal.h"

struct fb_balrow_troughs {
    float index, error;
    int32_t count;
    float vmin[FASTBAL_MAX_AI], vmax[FASTBAL_MAX_AI], posmin[FASTBAL_MAX_AI], fmin[FASTBAL_MAX_AI];
};

/* AI troughs over their whole width; 0 without a trough, NaN if the BAL table does not have the values. */
struct fb_balrow_whole {
    float ew[FASTBAL_MAX_AI], err_ew[FASTBAL_MAX_AI], depth[FASTBAL_MAX_AI], err_depth[FASTBAL_MAX_AI];
    float inside[FASTBAL_MAX_AI]; /* the detector's probability */
};

struct fb_balrow {
    int64_t targetid;
    float target_ra, target_dec, z, zerr, zwarn;
    float pca_coeffs[FASTBAL_MAX_TEMPLATES];
    float pca_chi2, bal_prob;
    struct fb_balrow_troughs civ_bi, civ_ai, siiv_bi, siiv_ai;
    float snr_civ, snr_redside, snr_forest;
    int32_t balstatus;
    float ai_tot, err_ai_tot, bi0, err_bi0, di, err_di, ew, err_ew, depth, err_depth; /* of C IV */
    int32_t lobal; /* FB_LOBAL_UNKNOWN, FB_HIBAL or FB_LOBAL */
    float depth_aliii, err_depth_aliii, depth_mgii, err_depth_mgii;
    /* of the detector */
    float det_ai, err_det_ai, det_bi, err_det_bi;
    int32_t det_count;
    float det_vmin[FASTBAL_MAX_DETECTED], det_vmax[FASTBAL_MAX_DETECTED], det_edge[FASTBAL_MAX_DETECTED],
        det_inside[FASTBAL_MAX_DETECTED];
    struct fb_balrow_whole civ_whole, siiv_whole;
    uint8_t balmask;
};

/* LOBAL: was low-ionization absorption found at the velocities of the C IV troughs? */
enum { FB_LOBAL_UNKNOWN = -1 /* not searched */, FB_HIBAL = 0, FB_LOBAL = 1 };

/* BALMASK of a catalog row. */
enum {
    FB_BALMASK_NO_ROW = 1,      /* not in a BAL table */
    FB_BALMASK_Z_RANGE = 2,     /* redshift outside FASTBAL_Z_MIN .. FASTBAL_Z_MAX */
    FB_BALMASK_Z_DIFFERS = 4,   /* redshift differs from the BAL table's by more than 0.001 */
    FB_BALMASK_NOT_MEASURED = 8 /* in a BAL table, but not measured */
};

/* Is the redshift in the finder's range? */
int fb_in_z_range(double z);
/* BALMASK of a catalog row with this redshift and these BAL columns; NULL if it is in no BAL table. */
uint8_t fb_balmask(const struct fb_balrow *row, double z);
/* Redshifts that differ by no more than this are the same. */
#define FB_SAME_REDSHIFT 0.001

/* BALSTATUS of a catalog row that is in no BAL table: all bits are set, so that tests for "not measured" are
 * true. */
enum { FB_BALSTATUS_NO_ROW = -1 };

enum fb_balrow_use {
    FB_IN_TABLE = 1,   /* a column of BAL tables */
    FB_IN_CATALOG = 2, /* a column appended to catalogs */
    FB_OPTIONAL = 4,   /* BAL tables of older or other programs may lack it */
    FB_OF_TROUGHS = 8  /* a column of neither, but needed to write a table of troughs */
};

struct fb_balrow_column {
    const char *name;
    char type;     /* K, J, E or B, as in TFORM */
    int repeat;    /* values per row; 0: one per template */
    size_t offset; /* in struct fb_balrow */
    int use;       /* fb_balrow_use bits */
    const char *unit;
    const char *description; /* TCOMM; empty for columns that no file has */
};

/* Iterate over the list, in file order: returns the next column of this use, or the first if column is NULL;
 * NULL at the end. */
const struct fb_balrow_column *fb_balrow_next(const struct fb_balrow_column *column, enum fb_balrow_use use);
enum { FB_BALROW_COLUMNS = 80 }; /* no more than these in all */

/* Fill in names, formats and units of the columns of this use, as CFITSIO takes them. Arrays have room for
 * FB_BALROW_COLUMNS elements; text holds the formats. Returns the number of columns. */
int fb_balrow_names(enum fb_balrow_use use, int ntemplates, char **ttype, char **tform, char **tunit,
                    char (*text)[16]);

/* Is this the name, ignoring case, of a column appended to catalogs? */
int fb_balrow_in_catalog(const char *name);

/* The number of values per row of a column. */
int fb_balrow_repeat(const struct fb_balrow_column *column, int ntemplates);
size_t fb_balrow_type_size(char type); /* bytes of one value, in a file and in memory */

/* Bytes of a table row that has the columns of this use. */
size_t fb_balrow_bytes(enum fb_balrow_use use, int ntemplates);
/* Write the columns of this use big-endian, as in a FITS table. Returns the end of what was written. */
unsigned char *fb_balrow_encode(const struct fb_balrow *row, enum fb_balrow_use use, int ntemplates,
                                unsigned char *bytes);
/* The reverse: fill the members of these columns. */
void fb_balrow_decode(struct fb_balrow *row, enum fb_balrow_use use, int ntemplates,
                      const unsigned char *bytes);
/* The same for one column, whose cell has `repeat` values. */
void fb_balrow_decode_value(struct fb_balrow *row, const struct fb_balrow_column *column,
                            const unsigned char *bytes, int repeat);

/* Fill a row for a quasar without troughs: trough arrays are -1, all else is 0. */
void fb_balrow_no_troughs(struct fb_balrow *row);
/* Set the trough arrays of one kind to -1. */
void fb_balrow_empty(struct fb_balrow_troughs *troughs);

/* Fill a row from a measurement: all but the target, its redshift and BALMASK. */
void fb_balrow_from_result(struct fb_balrow *row, const struct fastbal_result *result);

#endif
