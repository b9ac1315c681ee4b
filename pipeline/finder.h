/*
 * finder.h - what find and run measure with: the templates and a measurer for every thread; and the steps of a pixel.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FINDER_H
#define FB_FINDER_H

#include "desi/baltable.h"
#include "desi/template_file.h"
#include "fits/error.h"
#include "fits/header_template.h"
#include "pipeline/measure.h"
#include "pipeline/tally.h"
#include "pipeline/usage.h"

struct fb_finder {
    struct fb_template_set templates;
    struct fb_header_template header_template; /* of BAL tables */
    struct fb_measurer *measurers;             /* one a thread */
    struct fb_usage *usage;                    /* what each has used */
    int nthreads;
    int ntemplates;
    int part; /* of the targets alone: a BAL table of others is not replaced unasked */
    struct fb_provenance
        made; /* what BAL tables say: product is the caller's to fill in before, on every rank */
};

/*
 * Get ready what threads need, with templates that have been read: measurers, and what tables will say they were made with
 * (names of the fit and the rules). The header template is the caller's to make, fb_baltable_header(). Release in any case.
 */
int fb_finder_start(struct fb_finder *finder, int nthreads, const struct fastbal_options *options,
                    const char *fit, const char *rules, struct fb_error *err);
void fb_finder_release(struct fb_finder *finder);

/*
 * The three steps of a pixel, in a thread. Redshifts are released by the caller in any case; rows are his to
 * free and as many as redshifts. Time spent is noted in the thread's usage.
 */
int fb_finder_read(struct fb_finder *finder, int thread, const char *zcat, struct fb_redshifts *redshifts,
                   struct fb_error *err);
int fb_finder_measure(struct fb_finder *finder, int thread, const char *spectra,
                      const struct fb_redshifts *redshifts, struct fb_balrow **rows, struct fb_error *err);
/* Is it worth while to fetch the spectra that the thread measures next? */
int fb_finder_looks_ahead(const struct fb_finder *finder, int thread);
/* Fetch them. */
void fb_finder_ahead(struct fb_finder *finder, int thread, const char *spectra,
                     const struct fb_redshifts *redshifts);
int fb_finder_write(struct fb_finder *finder, int thread, const char *path, enum fb_replace replace,
                    const struct fb_balrow *rows, size_t n, struct fb_error *err);
/* Measure a pixel's redshifts on its spectra: the table is the caller's to release in any case. It fails where none of
 * the targets has a spectrum in the file, which is then another pixel's, release's or mock's. */
int fb_finder_table(struct fb_finder *finder, int thread, const char *spectra,
                    const struct fb_redshifts *redshifts, struct fb_baltable *table, struct fb_error *err);
/* What became of the rows of a redshift catalog that the table was measured for. */
struct fb_tally fb_finder_tally(const struct fb_redshifts *redshifts, const struct fb_baltable *table);

/*
 * 1 where a BAL table is there and may stay, since it is whole and stands for these redshifts and templates; the
 * table is then the caller's to release. 0 where not: why says what is wrong with the one that is there, and
 * nothing if there is none. -1 where the system can't tell.
 */
int fb_finder_keeps(struct fb_finder *finder, int thread, const char *path,
                    const struct fb_redshifts *redshifts, struct fb_baltable *table, struct fb_error *why);
/* The same, with a note, to be freed by the caller, that the pixel is measured again where one won't do; or -1
 * where it may not be. */
int fb_finder_resumes(struct fb_finder *finder, int thread, const char *path,
                      const struct fb_redshifts *redshifts, struct fb_baltable *table, char **note,
                      struct fb_error *err);
/* For a pixel that failed: where a BAL table is there all the same, say so with the reason. */
void fb_finder_note_stale(const char *path, struct fb_error *err);

/* Add what all threads used. */
void fb_finder_usage(const struct fb_finder *finder, struct fb_usage *total);

#endif
