/*
 * sample.c - what the detector's net is trained and judged on: simulated quasars as the detector sees them.
 *
 *     generate_samples OUTPUT SEED QUASARS BAL-FRACTION [KIND]
 *
 * The quasars are those of "fastbal simulate --seed SEED"; they are observed as DESI's coadds, half of them with gaps
 * (kind 0), as a bright sample (1), or as mocks (2): 7 of 10 are of kind 0, 2 of kind 1, 1 of kind 2, or all of KIND.
 * OUTPUT gets one struct sample a quasar in the finder's redshift range.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "run/pool.h"
#include "sim/render.h"
#include "sim/survey.h"
#include "sim/tables.h"

enum { CELLS = FASTBAL_DETECTOR_CELLS, KINDS = 3, ANY_KIND = -1, QUASARS = 60 };

/* detector/train.py reads them. All members are floats. */
struct sample {
    float channel[FASTBAL_DETECTOR_CHANNELS][CELLS], scalar[FASTBAL_DETECTOR_SCALARS];
    float inside[CELLS]; /* share of a cell inside true AI troughs */
    float kind, bal, ai, bi, ai_all, z, snr;
};

struct worker {
    fastbal_workspace *work;
    struct fb_renderer renderer[KINDS];
    double *model, *flux, *ivar;
    struct fb_rows rows;
};

struct state {
    struct fb_instrument instrument[KINDS];
    fastbal_grid *grid[KINDS];
    fastbal_detector *detector;
    struct fb_survey survey;
    int kind;
    int64_t *pixels;
    struct worker *workers;
    struct sample *samples; /* QUASARS for each pixel */
    unsigned char *taken;   /* likewise */
};

static void give_up(const char *what)
{
    fprintf(stderr, "generate_samples: %s\n", what);
    exit(1);
}

static void *get(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (!memory)
        give_up("out of memory");
    return memory;
}

/* The grid of the joined spectrum. */
static fastbal_grid *make_grid(const struct fb_instrument *instrument)
{
    struct fastbal_camera cameras[FB_SIM_CAMERAS];
    fastbal_grid *grid;
    for (int c = 0; c < FB_SIM_CAMERAS; c++)
        cameras[c] = (struct fastbal_camera){ instrument->cameras[c].wavelength, instrument->cameras[c].n };
    if (fastbal_grid_create(&grid, cameras, FB_SIM_CAMERAS, instrument->cameras[0].wavelength[0], NULL))
        give_up("the cameras can't be joined");
    return grid;
}

static void start_worker(struct worker *w, const struct state *s, double bal_fraction)
{
    size_t most = 0;
    for (int k = 0; k < KINDS; k++) {
        if (fb_renderer_init(&w->renderer[k], &s->instrument[k], s->survey.seed, bal_fraction, 1) != 0)
            give_up("out of memory");
        most = s->instrument[k].total > most ? s->instrument[k].total : most;
    }
    w->work = fastbal_workspace_create();
    w->model = get(most, sizeof *w->model);
    w->flux = get(most, sizeof *w->flux);
    w->ivar = get(most, sizeof *w->ivar);
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        w->rows.flux[c] = get(most, sizeof *w->rows.flux[c]);
        w->rows.ivar[c] = get(most, sizeof *w->rows.ivar[c]);
        w->rows.mask[c] = get(most, sizeof *w->rows.mask[c]);
    }
}

static double share(double begin, double end, double first, double last)
{
    double overlap = fmin(end, last) - fmax(begin, first);
    return overlap > 0 ? overlap / (end - begin) : 0;
}

/* Which cells are inside true troughs, by velocities of the catalog's redshift? */
static void fill_truth(const struct fb_quasar_row *q, const double edge[CELLS + 1], struct sample *sample)
{
    const double stretch = (1 + q->z) / (1 + q->z_catalog);
    for (int c = 0; c < CELLS; c++) {
        double inside = 0;
        for (int k = 0; k < q->n450; k++)
            inside += share(edge[c], edge[c + 1],
                            1549 * stretch * (1 - (double)q->vmax450[k] / FASTBAL_LIGHT_SPEED),
                            1549 * stretch * (1 - (double)q->vmin450[k] / FASTBAL_LIGHT_SPEED));
        sample->inside[c] = (float)inside;
    }
    sample->bal = q->bal;
    sample->ai = (float)q->ai_civ;
    sample->bi = (float)q->bi_civ;
    sample->ai_all = (float)q->ai_all;
    sample->z = (float)q->z_catalog;
}

static int draw_kind(int64_t targetid)
{
    uint64_t x = (uint64_t)targetid * UINT64_C(0x9E3779B97F4A7C15) >> 32;
    return x % 10 < 7 ? 0 : x % 10 < 9 ? 1 : 2;
}

