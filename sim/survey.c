/*
 * survey.c - draw pixels and targets.
 *
 * Redshifts follow the expected density of DESI's quasars (DESI Collaboration 2016, arXiv:1611.00036),
 * extended to z = 5.1 and reduced below 1.57, where C IV is not observed: a few are enough to test that
 * readers exclude them. Magnitudes follow a double power law (slopes of Palanque-Delabrouille et al. 2016,
 * A&A 587, A41) up to the limit of r = 23 of the target selection (Chaussidon et al. 2023, ApJ 944, 107).
 * Quasars with z > 2.1 are observed several times.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/files.h"

#define RADIANS_PER_DEGREE 0.017453292519943295
#define FIRST_Z 1.2
#define LAST_Z 5.1
#define REPEATED_Z 2.1        /* quasars beyond this are observed repeatedly for their forests */
#define BRIGHTER 1.60         /* magnitude offset of the bright sample */
#define DEPTH_OF_ONE 0.30     /* one exposure, in units of the noise levels */
#define RELEASE INT64_C(9010) /* of the imaging catalog; part of TARGETID, like the brick */
#define FIRST_BRICK 100000

enum { BADPOSITION = 1 << 9, POORPOSITION = 1 << 10 }; /* bits of desispec's fibermask */

void fb_purpose_seed(struct fb_rng *rng, uint64_t seed, enum fb_purpose purpose, int64_t number)
{
    fb_rng_seed(rng, seed, ((uint64_t)purpose << 60) ^ (uint64_t)number);
}

double fb_magnitude_to_flux(double magnitude, double wavelength)
{
    return 0.10885 / (wavelength * wavelength) * 1e17 * pow(10.0, -0.4 * magnitude);
}

/* ---- pixels ---- */

