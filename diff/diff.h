/*
 * diff.h - compares rows of two tables with BAL columns in memory: the rules, the comparison, and the
 * differences found. Files are read by diff/files.h, and reports are printed by diff/report.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DIFF_H
#define FB_DIFF_H

#include <stddef.h>
#include <stdint.h>
#include "fits/table.h"

/* ---- rules: columns and tolerances ---- */

struct fb_diff_tolerance {
    char *pattern; /* owned */
    double absolute, relative;
};

struct fb_diff_patterns { /* column names with wildcards * ? [ ] */
    char **texts;         /* owned */
    char *used;           /* per pattern: 1 once it matched a column; set by several threads */
    size_t n;
};

struct fb_diff_rules {
    double rtol, atol; /* numbers a, b are equal if |a - b| <= atol + rtol max(|a|, |b|); integers if a = b */
    double velocity;   /* km/s; replaces atol for VMIN_*, VMAX_* and POSMIN_* if larger */
    struct fb_diff_patterns columns, ignored;
    struct fb_diff_tolerance *tolerances; /* owned; the first that matches a column overrides the above */
    size_t ntolerances;
    char *tolerances_used; /* as in patterns */
};

/* The arguments of an option. */
struct fb_diff_words {
    const char *const *words; /* borrowed */
    size_t n;
};

/* Parse the arguments of --columns, --ignore (names separated by commas) and --tol (COLUMN=ABS[,REL]). */
int fb_diff_rules_take(struct fb_diff_rules *rules, const struct fb_diff_words *columns,
                       const struct fb_diff_words *ignored, const struct fb_diff_words *tolerances,
                       struct fb_error *err);
void fb_diff_rules_release(struct fb_diff_rules *rules);

/* Returns 1 if a column is compared. */
int fb_diff_rules_want(const struct fb_diff_rules *rules, const char *column);
/* The tolerances of a column; whole: its numbers are integers. */
struct fb_diff_tolerance fb_diff_rules_tolerance(const struct fb_diff_rules *rules, const char *column,
                                                 int whole);
/* A pattern of --columns or --tol that matched no column; NULL if there is none. */
const char *fb_diff_rules_unused(const struct fb_diff_rules *rules);

/* ---- differences ---- */

enum { FB_DIFF_LINES = 4 }; /* AI and BI of C IV and Si IV */

/* AI_CIV, BI_CIV, ... and CIV_450, CIV_2000, ...: the ends of VMIN_*, VMAX_* */
extern const char *const fb_diff_indices[FB_DIFF_LINES], *const fb_diff_troughs[FB_DIFF_LINES];

/* One row of a list. The meaning of a and b depends on the list; NaN if the row is on one side only. */
struct fb_diff_event {
    size_t table; /* of a tree, counted from 0 */
    int64_t row;  /* in A; in B if the row is only there */
    int64_t targetid;
    double a[2], b[2];
};

struct fb_diff_list {
    size_t count; /* total, including events that were not kept */
    size_t n, room;
    struct fb_diff_event *events; /* owned: the first of them */
};

struct fb_diff_index { /* rows with AI (or BI) > 0 */
    int there;         /* the column is on both sides */
    size_t a, b;
    struct fb_diff_list gained, lost; /* a[0], b[0]: the index */
};

struct fb_diff_lines { /* troughs of one kind */
    int there;
    size_t a, b;
    struct fb_diff_list moved, appeared, vanished; /* a, b: VMIN, VMAX */
};

struct fb_diff_changes { /* of a numeric column, by row */
    int there;
    struct fb_diff_list rows; /* a[0], b[0] */
};

struct fb_diff_extreme {
    int there;
    double size;                /* the difference */
    struct fb_diff_event where; /* a[0], b[0]: the values */
    int64_t element;            /* in the cell, from 0 */
};

struct fb_diff_column {
    char name[72];
    size_t table, place; /* first occurrence, for the order of the report */
    size_t cells, differing, rows;
    struct fb_diff_extreme absolute, relative;
};

enum fb_diff_note_kind {
    FB_DIFF_ONLY_A, /* a column */
    FB_DIFF_ONLY_B,
    FB_DIFF_FORM,
    FB_DIFF_NOT_COMPARED, /* a column of variable length */
    FB_DIFF_KEYWORD
};

struct fb_diff_note { /* about a column or keyword; one note for all tables of a tree that have it */
    enum fb_diff_note_kind kind;
    char *name, *a, *b; /* owned; a or b is NULL if that side has none */
    size_t tables, first;
};

