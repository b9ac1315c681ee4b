/* sample.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "train/sample.h"

#define GRID_FIRST 1258.0 /* A */
#define GRID_LAST 2402.0
enum { GRID = 1100, FIRST_CELL = 5 };

double fb_cell_wavelength(double i)
{
    return GRID_FIRST * exp((i + FIRST_CELL) * log(GRID_LAST / GRID_FIRST) / (GRID - 1));
}

static int in_gap(const struct fb_sample_spectrum *s, double wavelength)
{
    for (size_t k = 0; k < s->ngaps; k++)
        if (wavelength >= s->gaps[k].first && wavelength <= s->gaps[k].last)
            return 1;
    return 0;
}

/* Sum ivar and ivar * flux in cells. Returns the mean signal-to-noise of the pixels. */
static double collect(const struct fb_sample_spectrum *s, double *weight, double *sum)
{
    const double step = log(GRID_LAST / GRID_FIRST) / (GRID - 1),
                 edge = fb_cell_wavelength(-0.5) * (1 + s->z);
    size_t begin, end, n = 0;
    double signal = 0;

    fastbal_measured_range(s->n, s->wavelength, s->z, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const double cell = s->wavelength[i] < edge ? -1 : log(s->wavelength[i] / edge) / step;
        if (!(cell >= 0 && cell < FB_TRAIN_CELLS) || !isfinite(s->flux[i]) || !isfinite(s->ivar[i]) ||
            s->ivar[i] <= 0 || in_gap(s, s->wavelength[i]))
            continue;
        weight[(size_t)cell] += s->ivar[i];
        sum[(size_t)cell] += s->ivar[i] * s->flux[i];
        signal += s->flux[i] * sqrt(s->ivar[i]);
        n++;
    }
    return n > 0 ? signal / (double)n : 0;
}

static int make_room(struct fb_sample *sample, size_t n)
{
    if (sample->n + n <= sample->room)
        return 0;
    const size_t room = sample->n + n + sample->n / 2 + 16;
    float *flux = realloc(sample->flux, room * FB_TRAIN_CELLS * sizeof *flux);
    if (flux)
        sample->flux = flux;
    float *weight = flux ? realloc(sample->weight, room * FB_TRAIN_CELLS * sizeof *weight) : NULL;
    if (!weight)
        return -1;
    sample->weight = weight;
    sample->room = room;
    return 0;
}

/* Store the cells in units of the spectrum's mean flux. */
static void store(struct fb_sample *sample, const double *weight, const double *sum, double level)
{
    float *flux = sample->flux + sample->n * FB_TRAIN_CELLS,
          *to = sample->weight + sample->n * FB_TRAIN_CELLS;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        to[i] = (float)(weight[i] * level * level);
        flux[i] = to[i] > 0 ? (float)(sum[i] / weight[i] / level) : 0;
        if (!isfinite(to[i]) || !isfinite(flux[i]))
            flux[i] = to[i] = 0;
    }
    sample->n++;
}

static int reaches(const struct fb_sample_spectrum *s)
{
    return s->n > 0 && s->wavelength[0] <= fb_cell_wavelength(-0.5) * (1 + s->z) &&
           s->wavelength[s->n - 1] >= fb_cell_wavelength(FB_TRAIN_CELLS - 0.5) * (1 + s->z);
}

enum fb_sample_outcome fb_sample_add(struct fb_sample *sample, const struct fb_sample_spectrum *s,
                                     double min_snr)
{
    double weight[FB_TRAIN_CELLS] = { 0 }, sum[FB_TRAIN_CELLS] = { 0 }, total = 0, flux = 0;

    if (!reaches(s))
        return FB_SAMPLE_SHORT;
    const double snr = collect(s, weight, sum);
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        total += weight[i];
        flux += sum[i];
    }
    if (!(snr >= min_snr) || !(flux > 0) || !isfinite(flux / total))
        return FB_SAMPLE_NOISY;
    if (make_room(sample, 1) != 0)
        return FB_SAMPLE_FULL;
    store(sample, weight, sum, flux / total);
    return FB_SAMPLE_TAKEN;
}

int fb_sample_join(struct fb_sample *sample, struct fb_sample *other)
{
    if (make_room(sample, other->n) != 0)
        return -1;
    if (other->n > 0) {
        memcpy(sample->flux + sample->n * FB_TRAIN_CELLS, other->flux,
               other->n * FB_TRAIN_CELLS * sizeof *other->flux);
        memcpy(sample->weight + sample->n * FB_TRAIN_CELLS, other->weight,
               other->n * FB_TRAIN_CELLS * sizeof *other->weight);
    }
    sample->n += other->n;
    fb_sample_release(other);
    return 0;
}

void fb_sample_release(struct fb_sample *sample)
{
    free(sample->flux);
    free(sample->weight);
    *sample = (struct fb_sample){ 0 };
}

size_t fb_sample_fewest(const struct fb_sample *sample, size_t *cell)
{
    size_t fewest = sample->n;
    *cell = 0;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        size_t n = 0;
        for (size_t k = 0; k < sample->n; k++)
            n += sample->weight[k * FB_TRAIN_CELLS + i] > 0;
        if (n < fewest) {
            fewest = n;
            *cell = i;
        }
    }
    return fewest;
}
