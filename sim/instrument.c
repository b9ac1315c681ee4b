/*
 * instrument.c - cameras, noise and defects.
 *
 * The variance of a pixel is level^2 (1 + lines + flux / SKY_FLUX) / depth: sky and read noise, sky lines,
 * and the photons of the target. Errors that are not in the ivar of real spectra are added, with amplitudes
 * measured on public DESI spectra: noise a few per cent larger than stated, imperfect subtraction of sky
 * lines (shape and amplitude), unrecognised cosmic rays, and steps in scale and offset between the cameras.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "instrument.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sightline.h"
#include "sky.h"

#define PIXEL 0.8       /* A */
#define SKY_FLUX 2.5    /* flux of a target whose noise equals that of sky and read-out, 1e-17 erg/s/cm^2/A */
#define UNSEEN_HITS 1.0 /* unmasked cosmic rays per camera */

/* Bits of MASK, as in desispec's specmask. */
enum { SOMEBADPIX = 1, ALLBADPIX = 2, COSMIC = 4 };

/* Line spread (standard deviation in A) at the two ends of a camera, best fiber. */
static const struct {
    char letter;
    double data_start, mock_start;
    size_t data_count, mock_count;
    double sigma_first, sigma_last;
    double sky_residual; /* residual at the peak of a sky line, relative to the noise the line adds */
} designs[FB_SIM_CAMERAS] = {
    { 'B', 3600.0, 3569.3, 2751, 2974, 0.80, 0.70, 1.0 },
    { 'R', 5760.0, 5625.4, 2326, 2644, 0.70, 0.63, 1.2 },
    { 'Z', 7520.0, 7435.4, 2881, 2998, 0.74, 0.68, 1.5 },
};
#define BLUNT 1.15 /* the worst fiber's line spread relative to the best */

static double line_spread(int camera, size_t i, size_t n, double blunt)
{
    const double x = (double)i / (double)(n - 1);
    const double sigma =
        designs[camera].sigma_first + x * (designs[camera].sigma_last - designs[camera].sigma_first);
    return sigma * (1.0 + (BLUNT - 1.0) * blunt);
}

/* ---- set-up ---- */

static double interpolate_level(int camera, double wavelength)
{
    const struct fb_sky_level *p = fb_sky_levels[camera];
    const int n = fb_sky_level_count[camera];
    int i = 0;

    if (wavelength <= p[0].wavelength)
        return p[0].sigma;
    if (wavelength >= p[n - 1].wavelength)
        return p[n - 1].sigma;
    while (wavelength > p[i + 1].wavelength)
        i++;
    const double x = (wavelength - p[i].wavelength) / (p[i + 1].wavelength - p[i].wavelength);
    return p[i].sigma * pow(p[i + 1].sigma / p[i].sigma, x);
}

/* Pixels of a camera within reach of a sky line: [*first, *last). */
static void line_pixels(const struct fb_detector *d, double wavelength, size_t *first, size_t *last)
{
    const double centre = (wavelength - d->wavelength[0]) / PIXEL;
    const double n = (double)d->n;
    *first = (size_t)fmin(n, fmax(0.0, ceil(centre - 5.0)));
    *last = (size_t)fmin(n, fmax(0.0, floor(centre + 5.0) + 1.0));
}

/* Shape of a sky line at a pixel: a Gaussian with a peak of 1, and its argument. */
static double line_shape(int camera, const struct fb_detector *d, size_t i, double wavelength, double *x)
{
    *x = (d->wavelength[i] - wavelength) / line_spread(camera, i, d->n, 0.5);
    return exp(-0.5 * *x * *x);
}

static void fill_noise(struct fb_detector *d, int camera)
{
    for (size_t i = 0; i < d->n; i++) {
        d->level[i] = interpolate_level(camera, d->wavelength[i]);
        d->line_noise[i] = 0.0;
    }
    for (int k = 0; k < fb_sky_line_count; k++) {
        const struct fb_sky_line *line = &fb_sky_lines[k];
        size_t first, last;
        double x;
        line_pixels(d, line->wavelength, &first, &last);
        for (size_t i = first; i < last; i++)
            d->line_noise[i] +=
                line->strength * line->strength * line_shape(camera, d, i, line->wavelength, &x);
    }
}

/* Diagonals from +5 to -5, as desispec stores them; the matrix is banded and its columns sum to 1. */
static void fill_resolution(const struct fb_detector *d, int camera, double blunt, float *out)
{
    const int half = FB_RESOLUTION_DIAGONALS / 2;
    for (size_t i = 0; i < d->n; i++) {
        const double sigma = line_spread(camera, i, d->n, blunt) / PIXEL;
        double sum = 0.0;
        for (int k = -half; k <= half; k++)
            sum += exp(-0.5 * k * k / (sigma * sigma));
        for (int k = -half; k <= half; k++)
            out[(size_t)(half - k) * d->n + i] = (float)(exp(-0.5 * k * k / (sigma * sigma)) / sum);
    }
}

