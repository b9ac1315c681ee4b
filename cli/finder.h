/*
 * finder.h - what find and run measure with: the templates and a measurer for every thread.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FINDER_H
#define FB_FINDER_H

#include "cli/account.h"
#include "cli/measure_pixel.h"
#include "cli/ranks.h"
#include "cli/tally.h"
#include "fits/error.h"
#include "desi/baltable.h"
#include "fits/header_template.h"
#include "desi/template_file.h"

/* What the user chooses; NULL and 0 where nothing is said. */
struct fb_finder_options {
    const char *templates, *fit, *rules; /* names */
    int alttemp;
    long nproc;
};

struct fb_finder {
    struct fb_template_set templates;
    struct fb_form form;           /* of BAL tables */
    struct fb_measurer *measurers; /* one a thread */
    struct fb_account *accounts;   /* what each has used */
    int nthreads;
    int ntemplates;
    int part; /* of the targets alone: a BAL table of others is not replaced unasked */
    struct fb_provenance
        made; /* what BAL tables say: product is the caller's to fill in before, on every rank */
};

/*
 * Get everything ready that threads need; options have been checked. Templates, those of --templates, or --alttemp, or
 * the default, are read by rank 0 alone, and so is the form of BAL tables made there: fb_finder_prepare() is for rank 0,
 * and fb_finder_share(), which all ranks call after it, gives the others the same. Release in any case.
 */
int fb_finder_prepare(struct fb_finder *finder, const struct fb_finder_options *options,
                      struct fb_error *err);
int fb_finder_share(struct fb_finder *finder, const struct fb_finder_options *options,
                    const struct fb_ranks *ranks, struct fb_error *err);
void fb_finder_release(struct fb_finder *finder);

/*
 * The three steps of a pixel, in a thread. Redshifts are released by the caller in any case; rows are his to
 * free and as many as redshifts. Time spent is noted in the thread's account.
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
int fb_finder_goes_on(struct fb_finder *finder, int thread, const char *path,
                      const struct fb_redshifts *redshifts, struct fb_baltable *table, char **note,
                      struct fb_error *err);
/* For a pixel that failed: where a BAL table is there all the same, say so with the reason. */
void fb_finder_tell_older(const char *path, struct fb_error *err);

/* Add what all threads used. */
void fb_finder_account(const struct fb_finder *finder, struct fb_account *total);

/* Can the options be followed? A line is printed where they can't. */
int fb_finder_options_check(const char *command, const struct fb_finder_options *options);

#endif