/* A rough DESI footprint: away from the galactic plane and observable from Kitt Peak. */
static int in_footprint(double ra, double dec)
{
    const double pole_ra = 192.85948 * RADIANS_PER_DEGREE, pole_dec = 27.12825 * RADIANS_PER_DEGREE;
    const double a = ra * RADIANS_PER_DEGREE, d = dec * RADIANS_PER_DEGREE;
    const double sin_b = sin(d) * sin(pole_dec) + cos(d) * cos(pole_dec) * cos(a - pole_ra);
    return dec > -15.0 && dec < 75.0 && fabs(sin_b) > sin(25.0 * RADIANS_PER_DEGREE);
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

enum { COARSE = 32, FIRST_TILE = 1000, NIGHT = 20220315, PETALS_OF_A_TILE = 3 };

static int is_coarse(enum fb_scheme scheme)
{
    return scheme == FB_SCHEME_UNIQPIX || scheme == FB_SCHEME_TILES;
}

/* The HEALPix tree from which pixels are drawn. */
static struct fb_tree drawn_from(const struct fb_tree *tree)
{
    return (struct fb_tree){ .scheme = FB_SCHEME_SKIMMED,
                             .nside = is_coarse(tree->scheme) ? COARSE : fb_tree_nside(tree) };
}

long fb_survey_most_pixels(enum fb_scheme scheme)
{
    if (scheme == FB_SCHEME_HEALPIX)
        return FB_MOST_PIXELS_64;
    return is_coarse(scheme) ? FB_MOST_PIXELS_32 : FB_MOST_PIXELS_16;
}

void fb_survey_place(const struct fb_tree *tree, int64_t pixel, struct fb_tree *place, int64_t *healpix)
{
    *place = drawn_from(tree);
    if (tree->scheme == FB_SCHEME_TILES)
        *healpix = fb_tile_of(pixel) - FIRST_TILE;
    else
        place->nside = fb_tree_healpix(tree, pixel, healpix);
}

/* The adaptive pixel in a pixel of nside 32: all of it, a quarter, or a sixteenth. */
static int64_t adaptive(int64_t coarse)
{
    const int64_t depth = coarse % 3, nside = COARSE << depth;
    return 4 * nside * nside + (coarse << 2 * depth) + coarse % (1 << 2 * depth);
}

/* Convert the drawn pixels to those of the tree. */
static void convert(const struct fb_tree *tree, size_t n, int64_t *pixels)
{
    for (size_t i = n; i-- > 0;) {
        if (tree->scheme == FB_SCHEME_UNIQPIX)
            pixels[i] = adaptive(pixels[i]);
        else if (tree->scheme == FB_SCHEME_TILES)
            pixels[i] = fb_tile_pixel(FIRST_TILE + pixels[i / PETALS_OF_A_TILE], NIGHT,
                                      3 * (int64_t)(i % PETALS_OF_A_TILE) + 1);
    }
}

int fb_survey_pixels(const struct fb_survey *survey, size_t n, int64_t *pixels, struct fb_error *err)
{
    const struct fb_tree tree = drawn_from(survey->tree);
    const int64_t all = 12 * (int64_t)tree.nside * tree.nside;
    char *taken = calloc((size_t)all, 1);
    struct fb_rng rng;
    size_t found = 0;

    if (!taken)
        return fb_fail(err, "out of memory");
    fb_purpose_seed(&rng, survey->seed, FB_FOR_SURVEY, 0);
    while (found < n) {
        const int64_t pixel = (int64_t)(fb_uniform(&rng) * (double)all);
        double ra, dec;
        fb_sim_pixel_centre(&tree, pixel, &ra, &dec);
        if (taken[pixel] || !in_footprint(ra, dec))
            continue;
        taken[pixel] = 1;
        pixels[found++] = pixel;
    }
    free(taken);
    qsort(pixels, n, sizeof *pixels, ascending);
    convert(survey->tree, n, pixels);
    qsort(pixels, n, sizeof *pixels, ascending);
    return 0;
}

/* ---- targets ---- */

/* Quasars per square degree and unit redshift; below z = 1.57 reduced. */
static const struct {
    double z, density;
} redshifts[] = {
    { 1.20, 10.0 }, { 1.40, 30.0 }, { 1.57, 87.0 }, { 1.75, 87.0 }, { 1.85, 86.0 }, { 1.96, 82.0 },
    { 2.12, 69.0 }, { 2.28, 53.0 }, { 2.43, 43.0 }, { 2.59, 37.0 }, { 2.75, 31.0 }, { 2.91, 26.0 },
    { 3.07, 21.0 }, { 3.23, 16.0 }, { 3.39, 13.0 }, { 3.55, 9.0 },  { 3.75, 6.5 },  { 4.00, 4.0 },
    { 4.40, 1.8 },  { 4.80, 0.8 },  { 5.10, 0.4 },
};
#define HIGHEST_DENSITY 87.0

static double draw_redshift(struct fb_rng *rng)
{
    for (;;) {
        const double z = FIRST_Z + (LAST_Z - FIRST_Z) * fb_uniform(rng);
        size_t i = 0;
        while (z > redshifts[i + 1].z)
            i++;
        const double x = (z - redshifts[i].z) / (redshifts[i + 1].z - redshifts[i].z);
        const double density = redshifts[i].density + x * (redshifts[i + 1].density - redshifts[i].density);
        if (fb_uniform(rng) * HIGHEST_DENSITY < density)
            return z;
    }
}

static double draw_magnitude(struct fb_rng *rng)
{
    for (;;) {
        const double r = 16.5 + 6.7 * fb_uniform(rng);
        const double counts = 1.0 / (pow(10.0, -0.75 * (r - 19.9)) + pow(10.0, -0.20 * (r - 19.9)));
        const double seen = 1.0 / (1.0 + exp((r - 22.75) / 0.12));
        if (fb_uniform(rng) * 4.5 < counts * seen)
            return r;
    }
}

/*
 * Redshift errors: a core of 150 km/s, wings of 500 km/s (Chaussidon et al. 2023; Brodzeller et al. 2023,
 * AJ 166, 66), and a few misidentified lines.
 */
static void draw_measured_redshift(struct fb_target *t, struct fb_rng *rng)
{
    const double sigma = fb_uniform(rng) < 0.75 ? 150.0 : 500.0;
    t->z_catalog = t->z + (1.0 + t->z) * sigma / FASTBAL_LIGHT_SPEED * fb_normal(rng);
    t->z_error = (1.0 + t->z) * 1e-4 * exp(0.6 * fb_normal(rng));
    t->zwarn = 0;
    if (fb_uniform(rng) < 0.005) {
        t->z_catalog += 0.6 * (fb_uniform(rng) - 0.5);
        t->zwarn = fb_uniform(rng) < 0.5 ? 4 : 0;
    }
}

static void draw_exposures(struct fb_target *t, struct fb_rng *rng)
{
    if (t->quasar && t->z > REPEATED_Z)
        t->exposures = 1 + (int)fb_poisson(rng, 2.3);
    else
        t->exposures = 1 + (fb_uniform(rng) < 0.25);
    if (t->exposures > FB_MOST_EXPOSURES)
        t->exposures = FB_MOST_EXPOSURES;
    t->depth = DEPTH_OF_ONE * t->exposures * exp(0.25 * fb_normal(rng));
}

/* Draw a position in the pixel: positions around its centre are drawn until one is inside. */
static void draw_position(struct fb_target *t, const struct fb_tree *tree, struct fb_rng *rng)
{
    struct fb_tree place;
    int64_t healpix;
    double ra, dec;

    fb_survey_place(tree, t->pixel, &place, &healpix);
    const double size = 60.0 / (double)place.nside; /* degrees; a pixel's side */
    fb_sim_pixel_centre(&place, healpix, &ra, &dec);
    do {
        t->dec = dec + 2.0 * size * (fb_uniform(rng) - 0.5);
        t->ra = ra + 2.0 * size * (fb_uniform(rng) - 0.5) / cos(dec * RADIANS_PER_DEGREE);
        t->ra = fmod(t->ra + 360.0, 360.0);
    } while (fb_tree_pixel(&place, t->ra, t->dec) != healpix);
}

static void draw_target(const struct fb_survey *survey, struct fb_target *t)
{
    struct fb_rng rng;
    fb_purpose_seed(&rng, survey->seed, FB_FOR_TARGET, t->targetid);
    draw_position(t, survey->tree, &rng);
    t->fiberstatus = 0;
    if (fb_uniform(&rng) < 0.015)
        t->fiberstatus = fb_uniform(&rng) < 0.5 ? BADPOSITION : POORPOSITION;
    if (t->quasar) {
        t->z = draw_redshift(&rng);
        draw_measured_redshift(t, &rng);
        t->magnitude = draw_magnitude(&rng) - (survey->bright ? BRIGHTER : 0.0);
    } else {
        t->magnitude = 19.0 + 4.5 * sqrt(fb_uniform(&rng));
    }
    draw_exposures(t, &rng);
}

static int by_targetid(const void *a, const void *b)
{
    return ascending(&((const struct fb_target *)a)->targetid, &((const struct fb_target *)b)->targetid);
}

/*
 * Draw n distinct object numbers of a pixel, all even or all odd, so that those of quasars don't depend on
 * the number of other targets.
 */
static void draw_objects(struct fb_target *targets, size_t n, int odd, int64_t base, struct fb_rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        int taken;
        do {
            targets[i].targetid = base + 2 * (int64_t)(fb_uniform(rng) * (double)(1 << 21)) + odd;
            taken = 0;
            for (size_t k = 0; k < i && !taken; k++)
                taken = targets[k].targetid == targets[i].targetid;
        } while (taken);
    }
}

