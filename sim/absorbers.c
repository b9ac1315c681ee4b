/*
 * absorbers.c - metal absorption systems, each a few clouds of one velocity spread.
 *
 * Highly ionised systems: rate and column densities of C IV near those of Hasan et al. (2020, ApJ 904,
 * 44), Si IV about six times weaker. Systems of low ionisation: rate and equivalent widths of Mg II near
 * those of Zhu & Menard (2013, ApJ 770, 130), the other ions in typical proportions. One quasar in three
 * has associated C IV absorption within 5000 km/s (Wild et al. 2008, MNRAS 388, 227; Perrotta et al.
 * 2016, MNRAS 462, 3285), some of it with N V. Some systems are complexes of saturated clouds: the two lines of
 * their C IV run into each other, and finders take them for narrow troughs. How many there are is set by what the
 * finder finds in real quasars without a balnicity index (docs/simulate.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "absorbers.h"

#include <math.h>

#define CIV_FIRST_Z 1.29  /* C IV enters the fine grid */
#define MGII_FIRST_Z 0.27 /* Mg II does */
#define MGII_LAST_Z 2.50
#define CIV_RATE 9.0     /* per unit redshift, above CIV_LOG_LOW */
#define CIV_LOG_LOW 12.8 /* log10 of column density, cm^-2 */
#define CIV_LOG_HIGH 15.2
#define CIV_SLOPE (-0.70) /* d log10(number above N) / d log10 N */
#define MGII_RATE 1.1     /* per unit redshift, of any width */
#define MGII_WIDTH 0.6    /* mean equivalent width, A */
#define ASSOCIATED_SHARE 0.40
#define ASSOCIATED_COMPLEX 0.65 /* share of associated systems that are complexes */
#define COMPLEX_RATE 0.60       /* intervening complexes per unit redshift */

/* log10 of column density relative to Mg II and its scatter, in gas of low ionisation. */
static const struct {
    enum fb_ion ion;
    double offset, scatter;
} low_ions[] = {
    { FB_MGII, 0.0, 0.0 }, { FB_FEII, -0.3, 0.3 }, { FB_SIII, 0.4, 0.3 }, { FB_ALII, -0.9, 0.2 },
    { FB_CII, 0.9, 0.3 },  { FB_OI, 0.9, 0.5 },    { FB_MGI, -1.5, 0.3 }, { FB_ALIII, -1.1, 0.3 },
    { FB_CIV, 0.3, 0.5 },  { FB_SIIV, -0.3, 0.5 },
};

static double draw(struct fb_rng *rng, double mean, double sigma)
{
    return mean + sigma * fb_normal(rng);
}

static double cloud_redshift(double z, double v)
{
    return (1.0 + z) * (1.0 + v / FASTBAL_LIGHT_SPEED) - 1.0;
}

/* A highly ionised system of a total column density in C IV: clouds with a scatter of velocities, km/s. */
static void add_high_clouds(struct fb_sightline *s, struct fb_rng *rng, double z, double log_column,
                            unsigned clouds, double spread, int with_nv)
{
    const double silicon = draw(rng, -0.8, 0.3), nitrogen = draw(rng, -0.2, 0.4);

    for (unsigned i = 0; i < clouds; i++) {
        const double share = log_column - log10((double)clouds) + draw(rng, 0.0, 0.25);
        const double zi = cloud_redshift(z, spread * fb_normal(rng)), b = 9.0 + 12.0 * fb_uniform(rng);
        fb_sightline_add_ion(s, FB_CIV, zi, pow(10.0, share), b);
        fb_sightline_add_ion(s, FB_SIIV, zi, pow(10.0, share + silicon), b);
        if (with_nv)
            fb_sightline_add_ion(s, FB_NV, zi, pow(10.0, share + nitrogen), b);
    }
}

static void add_high_system(struct fb_sightline *s, struct fb_rng *rng, double z, double log_column,
                            int with_nv)
{
    const double spread = 25.0 + 45.0 * fmax(0.0, log_column - 13.3) * fb_uniform(rng);
    const unsigned clouds = 1 + fb_poisson(rng, 0.3 + 1.5 * fmax(0.0, log_column - 13.3));
    add_high_clouds(s, rng, z, log_column, clouds, spread, with_nv);
}

