/*
 * measure.h - measures the quasars of one coadd.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MEASURE_H
#define FB_MEASURE_H

#include "fastbal.h"
#include "desi/balrow.h"
#include "desi/redshifts.h"
#include "desi/spectra.h"
#include "fits/error.h"

/* The reusable buffers of a thread. Initialise with zeros. */
struct fb_measurer {
    const fastbal_templates *templates; /* borrowed */
    struct fastbal_options options;
    fastbal_workspace *work;
    struct fb_spectra *spectra;
};
void fb_measurer_release(struct fb_measurer *m);

/* Takes a spectrum, its redshift row, and its result, which are valid during the call. Returns 0, or -1 with
 * an error. */
typedef int fb_take_result(void *context, const struct fb_spectrum *spectrum,
                           const struct fb_redshift *redshift, const struct fastbal_result *result,
                           struct fb_error *err);

/* Measure every redshift row on its target's spectrum in the coadd, and pass each result to take(), in the
 * order of fb_spectra_next(). A target that is not in the coadd gets a result with FASTBAL_NO_SPECTRUM. */
int fb_measure_each(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                    fb_take_result *take, void *context, struct fb_error *err);

/*
 * Measure every redshift row on its target's spectrum in the coadd, into rows[redshifts->n], in the order of
 * the redshift rows. A target that is not in the coadd, or can't be measured, gets a row with BALSTATUS bits.
 * Redshift rows with the same TARGETID each get their own result, from the single spectrum of that target.
 */
int fb_measure_coadd(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                     struct fb_balrow *rows, struct fb_error *err);

#endif
