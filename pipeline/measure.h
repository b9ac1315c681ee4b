/*
 * measure.h - measure the quasars of one coadd: the unit of work of a thread in find.
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

/* What a thread needs again and again. All zero is a good start. */
struct fb_measurer {
    const fastbal_templates *templates; /* borrowed */
    struct fastbal_options options;
    fastbal_workspace *work;
    double *flux, *ivar; /* joined spectrum, room pixels each */
    size_t room;
    struct fb_coadd *coadd; /* the reader, between files */
    struct fb_coadd *next;  /* another, with the file that comes next */
    char *next_path;        /* its path; NULL where nothing was opened ahead */
    int cold;               /* a file had to be fetched from disk: so will others, and looking ahead pays */
};
void fb_measurer_release(struct fb_measurer *m);

/* What reading spectra cost so far. */
struct fb_io_stats fb_measurer_io(const struct fb_measurer *m);

/* Open the coadd that is measured next and have its rows fetched meanwhile; for measurers that are cold. What
 * goes wrong is found out when it is measured. */
void fb_measure_ahead(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts);

/*
 * Measure every redshift row on its target's spectrum in the coadd, into rows[redshifts->n] in the same
 * order. A target that is not in the coadd, or can't be measured, is a row with BALSTATUS bits. Redshift rows with
 * the same TARGETID each get their own result, on the one spectrum of that target.
 */
int fb_measure_coadd(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                     struct fb_balrow *rows, struct fb_error *err);

#endif