/*
 * TARGETIDs have DESI's format of release, brick and object; the brick encodes the pixel, or tile and petal.
 * Quasars and other targets are interleaved.
 */
static int64_t brick(const struct fb_tree *tree, int64_t pixel)
{
    return FIRST_BRICK + (tree->scheme == FB_SCHEME_TILES ? 10 * fb_tile_of(pixel) + pixel % 10 : pixel);
}

void fb_survey_targets(const struct fb_survey *survey, int64_t pixel, struct fb_target *targets)
{
    const size_t quasars = (size_t)survey->quasars, others = (size_t)survey->others;
    const int64_t base = (RELEASE << 42) | (brick(survey->tree, pixel) << 22);
    struct fb_rng rng;

    memset(targets, 0, (quasars + others) * sizeof *targets);
    fb_purpose_seed(&rng, survey->seed, FB_FOR_PIXEL, 2 * pixel);
    draw_objects(targets, quasars, 0, base, &rng);
    fb_purpose_seed(&rng, survey->seed, FB_FOR_PIXEL, 2 * pixel + 1);
    draw_objects(targets + quasars, others, 1, base, &rng);
    for (size_t i = 0; i < quasars + others; i++) {
        targets[i].pixel = pixel;
        targets[i].quasar = i < quasars;
        draw_target(survey, &targets[i]);
    }
    qsort(targets, quasars + others, sizeof *targets, by_targetid);
}
