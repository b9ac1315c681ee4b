/*
 * job.h - one pixel, the same for find and run: rows from a redshift catalog or a QSO catalog are measured on the pixel's
 * spectra, and go to its BAL table, to a catalog, or both.
 *
 *     prepare: rows and paths       rows of a QSO catalog, or a redshift catalog
 *     measure: rows to results      or a BAL table that is there and stands for the same rows
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

/* All of it is borrowed, but for what fb_job_start() makes. */
struct fb_job {
    struct fb_finder *finder;
    struct fb_tree spectra;
    const struct fb_pixel_list *pixels;
    /* rows */
    const struct fb_pixel_rows
        *rows;             /* of a QSO catalog, by these pixels; NULL: redshift catalogs are read */
    const char *zfileroot; /* what those are called, in the tree of the BAL tables */
    const struct fb_selection *selection; /* of their targets */
    /* results */
    struct fb_tree tables;         /* BAL tables; its root is NULL where none are written */
    int clobber;                   /* measure again what is there already */
    int dry;                       /* only look: nothing is measured or written */
    struct fb_balcatalog *catalog; /* for the rows of a QSO catalog; NULL: another rank has it */
    unsigned char *found;          /* for redshift catalogs: marks of the selected targets that they have */
    int leads;                     /* found is here; else another rank has it */
    /* between looking ahead and doing, one for each thread */
    struct fb_prepared *prepared;
};

int fb_job_start(struct fb_job *job, struct fb_error *err);
void fb_job_release(struct fb_job *job);

/* Do the index-th pixel, in a thread of the finder. What it leaves behind goes to the result, and why it failed to err. */
enum fb_pixel_outcome fb_job_do(struct fb_job *job, int thread, size_t index, struct fb_pixel_result *result,
                                struct fb_error *err);
/* Get the pixel ready that this thread does next, and let the system fetch its spectra meanwhile. What fails is found out
 * when it is done. */
void fb_job_ahead(struct fb_job *job, int thread, size_t index);
/* Take the bytes of a result from another rank. */
int fb_job_receive(struct fb_job *job, const struct fb_pixel_result *result, struct fb_error *err);

/* The targets of a redshift catalog that are selected and in range; the caller releases them in any case. */
int fb_job_read_redshifts(struct fb_finder *finder, int thread, const char *zcat,
                          const struct fb_selection *selection, struct fb_redshifts *redshifts,
                          struct fb_error *err);
/* Mark these targets among the selected ones. */
void fb_job_mark(unsigned char *found, const struct fb_selection *selection,
                 const struct fb_redshifts *redshifts);

#endif
