/*
 * population.h - the intrinsic spectra of quasars, rest-frame 900 to 4000 A: power law, broad emission
 * lines, iron and reddening, with the variety of real quasars, but without absorption, noise or instrument.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_POPULATION_H
#define FB_POPULATION_H

#include <stddef.h>
#include "random.h"

/* The properties of one quasar: slopes, line strengths, widths, asymmetries and shifts, iron, reddening. */
struct fb_quasar;

/* Draw one quasar; free with fb_quasar_free(). NULL if out of memory. */
struct fb_quasar *fb_quasar_draw(struct fb_rng *rng);
void fb_quasar_free(struct fb_quasar *quasar);

/*
 * Flux density per wavelength at rest wavelengths (A, increasing), scaled so that the continuum without
 * lines is 1 at 1450 A.
 */
void fb_quasar_flux(const struct fb_quasar *quasar, size_t n, const double *rest_wavelength, double *flux);

#endif