static void observe(const struct state *s, struct worker *w, struct fb_target *target, int kind,
                    struct fb_quasar_row *quasar)
{
    struct fb_trough_row troughs[FB_MAX_OUTFLOW_TROUGHS];
    struct fb_observation observation;
    struct fb_rng noise;
    if (kind == 1)
        target->magnitude -= 1.6;
    fb_purpose_seed(&noise, s->survey.seed, FB_FOR_NOISE, target->targetid);
    fb_observation_draw(&observation, &noise, target->depth, target->targetid >> 1 & 1);
    if (fb_render_quasar(&w->renderer[kind], target, observation.blunt, w->model, NULL, quasar, troughs) < 0)
        give_up("out of memory");
    fb_instrument_observe(&s->instrument[kind], &observation, &noise, w->model, &w->rows);
}

/* Returns 0 if there is nothing to judge by. */
static int fill_sample(const struct state *s, struct worker *w, struct fb_target *target,
                       struct sample *sample)
{
    struct fb_quasar_row quasar;
    struct fastbal_pixels pixels[FB_SIM_CAMERAS];
    struct fastbal_detection detection;
    static _Thread_local struct fastbal_detector_trace trace;
    int kind = s->kind == ANY_KIND ? draw_kind(target->targetid) : s->kind;
    const fastbal_grid *grid = s->grid[kind];

    observe(s, w, target, kind, &quasar);
    if (!(target->z_catalog >= FASTBAL_Z_MIN && target->z_catalog <= FASTBAL_Z_MAX))
        return 0;
    for (int c = 0; c < FB_SIM_CAMERAS; c++)
        pixels[c] = (struct fastbal_pixels){ w->rows.flux[c], w->rows.ivar[c], w->rows.mask[c] };
    fastbal_join(grid, pixels, w->flux, w->ivar);
    struct fastbal_spectrum spectrum = { fastbal_grid_size(grid), fastbal_grid_wavelength(grid), w->flux,
                                         w->ivar, target->z_catalog };
    if (fastbal_detect(w->work, s->detector, &spectrum, &detection, &trace) != FASTBAL_OK)
        give_up(fastbal_error(w->work));
    if (!detection.made)
        return 0;
    quasar.z_catalog = target->z_catalog;
    fill_truth(&quasar, fastbal_detector_edges(s->detector), sample);
    memcpy(sample->channel, trace.channel, sizeof trace.channel);
    memcpy(sample->scalar, trace.scalar, sizeof trace.scalar);
    sample->snr = (float)fb_true_snr_civ(&s->instrument[kind], w->model, &w->rows, target->z, w->flux);
    sample->kind = (float)kind;
    return 1;
}

static void do_pixel(void *context, int thread, size_t item)
{
    struct state *s = context;
    struct fb_target targets[QUASARS];
    fb_survey_targets(&s->survey, s->pixels[item], targets);
    for (size_t k = 0; k < QUASARS; k++)
        s->taken[item * QUASARS + k] =
            (unsigned char)fill_sample(s, &s->workers[thread], &targets[k], &s->samples[item * QUASARS + k]);
}

int main(int argc, char **argv)
{
    struct fb_tree tree = { .scheme = FB_SCHEME_HEALPIX, .root = "", .survey = "main", .program = "dark" };
    struct fb_error err;
    struct state s = { .kind = argc > 5 ? atoi(argv[5]) : ANY_KIND };
    if (argc < 5)
        give_up("usage: generate_samples OUTPUT SEED QUASARS BAL-FRACTION [KIND]");
    size_t npixels = ((size_t)atol(argv[3]) + QUASARS - 1) / QUASARS;
    struct fb_pool pool = { .nthreads = fb_pool_cores(), .work = do_pixel, .context = &s };
    FILE *out = fopen(argv[1], "wb");

    s.survey = (struct fb_survey){ strtoull(argv[2], NULL, 10), &tree, QUASARS, 0, 0 };
    s.pixels = get(npixels, sizeof *s.pixels);
    s.samples = get(npixels * QUASARS, sizeof *s.samples);
    s.taken = get(npixels * QUASARS, 1);
    s.workers = get((size_t)pool.nthreads, sizeof *s.workers);
    if (!out || fastbal_detector_builtin(&s.detector) != FASTBAL_OK)
        give_up("the output can't be opened");
    for (int k = 0; k < KINDS; k++) {
        if (fb_instrument_init(&s.instrument[k], k == 2) != 0)
            give_up("out of memory");
        s.grid[k] = make_grid(&s.instrument[k]);
    }
    if (fb_survey_pixels(&s.survey, npixels, s.pixels, &err) != 0)
        give_up(err.text);
    for (int t = 0; t < pool.nthreads; t++)
        start_worker(&s.workers[t], &s, atof(argv[4]));
    fb_pool_run(&pool, npixels);
    for (size_t i = 0; i < npixels * QUASARS; i++)
        if (s.taken[i] && fwrite(&s.samples[i], sizeof s.samples[i], 1, out) != 1)
            give_up("the output can't be written");
    return fclose(out) == 0 ? 0 : 1;
}
