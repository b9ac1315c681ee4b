/*
 * measure.h - measures the quasars of one coadd.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MEASURE_H
#define FB_MEASURE_H

#include "fastbal.h"
#include "desi/balrow.h"
#include "desi/coadd.h"
#include "desi/redshifts.h"
#include "fits/error.h"

/* The reusable buffers of a thread. Initialise with zeros. */
struct fb_measurer {
    const fastbal_templates *templates; /* borrowed */
    struct fastbal_options options;
    fastbal_workspace *work;
    double *flux, *ivar; /* joined spectrum, room pixels each */
    size_t room;
    struct fb_coadd *coadd; /* the reader, reused for all files */
    struct fb_coadd *next;  /* a second reader, with the prefetched file */
    char *next_path;        /* its path; NULL if nothing was prefetched */
    int cold;               /* a file was not in the page cache, so prefetching pays */
};
void fb_measurer_release(struct fb_measurer *m);

/* The I/O statistics so far. */
struct fb_io_stats fb_measurer_io(const struct fb_measurer *m);

/* Open the coadd that is measured next and prefetch its rows; for measurers that are cold. Errors are
 * reported when it is measured. */
void fb_measure_ahead(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts);

/*
 * Measure every redshift row on its target's spectrum in the coadd, into rows[redshifts->n] in the same
 * order. A target that is not in the coadd, or can't be measured, gets a row with BALSTATUS bits. Redshift
 * rows with the same TARGETID each get their own result, from the single spectrum of that target.
 */
int fb_measure_coadd(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                     struct fb_balrow *rows, struct fb_error *err);

#endif