static int init_detector(struct fb_detector *d, int camera, int mock)
{
    d->letter = designs[camera].letter;
    d->n = mock ? designs[camera].mock_count : designs[camera].data_count;
    d->wavelength = malloc(d->n * sizeof(double));
    d->level = malloc(d->n * sizeof(double));
    d->line_noise = malloc(d->n * sizeof(double));
    d->sharp = malloc(FB_RESOLUTION_DIAGONALS * d->n * sizeof(float));
    d->blunt = malloc(FB_RESOLUTION_DIAGONALS * d->n * sizeof(float));
    if (!d->wavelength || !d->level || !d->line_noise || !d->sharp || !d->blunt)
        return -1;
    for (size_t i = 0; i < d->n; i++)
        d->wavelength[i] =
            (mock ? designs[camera].mock_start : designs[camera].data_start) + PIXEL * (double)i;
    fill_noise(d, camera);
    fill_resolution(d, camera, 0.0, d->sharp);
    fill_resolution(d, camera, 1.0, d->blunt);
    return 0;
}

int fb_instrument_init(struct fb_instrument *instrument, int mock)
{
    memset(instrument, 0, sizeof *instrument);
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        if (init_detector(&instrument->cameras[c], c, mock) < 0) {
            fb_instrument_release(instrument);
            return -1;
        }
        instrument->total += instrument->cameras[c].n;
    }
    return 0;
}

void fb_instrument_release(struct fb_instrument *instrument)
{
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        struct fb_detector *d = &instrument->cameras[c];
        free(d->wavelength);
        free(d->level);
        free(d->line_noise);
        free(d->sharp);
        free(d->blunt);
    }
    memset(instrument, 0, sizeof *instrument);
}

void fb_instrument_resolution(const struct fb_instrument *instrument, int camera, double blunt, float *out)
{
    const struct fb_detector *d = &instrument->cameras[camera];
    const float share = (float)blunt;
    for (size_t i = 0; i < FB_RESOLUTION_DIAGONALS * d->n; i++)
        out[i] = d->sharp[i] + share * (d->blunt[i] - d->sharp[i]);
}

/* ---- line spread ---- */

enum { REACH = 20, BLOCK = 32 }; /* fine pixels on each side; pixels that share a kernel */

/*
 * Weights of the fine pixels around a camera pixel whose centre is `phase` fine pixels after a fine pixel.
 */
static void make_kernel(double sigma, double phase, double *kernel)
{
    const double width = sqrt(sigma * sigma + PIXEL * PIXEL / 12.0) / FB_FINE_STEP;
    double sum = 0.0;
    for (int k = -REACH; k <= REACH; k++) {
        const double x = (k - phase) / width;
        kernel[k + REACH] = exp(-0.5 * x * x);
        sum += kernel[k + REACH];
    }
    for (int k = 0; k <= 2 * REACH; k++)
        kernel[k] /= sum;
}

/* Pixels are PIXEL / FB_FINE_STEP = 4 fine pixels apart, so the phase is constant along a camera. */
static void sample_camera(const struct fb_detector *d, int camera, const double *fine, double blunt,
                          double *out)
{
    const double start = (d->wavelength[0] - FB_FINE_START) / FB_FINE_STEP;
    const size_t nearest = (size_t)floor(start + 0.5), stride = (size_t)(PIXEL / FB_FINE_STEP + 0.5);
    double kernel[2 * REACH + 1];

    for (size_t i = 0; i < d->n; i++) {
        if (i % BLOCK == 0)
            make_kernel(line_spread(camera, i, d->n, blunt), start - (double)nearest, kernel);
        const double *p = fine + nearest + stride * i - REACH;
        double sum = 0.0;
        for (int k = 0; k <= 2 * REACH; k++)
            sum += kernel[k] * p[k];
        out[i] = sum;
    }
}

void fb_instrument_sample(const struct fb_instrument *instrument, const double *fine, double blunt,
                          double *out)
{
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        sample_camera(&instrument->cameras[c], c, fine, blunt, out);
        out += instrument->cameras[c].n;
    }
}

/* ---- observing ---- */

void fb_observation_draw(struct fb_observation *o, struct fb_rng *rng, double depth, int allow_gaps)
{
    memset(o, 0, sizeof *o);
    o->depth = depth;
    o->blunt = fb_uniform(rng);
    o->masked = 2e-4 * pow(15.0, fb_uniform(rng)); /* 0.02 to 0.3 % */
    o->sky_residual = exp(0.3 * fb_normal(rng));
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        o->level[c] = exp(0.06 * fb_normal(rng));
        o->excess[c] = 1.00 + 0.06 * fb_uniform(rng);
        o->scale[c] = 1.0 + 0.012 * fb_normal(rng);
        o->offset[c] = 0.06 * fb_normal(rng);
    }
    /* always drawn, so that gaps don't change the other random numbers */
    const double gaps = fb_uniform(rng), lost = fb_uniform(rng);
    o->gaps = allow_gaps && gaps < 0.25;
    o->lost = allow_gaps && lost < 0.01;
}

