/*
 * inject.h - puts simulated outflows into the spectra of a survey.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_INJECT_H
#define FB_INJECT_H

#include "fastbal.h"
#include "sim/outflow.h"

/* Seed the random numbers of a quasar, which depend on its TARGETID alone. */
#define FB_INJECT_SEED 20240611
void fb_inject_seed(struct fb_rng *rng, int64_t targetid);

/* The buffers of a thread. */
struct fb_injector {
    struct fb_sightline sightline;
    struct fb_outflow outflow;
    double *flux; /* owned: room for it, and for ivar */
    size_t room;
};
int fb_injector_init(struct fb_injector *injector); /* 0, or -1 if out of memory; release in any case */
void fb_injector_release(struct fb_injector *injector);

/*
 * Put an outflow into a spectrum: the flux F becomes T F + N, where T is the transmission of the outflow and
 * its dust, the latter relative to the wavelength at which surveys select quasars by magnitude, and N is
 * noise of variance (1 - T^2) / ivar, which replaces the noise that T removes. ivar stays, or becomes ivar /
 * T^2 where T is above 1. As in simulations, the redshift becomes that of a quasar whose lines lack their
 * blue sides. Flux and ivar of the result belong to the injector. They are set within
 * fastbal_measured_range() of the new redshift, which is up to 0.05 (1 + z) larger, and the spectrum must
 * have values there. Returns -1 if out of memory.
 */
int fb_inject(struct fb_injector *injector, struct fb_rng *rng, struct fastbal_spectrum *spectrum);

#endif
