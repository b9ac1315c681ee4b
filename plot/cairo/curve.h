/*
 * curve.h - the numbers behind a figure: what of a spectrum is shown, smoothed, and the ranges of the axes. Knows nothing
 * of drawing.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CURVE_H
#define FB_CURVE_H

#include "plot/figure.h"

/* Wavelengths x are those of the axis. Values are NaN where there is nothing to draw. */
struct fb_curve {
    size_t n;
    double *x, *flux, *error, *continuum, *ratio, *ratio_error; /* n each; owned by x */
    double begin, end;                                          /* of the x axis; begin < end */
    double low, high;                                           /* of the flux axis */
    double ratio_high; /* of the axis of the normalised flux, which begins at FB_RATIO_LOW */
    double frame;      /* the axis's wavelength of 1 A in the rest frame */
};
#define FB_RATIO_LOW (-0.15)

/* Free it in any case. -1 if out of memory. */
int fb_curve_make(struct fb_curve *curve, const struct fb_plot_figure *figure,
                  const struct fb_plot_style *style);
void fb_curve_free(struct fb_curve *curve);

/* A step of 1, 2 or 5 times a power of ten that divides a range into no more than `most` parts. */
double fb_tick_step(double range, int most);

#endif
