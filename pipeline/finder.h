/*
 * finder.h - what commands that measure share: templates, a measurer per thread, and the steps of a pixel.
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
    fastbal_detector *detector;         /* owned; NULL: none */
    struct fb_baltable_headers headers; /* of BAL tables */
    struct fb_measurer *measurers;      /* owned: one per thread */
    struct fb_usage *usage;             /* owned: what each thread has used */
    int nthreads;
    int ntemplates;
    int with_troughs; /* BAL tables that are kept are read with their troughs */
    int part;         /* only some targets are selected: BAL tables are replaced only with --clobber */
    struct fb_provenance
        made; /* written to BAL tables; the caller sets product before fb_finder_start(), on every rank */
};

/*
 * Prepare what threads need, once the templates have been read: measurers, and the provenance of tables, with
 * these names of the fit, the rules and the continuum. The caller makes the headers with
 * fb_baltable_headers_create(). Release in any case.
 */
int fb_finder_start(struct fb_finder *finder, int nthreads, const struct fastbal_options *options,
                    const char *fit, const char *rules, const char *continuum, struct fb_error *err);
void fb_finder_release(struct fb_finder *finder);

/* Write a BAL table; the time is added to the thread's usage, as by the functions below. */
int fb_finder_write(struct fb_finder *finder, int thread, const char *path, enum fb_replace replace,
                    const struct fb_balrow *rows, size_t n, struct fb_error *err);
/* Measure a pixel's redshift rows on its spectra; the caller releases the table in any case. Fails if none of
 * the targets has a spectrum in the file, which must then belong to another pixel, release or mock. */
int fb_finder_table(struct fb_finder *finder, int thread, const char *spectra,
                    const struct fb_redshifts *redshifts, struct fb_baltable *table, struct fb_error *err);
/* Count the rows of the redshift catalog from which the table was measured. */
struct fb_tally fb_finder_tally(const struct fb_redshifts *redshifts, const struct fb_baltable *table);

/*
 * Returns 1 if a complete BAL table exists for these redshifts and templates; the caller then releases it.
 * Returns 0 otherwise, also if the table can't be read, with the reason in why, or with an empty why if there is
 * no table. Returns -1 if the system can't tell whether it exists.
 */
int fb_finder_keeps(struct fb_finder *finder, int thread, const char *path,
                    const struct fb_redshifts *redshifts, struct fb_baltable *table, struct fb_error *why);
/* Like fb_finder_keeps(), but if an existing table is unsuitable, returns 0 and a note that the pixel is
 * measured again, which the caller frees, or -1 if the table may not be replaced. */
int fb_finder_resumes(struct fb_finder *finder, int thread, const char *path,
                      const struct fb_redshifts *redshifts, struct fb_baltable *table, char **note,
                      struct fb_error *err);
/* For a pixel that failed: if it has an older BAL table, say so in the error. */
void fb_finder_note_stale(const char *path, struct fb_error *err);

/* Add the usage of all threads. */
void fb_finder_usage(const struct fb_finder *finder, struct fb_usage *total);

#endif