enum { FB_DIFF_BALMASK, FB_DIFF_BALSTATUS, FB_DIFF_FLAGS };

struct fb_diff {
    size_t limit; /* number of events kept per list */
    int failed;   /* out of memory */
    size_t found; /* differences of any kind */
    size_t rows_a, rows_b, matched, differing;
    struct fb_diff_list only_a, only_b; /* a[0] or b[0]: Z, or NaN */
    struct fb_diff_index indices[FB_DIFF_LINES];
    struct fb_diff_lines troughs[FB_DIFF_LINES];
    struct fb_diff_changes flags[FB_DIFF_FLAGS], redshifts;
    struct fb_diff_column *columns; /* owned */
    size_t ncolumns;
    struct fb_diff_note *notes; /* owned */
    size_t nnotes;
};

void fb_diff_release(struct fb_diff *diff);
/* Add the differences found by another thread; afterwards, call fb_diff_sort(). */
void fb_diff_join(struct fb_diff *diff, const struct fb_diff *part);
void fb_diff_sort(struct fb_diff *diff);
/* Add to a list; a and b may be NULL. */
void fb_diff_add(struct fb_diff *diff, struct fb_diff_list *list, const struct fb_diff_event *event);
void fb_diff_add_note(struct fb_diff *diff, const struct fb_diff_note *note);
/* The index of a column in diff->columns, to which it is added if missing; -1 if out of memory. */
int64_t fb_diff_find_column(struct fb_diff *diff, const char *name, size_t table, size_t place);

/* ---- two tables ---- */

/* A column that both tables have. */
struct fb_diff_pair {
    const struct fb_column *a, *b; /* borrowed */
    struct fb_diff_tolerance tolerance;
    size_t column; /* in diff->columns */
    int alike;     /* equal bytes are equal values */
};

struct fb_diff_plan {
    size_t table;
    const struct fb_column *targetid_a, *targetid_b, *z_a, *z_b; /* Z may be missing */
    struct fb_diff_pair *pairs;                                  /* owned */
    size_t npairs;
    const struct fb_diff_pair *indices[FB_DIFF_LINES]; /* into pairs; NULL if a side has no such column */
    const struct fb_diff_pair *vmin[FB_DIFF_LINES], *vmax[FB_DIFF_LINES], *flags[FB_DIFF_FLAGS], *redshift;
};

/* The columns rows are matched by: whole numbers, one a row; and Z, one a row. NULL where there is none. */
const struct fb_column *fb_diff_targetid(const struct fb_table *table);
const struct fb_column *fb_diff_redshift(const struct fb_table *table);

/* Pair the columns of two tables, which are borrowed. Fails if one has no TARGETID, or out of memory. */
int fb_diff_plan_make(struct fb_diff_plan *plan, struct fb_diff *diff, const struct fb_diff_rules *rules,
                      const struct fb_table *a, const struct fb_table *b, size_t table);
void fb_diff_plan_release(struct fb_diff_plan *plan);

/* Compare what is not in rows: columns on one side only, columns' forms, keywords. */
void fb_diff_headers(struct fb_diff *diff, const struct fb_diff_rules *rules, const struct fb_table *a,
                     const struct fb_table *b, size_t table);
/* Compare a row of A with one of B; either may be NULL: the row is on the other side only. number is the
 * row's. */
void fb_diff_row(struct fb_diff *diff, const struct fb_diff_plan *plan, int64_t number,
                 const unsigned char *a, const unsigned char *b);

/* The shift in km/s between the redshifts a[0] and b[0]. */
double fb_diff_velocity(const struct fb_diff_event *event);

/* ---- matching rows ---- */

struct fb_diff_key {
    int64_t targetid, row;
    double z;
};

struct fb_diff_match {
    int64_t *partner; /* owned: for every row of A, the matching row of B, or -1 */
    int64_t *only_b;  /* owned, ascending */
    size_t nonly_b;
};

/*
 * Match rows by TARGETID. Rows with a repeated TARGETID are matched first by equal redshift, in file order;
 * the remaining ones by the nearest redshift (in large groups: in file order). The keys must have rows 0 .. n
 * - 1 in this order, and are reordered. Returns -1 if out of memory; release in any case.
 */
int fb_diff_match_rows(struct fb_diff_match *match, struct fb_diff_key *a, size_t na, struct fb_diff_key *b,
                       size_t nb);
void fb_diff_match_release(struct fb_diff_match *match);

#endif