/* A complex, several hundred km/s wide. */
static void add_complex(struct fb_sightline *s, struct fb_rng *rng, double z, int with_nv)
{
    const double spread = 170.0 * exp(0.30 * fb_normal(rng));
    const unsigned clouds = 4 + fb_poisson(rng, 4.0);
    add_high_clouds(s, rng, z, draw(rng, 15.2, 0.25), clouds, spread, with_nv);
}

/* One system of low ionisation; the equivalent width sets the number of (saturated) Mg II clouds. */
static void add_low_system(struct fb_sightline *s, struct fb_rng *rng, double z, double width)
{
    const unsigned clouds = 1 + fb_poisson(rng, width / 0.25);
    const double spread = 20.0 + 55.0 * width;
    double offset[sizeof low_ions / sizeof low_ions[0]];

    for (size_t k = 0; k < sizeof low_ions / sizeof low_ions[0]; k++)
        offset[k] = low_ions[k].offset + low_ions[k].scatter * fb_normal(rng);
    for (unsigned i = 0; i < clouds; i++) {
        const double log_column = draw(rng, 13.2, 0.4);
        const double zi = cloud_redshift(z, spread * fb_normal(rng)), b = 6.0 + 5.0 * fb_uniform(rng);
        for (size_t k = 0; k < sizeof low_ions / sizeof low_ions[0]; k++)
            fb_sightline_add_ion(s, low_ions[k].ion, zi, pow(10.0, log_column + offset[k]), b);
    }
}

static double draw_civ_column(struct fb_rng *rng)
{
    const double a = pow(10.0, CIV_SLOPE * CIV_LOG_LOW), b = pow(10.0, CIV_SLOPE * CIV_LOG_HIGH);
    return log10(a + fb_uniform(rng) * (b - a)) / CIV_SLOPE;
}

static double draw_mgii_width(struct fb_rng *rng)
{
    return fmin(5.0, -MGII_WIDTH * log(1.0 - fb_uniform(rng)));
}

static void add_intervening(struct fb_sightline *s, struct fb_rng *rng, double z)
{
    const double top = cloud_redshift(z, -3000.0), mgii_top = fmin(top, MGII_LAST_Z);

    if (top > CIV_FIRST_Z) {
        const unsigned n = fb_poisson(rng, CIV_RATE * (top - CIV_FIRST_Z));
        for (unsigned i = 0; i < n; i++) {
            const double zi = CIV_FIRST_Z + (top - CIV_FIRST_Z) * fb_uniform(rng);
            add_high_system(s, rng, zi, draw_civ_column(rng), 0);
        }
        for (unsigned k = fb_poisson(rng, COMPLEX_RATE * (top - CIV_FIRST_Z)); k > 0; k--)
            add_complex(s, rng, CIV_FIRST_Z + (top - CIV_FIRST_Z) * fb_uniform(rng), 0);
    }
    if (mgii_top > MGII_FIRST_Z) {
        const unsigned n = fb_poisson(rng, MGII_RATE * (mgii_top - MGII_FIRST_Z));
        for (unsigned i = 0; i < n; i++) {
            const double zi = MGII_FIRST_Z + (mgii_top - MGII_FIRST_Z) * fb_uniform(rng);
            add_low_system(s, rng, zi, draw_mgii_width(rng));
        }
    }
}

static int add_associated(struct fb_sightline *s, struct fb_rng *rng, double z)
{
    if (fb_uniform(rng) >= ASSOCIATED_SHARE)
        return 0;
    const int n = 1 + (int)fb_poisson(rng, 0.4);
    for (int i = 0; i < n; i++) {
        const double v = -5000.0 * pow(fb_uniform(rng), 2.0) + 250.0; /* most of them near the quasar */
        const int with_nv = fb_uniform(rng) < 0.4;
        const double log_column = draw(rng, 14.2, 0.5);
        if (fb_uniform(rng) < ASSOCIATED_COMPLEX)
            add_complex(s, rng, cloud_redshift(z, v), with_nv);
        else
            add_high_system(s, rng, cloud_redshift(z, v), log_column, with_nv);
        fb_sightline_add_ion(s, FB_HI, cloud_redshift(z, v), pow(10.0, log_column + 0.8), 30.0);
    }
    return n;
}

int fb_absorbers_add(struct fb_sightline *s, struct fb_rng *rng, double z, const struct fb_dlas *dlas)
{
    add_intervening(s, rng, z);
    for (int i = 0; i < dlas->count; i++)
        add_low_system(s, rng, dlas->dla[i].z, 0.4 + draw_mgii_width(rng));
    return add_associated(s, rng, z);
}
