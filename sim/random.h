/*
 * random.h - random numbers for simulations, reproducible on every machine from the seed and stream.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_RANDOM_H
#define FB_RANDOM_H

#include <stdint.h>

struct fb_rng {
    uint64_t s[4];
};

/*
 * Independent streams of one seed. Every quasar has its own stream, so that results don't depend on order.
 */
void fb_rng_seed(struct fb_rng *rng, uint64_t seed, uint64_t stream);
uint64_t fb_rng_bits(struct fb_rng *rng); /* 64 random bits */
double fb_uniform(struct fb_rng *rng);    /* in [0, 1) */
double fb_normal(struct fb_rng *rng);     /* mean 0, standard deviation 1 */
unsigned fb_poisson(struct fb_rng *rng, double mean);

#endif
