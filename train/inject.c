/* inject.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/inject.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void fb_inject_seed(struct fb_rng *rng, int64_t targetid)
{
    fb_rng_seed(rng, FB_INJECT_SEED, (uint64_t)targetid);
}

int fb_injector_init(struct fb_injector *injector)
{
    memset(injector, 0, sizeof *injector);
    return fb_sightline_init(&injector->sightline);
}

void fb_injector_release(struct fb_injector *injector)
{
    fb_sightline_release(&injector->sightline);
    free(injector->flux);
    memset(injector, 0, sizeof *injector);
}

static int make_room(struct fb_injector *injector, size_t n)
{
    if (n <= injector->room)
        return 0;
    free(injector->flux);
    injector->flux = malloc(2 * n * sizeof *injector->flux);
    injector->room = injector->flux ? n : 0;
    return injector->flux ? 0 : -1;
}

/* The transmission of dust, relative to that at the wavelength at which surveys select quasars by
 * magnitude. */
static double dust(double ebv, double wavelength, double z)
{
    const double selected = fmax(6400, 1350 * (1 + z));
    return fb_dust_transmission(ebv, wavelength / (1 + z)) / fb_dust_transmission(ebv, selected / (1 + z));
}

int fb_inject(struct fb_injector *injector, struct fb_rng *rng, struct fastbal_spectrum *s)
{
    size_t begin, end;
    const double z = s->z;

    if (make_room(injector, s->n) != 0)
        return -1;
    double *flux = injector->flux, *ivar = flux + injector->room;
    fb_outflow_draw(&injector->outflow, rng);
    const double ebv = fb_outflow_draw_dust(rng);
    fb_sightline_clear(&injector->sightline);
    fb_outflow_apply(&injector->outflow, &injector->sightline, z);
    s->z += (1 + z) * fmin(injector->outflow.redshift_error / FASTBAL_LIGHT_SPEED, 0.05);
    fastbal_measured_range(s->n, s->wavelength, s->z, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const double w = s->wavelength[i];
        const double t = fb_sightline_seen(&injector->sightline, w) * dust(ebv, w, z);
        flux[i] = t * s->flux[i];
        ivar[i] = t > 1 ? s->ivar[i] / (t * t) : s->ivar[i];
        if (t < 1 && s->ivar[i] > 0)
            flux[i] += fb_normal(rng) * sqrt((1 - t * t) / s->ivar[i]);
    }
    s->flux = flux;
    s->ivar = ivar;
    return 0;
}
