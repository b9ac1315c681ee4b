/*
 * job.h - the work on one pixel, for find and run: measures the rows of a redshift catalog or QSO catalog on
 * the pixel's spectra, and writes the results to its BAL table, to a catalog, or to both.
 *
 *     prepare: rows and paths       rows of a QSO catalog, or a redshift catalog
 *     measure: rows to results      or an existing BAL table of the same rows
 *     deliver: results to rows      BAL table; catalog; or a result for the rank that has the catalog
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_JOB_H
#define FB_JOB_H

#include "desi/catalog.h"
#include "desi/layout.h"
#include "desi/tree.h"
#include "fits/error.h"
#include "pipeline/finder.h"
#include "pipeline/pixel_result.h"
#include "pipeline/pixel_rows.h"

/* Everything is borrowed, except what fb_job_start() allocates. */
struct fb_job {
    struct fb_finder *finder;
    struct fb_tree spectra;
    const struct fb_id_list *pixels;
    /* rows */
    const struct fb_pixel_rows
        *rows;             /* of a QSO catalog, sorted by these pixels; NULL: redshift catalogs are read */
    const char *zfileroot; /* file name of redshift catalogs, in the tree of the BAL tables */
    const struct fb_selection *selection; /* of targets of redshift catalogs */
    /* results */
    struct fb_tree tables;         /* BAL tables; root is NULL if none are written */
    int clobber;                   /* measure again pixels that have a BAL table */
    int dry;                       /* dry run: nothing is measured or written */
    struct fb_balcatalog *catalog; /* for the rows of a QSO catalog; NULL: another rank has it */
    unsigned char *found;          /* for redshift catalogs: one mark per selected target that was found */
    int leads;                     /* this rank has `found`; else another rank has it */
    /* pixels prepared ahead, one per thread */
    struct fb_prepared *prepared;
};

/* Allocate memory for the pixels prepared ahead. Returns 0, or -1 with an error. Release in any case. */
int fb_job_start(struct fb_job *job, struct fb_error *err);
void fb_job_release(struct fb_job *job);

/* Process the index-th pixel in a thread of the finder, into result; on failure, set err. */
enum fb_pixel_outcome fb_job_do(struct fb_job *job, int thread, size_t index, struct fb_pixel_result *result,
                                struct fb_error *err);
/* Prepare the pixel that this thread processes next and prefetch its spectra. Errors are reported by
 * fb_job_do(). */
void fb_job_ahead(struct fb_job *job, int thread, size_t index);
/* Deliver the bytes of a result received from another rank. */
int fb_job_receive(struct fb_job *job, const struct fb_pixel_result *result, struct fb_error *err);

/* The targets of a redshift catalog that are selected and in range; the caller releases them in any case. */
int fb_job_read_redshifts(struct fb_finder *finder, int thread, const char *zcat,
                          const struct fb_selection *selection, struct fb_redshifts *redshifts,
                          struct fb_error *err);
/* Mark these targets as found. Any number of threads may call this. */
void fb_job_mark(unsigned char *found, const struct fb_selection *selection,
                 const struct fb_redshifts *redshifts);

#endif
