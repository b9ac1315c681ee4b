/*
 * sample.h - quasar spectra that templates are trained on, averaged in common rest-frame cells.
 *
 * Cell k is centred at 1258 A * exp(k s), s = ln(2402/1258) / 1099 (176 km/s), and k runs over the cells that
 * lie wholly in the range in which continua are fitted, 1261 to 2399 A: 1092 of the 1100 cells on which the
 * trough-aware fit works (docs/algorithm.md), so that a trained set is exact there. Beyond the cells
 * templates keep the value of the end.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SAMPLE_H
#define FB_SAMPLE_H

#include <stddef.h>
#include "desi/mask_lines.h"

enum { FB_TRAIN_CELLS = 1092 };

/* The rest wavelength of the centre of cell i, in A. With i - 0.5 it is the blue edge, with i + 0.5 the red
 * edge. */
double fb_cell_wavelength(double i);

/*
 * FB_TRAIN_CELLS values per spectrum: the mean flux of a cell weighted with ivar, and the sum of its ivar, 0
 * if nothing was observed. Flux is in units of the spectrum's weighted mean, so that all spectra have similar
 * values and float suffices. A spectrum takes 8.7 kB.
 */
struct fb_sample {
    float *flux, *weight; /* owned: n x FB_TRAIN_CELLS */
    size_t n, room;
};

/* The outcome of adding a spectrum. */
enum fb_sample_outcome {
    FB_SAMPLE_TAKEN,
    FB_SAMPLE_SHORT, /* its pixels do not reach from the first cell to the last */
    FB_SAMPLE_NOISY, /* signal-to-noise below the limit, or mean flux not positive */
    FB_SAMPLE_FULL   /* out of memory */
};

struct fb_sample_spectrum {
    size_t n;                  /* pixels */
    const double *wavelength;  /* observed, A, increasing */
    const double *flux, *ivar; /* valid within fastbal_measured_range() */
    double z;
    const struct fb_wave_range *gaps; /* ranges to leave out */
    size_t ngaps;
};

/*
 * Add a spectrum, unless the mean of flux * sqrt(ivar) over its good pixels is below min_snr. Pixels that are
 * not finite or have no positive ivar are left out.
 */
enum fb_sample_outcome fb_sample_add(struct fb_sample *sample, const struct fb_sample_spectrum *spectrum,
                                     double min_snr);
/* Move all spectra of another sample to the end of this one. Returns -1 if out of memory; both are unchanged
 * then. */
int fb_sample_join(struct fb_sample *sample, struct fb_sample *other);
void fb_sample_release(struct fb_sample *sample);

/* The number of spectra with data in the cell that has the fewest; *cell is that cell. */
size_t fb_sample_fewest(const struct fb_sample *sample, size_t *cell);

#endif
