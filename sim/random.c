/*
 * random.c - xoshiro256** (Blackman & Vigna 2021, ACM Trans. Math. Softw. 47, 36), seeded through
 * splitmix64 (Steele, Lea & Flood 2014), and some distributions.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "random.h"

#include <math.h>

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* The mixing function of splitmix64, a bijection of 64 bits. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void fb_rng_seed(struct fb_rng *rng, uint64_t seed, uint64_t stream)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */

    /* Mix twice, so that adjacent seeds and adjacent streams start far apart in the splitmix sequence. */
    uint64_t x = mix(mix(seed + golden) + golden * (stream + 1));
    for (int i = 0; i < 4; i++) {
        x += golden;
        rng->s[i] = mix(x);
    }
}

uint64_t fb_rng_bits(struct fb_rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t bits = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return bits;
}

double fb_uniform(struct fb_rng *rng)
{
    return (double)(fb_rng_bits(rng) >> 11) * 0x1.0p-53;
}

/* Box-Muller. The second deviate is discarded, since storing it would add state to the generator. */
double fb_normal(struct fb_rng *rng)
{
    const double pi = 3.14159265358979323846;
    const double u = 1.0 - fb_uniform(rng); /* in (0, 1]: the logarithm is finite */
    const double v = fb_uniform(rng);

    return sqrt(-2.0 * log(u)) * cos(2.0 * pi * v);
}

/* Knuth's product of uniforms for a mean that exp(-mean) can represent well. */
static unsigned poisson_small(struct fb_rng *rng, double mean)
{
    const double limit = exp(-mean);
    double product = fb_uniform(rng);
    unsigned n = 0;

    while (product > limit) {
        product *= fb_uniform(rng);
        n++;
    }
    return n;
}

/*
 * Split a large mean into a sum of small ones. This is exact; the time is linear in the mean, which is at
 * most a few hundred here.
 */
unsigned fb_poisson(struct fb_rng *rng, double mean)
{
    const double step = 30.0;
    unsigned n = 0;

    if (!(mean > 0.0))
        return 0;
    while (mean > step) {
        n += poisson_small(rng, step);
        mean -= step;
    }
    return n + poisson_small(rng, mean);
}