static void add_noise(const struct fb_detector *d, const struct fb_observation *o, int c, struct fb_rng *rng,
                      const double *pixels, float *flux, float *ivar)
{
    for (size_t i = 0; i < d->n; i++) {
        const double level = d->level[i] * o->level[c] / sqrt(o->depth);
        const double photons = fmax(0.0, pixels[i]) / SKY_FLUX;
        const double sigma = level * sqrt(1.0 + d->line_noise[i] + photons);
        const double wrong = pixels[i] * (o->scale[c] - 1.0) + level * o->offset[c];
        flux[i] = (float)(pixels[i] + wrong + o->excess[c] * sigma * fb_normal(rng));
        ivar[i] = (float)(1.0 / (sigma * sigma));
    }
}

/*
 * Sky line residuals: an error in amplitude, and one in wavelength, which has the shape of a derivative.
 */
static void add_sky_residuals(const struct fb_detector *d, const struct fb_observation *o, int c,
                              struct fb_rng *rng, float *flux)
{
    const double family = fb_normal(rng), shift = fb_normal(rng);
    const double residual = designs[c].sky_residual * o->sky_residual;

    for (int k = 0; k < fb_sky_line_count; k++) {
        const struct fb_sky_line *line = &fb_sky_lines[k];
        const double amplitude = 0.3 * family + 0.7 * fb_normal(rng),
                     derivative = 0.7 * (shift + fb_normal(rng));
        size_t first, last;
        line_pixels(d, line->wavelength, &first, &last);
        for (size_t i = first; i < last; i++) {
            double x;
            const double shape = line_shape(c, d, i, line->wavelength, &x);
            const double noise = line->strength * d->level[i] * o->level[c] / sqrt(o->depth);
            flux[i] += (float)(residual * noise * shape * (amplitude + derivative * x));
        }
    }
}

/* Cosmic rays: most are masked (a few of these keep some ivar from other exposures), some are not. */
static void add_cosmic_rays(const struct fb_detector *d, const struct fb_observation *o, struct fb_rng *rng,
                            float *flux, float *ivar, int32_t *mask)
{
    const unsigned masked =
        fb_poisson(rng, o->masked * (double)d->n / 2.0); /* hits of two pixels on average */
    const unsigned unseen = fb_poisson(rng, UNSEEN_HITS);

    for (unsigned k = 0; k < masked + unseen; k++) {
        const size_t start = (size_t)(fb_uniform(rng) * (double)d->n);
        const size_t length = 1 + (size_t)(3.0 * fb_uniform(rng));
        const double height = k < masked ? 200.0 * fb_uniform(rng) : 3.0 + 5.0 * fb_uniform(rng);
        const int partly = fb_uniform(rng) < 0.15;
        for (size_t i = start; i < start + length && i < d->n; i++) {
            if (ivar[i] > 0.0f)
                flux[i] += (float)(height * fb_uniform(rng) / sqrt((double)ivar[i]) * (partly ? 0.1 : 1.0));
            if (k >= masked)
                continue;
            mask[i] |= COSMIC | SOMEBADPIX;
            ivar[i] = partly ? 0.3f * ivar[i] : 0.0f;
        }
    }
}

static void lose_pixels(const struct fb_detector *d, size_t first, size_t count, float *flux, float *ivar,
                        int32_t *mask)
{
    for (size_t i = first; i < first + count && i < d->n; i++) {
        flux[i] = ivar[i] = 0.0f;
        mask[i] |= ALLBADPIX;
    }
}

/* One run of missing pixels: a stretch, half of a camera (an amplifier), or all of it. */
static void add_gap(const struct fb_detector *d, struct fb_rng *rng, float *flux, float *ivar, int32_t *mask)
{
    const double u = fb_uniform(rng);
    const size_t stretch = (size_t)(20.0 * pow(30.0, fb_uniform(rng)));
    const size_t start = (size_t)(fb_uniform(rng) * (double)d->n);

    if (u < 0.65)
        lose_pixels(d, start, stretch, flux, ivar, mask);
    else if (u < 0.93)
        lose_pixels(d, start < d->n / 2 ? 0 : d->n / 2, d->n / 2 + 1, flux, ivar, mask);
    else
        lose_pixels(d, 0, d->n, flux, ivar, mask);
}

void fb_instrument_observe(const struct fb_instrument *instrument, const struct fb_observation *o,
                           struct fb_rng *rng, const double *pixels, const struct fb_rows *rows)
{
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const struct fb_detector *d = &instrument->cameras[c];
        float *flux = rows->flux[c], *ivar = rows->ivar[c];
        int32_t *mask = rows->mask[c];

        memset(mask, 0, d->n * sizeof *mask);
        add_noise(d, o, c, rng, pixels, flux, ivar);
        add_sky_residuals(d, o, c, rng, flux);
        add_cosmic_rays(d, o, rng, flux, ivar, mask);
        pixels += d->n;
    }
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const struct fb_detector *d = &instrument->cameras[c];
        if (o->lost)
            lose_pixels(d, 0, d->n, rows->flux[c], rows->ivar[c], rows->mask[c]);
        else if (o->gaps)
            for (unsigned k = fb_poisson(rng, 0.8); k > 0; k--)
                add_gap(d, rng, rows->flux[c], rows->ivar[c], rows->mask[c]);
    }
}
