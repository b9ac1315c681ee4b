/*
 * absorbers.h - narrow metal lines: intervening galaxies, the gas of DLAs, and gas near the quasar.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ABSORBERS_H
#define FB_ABSORBERS_H

#include "forest.h"
#include "random.h"
#include "sightline.h"

/*
 * Draw and add all systems of a quasar at redshift z. Returns the number of narrow associated C IV systems.
 */
int fb_absorbers_add(struct fb_sightline *s, struct fb_rng *rng, double z, const struct fb_dlas *dlas);

#endif
