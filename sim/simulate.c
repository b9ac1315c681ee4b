/*
 * simulate.c - the loop over pixels and targets. Only one pixel is in memory at a time, besides the catalog
 * and truth rows of all pixels.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastbal.h"
#include "instrument.h"
#include "desi/tree.h"
#include "fits/system.h"
#include "sim/files.h"
#include "others.h"
#include "render.h"
#include "survey.h"
#include "tables.h"

/* Rows of one pixel, all targets. */
struct pixel_data {
    size_t n;
    struct fb_target *targets;
    float *flux[FB_SIM_CAMERAS], *ivar[FB_SIM_CAMERAS];
    int32_t *mask[FB_SIM_CAMERAS];
    float *continuum[FB_SIM_CAMERAS],
        *transmission[FB_SIM_CAMERAS]; /* of the quasars alone; NULL: not kept */
    double *blunt;                     /* line spread of each target's fiber */
    struct fb_fibermap_row *fibermap;
    struct fb_exposure_row *exposures;
    size_t nexposures;
    struct fb_scores_row *scores;
    struct fb_mock_truth_row *truth;
};

struct state {
    const struct fb_simulation *options;
    struct fb_survey survey;
    struct fb_tree tree;
    char *root;
    struct fb_instrument instrument;
    struct fb_renderer renderer;
    double *model, *scratch; /* spectra of all cameras, concatenated */
    double *continuum;       /* NULL: not kept */
    struct pixel_data data;
    int64_t *pixels;
    struct fb_catalog_row *catalog;
    struct fb_quasar_row *quasars, *bals; /* those of outflows once more */
    struct fb_trough_row *troughs;
    size_t nquasars, ntroughs, nbals, first_quasar, first_bal; /* first: of the pixel */
    struct fb_simulation_summary *summary;
    struct fb_error *err;
};

enum { SKIMMED_NSIDE = 16 };

const char *fb_simulation_tree(enum fb_scheme scheme)
{
    return scheme == FB_SCHEME_MOCK ? "mock" : scheme == FB_SCHEME_SKIMMED ? "skimmed" : "redux/sim";
}

/* ---- memory ---- */

static int allocate_true_spectra(struct state *s)
{
    struct pixel_data *d = &s->data;

    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const size_t pixels = (size_t)s->options->quasars * s->instrument.cameras[c].n;
        d->continuum[c] = malloc((pixels + 1) * sizeof(float));
        d->transmission[c] = malloc((pixels + 1) * sizeof(float));
        if (!d->continuum[c] || !d->transmission[c])
            return -1;
    }
    s->continuum = malloc(s->instrument.total * sizeof *s->continuum);
    return s->continuum ? 0 : -1;
}

static int allocate_pixel(struct pixel_data *d, size_t n, const struct fb_instrument *instrument)
{
    d->n = n;
    d->targets = calloc(n, sizeof *d->targets);
    d->blunt = calloc(n, sizeof *d->blunt);
    d->fibermap = calloc(n, sizeof *d->fibermap);
    d->exposures = calloc(n * FB_MOST_EXPOSURES, sizeof *d->exposures);
    d->scores = calloc(n, sizeof *d->scores);
    d->truth = calloc(n, sizeof *d->truth);
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const size_t pixels = n * instrument->cameras[c].n;
        d->flux[c] = malloc(pixels * sizeof(float));
        d->ivar[c] = malloc(pixels * sizeof(float));
        d->mask[c] = malloc(pixels * sizeof(int32_t));
        if (!d->flux[c] || !d->ivar[c] || !d->mask[c])
            return -1;
    }
    return d->targets && d->blunt && d->fibermap && d->exposures && d->scores && d->truth ? 0 : -1;
}

static void release_pixel(struct pixel_data *d)
{
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        free(d->flux[c]);
        free(d->ivar[c]);
        free(d->mask[c]);
        free(d->continuum[c]);
        free(d->transmission[c]);
    }
    free(d->targets);
    free(d->blunt);
    free(d->fibermap);
    free(d->exposures);
    free(d->scores);
    free(d->truth);
}

static int start(struct state *s)
{
    const struct fb_simulation *o = s->options;
    const size_t n = (size_t)(o->quasars + o->others), all = (size_t)(o->pixels * o->quasars);
    const int mock = o->scheme == FB_SCHEME_MOCK;

    s->root = fb_format("%s/%s", o->folder, fb_simulation_tree(o->scheme));
    s->tree = (struct fb_tree){
        .scheme = o->scheme, .root = s->root, .survey = "main", .program = "dark", .nside = SKIMMED_NSIDE
    };
    s->survey = (struct fb_survey){ o->seed, &s->tree, (int)o->quasars, (int)o->others, o->bright };
    s->pixels = calloc((size_t)o->pixels, sizeof *s->pixels);
    s->catalog = calloc(all + 1, sizeof *s->catalog);
    s->quasars = calloc(all + 1, sizeof *s->quasars);
    s->bals = calloc(all + 1, sizeof *s->bals);
    s->troughs = calloc(all * FB_MAX_OUTFLOW_TROUGHS + 1, sizeof *s->troughs);
    if (!s->root || !s->pixels || !s->catalog || !s->quasars || !s->bals || !s->troughs ||
        fb_instrument_init(&s->instrument, mock && !o->aligned) < 0 ||
        fb_renderer_init(&s->renderer, &s->instrument, o->seed, o->bal_fraction, o->narrow_systems) < 0 ||
        allocate_pixel(&s->data, n, &s->instrument) < 0 || (o->true_spectra && allocate_true_spectra(s) < 0))
        return fb_fail(s->err, "out of memory");
    s->model = malloc(s->instrument.total * sizeof *s->model);
    s->scratch = malloc(s->instrument.total * sizeof *s->scratch);
    if (!s->model || !s->scratch)
        return fb_fail(s->err, "out of memory");
    return fb_survey_pixels(&s->survey, (size_t)o->pixels, s->pixels, s->err);
}

static void stop(struct state *s)
{
    release_pixel(&s->data);
    fb_renderer_release(&s->renderer);
    fb_instrument_release(&s->instrument);
    free(s->root);
    free(s->pixels);
    free(s->catalog);
    free(s->quasars);
    free(s->bals);
    free(s->troughs);
    free(s->model);
    free(s->continuum);
    free(s->scratch);
}

/* ---- targets ---- */

static struct fb_rows rows_of(const struct state *s, size_t row)
{
    struct fb_rows rows;
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const size_t first = row * s->instrument.cameras[c].n;
        rows.flux[c] = s->data.flux[c] + first;
        rows.ivar[c] = s->data.ivar[c] + first;
        rows.mask[c] = s->data.mask[c] + first;
    }
    return rows;
}

/* Keep the continuum and transmission of the quasar that was rendered last. */
static void keep_true_spectra(struct state *s)
{
    const size_t row = s->nquasars - s->first_quasar;
    const double *model = s->model, *continuum = s->continuum;

    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const size_t n = s->instrument.cameras[c].n;
        for (size_t i = 0; i < n; i++) {
            s->data.continuum[c][row * n + i] = (float)continuum[i];
            s->data.transmission[c][row * n + i] = (float)(model[i] / continuum[i]);
        }
        model += n;
        continuum += n;
    }
}

/* Compute the target's noiseless spectrum in s->model; for quasars, also store truth and catalog rows. */
static int render_target(struct state *s, struct fb_target *t, double blunt)
{
    struct fb_rng rng;
    if (!t->quasar) {
        fb_purpose_seed(&rng, s->survey.seed, FB_FOR_LIGHT, t->targetid);
        fb_other_draw(&s->instrument, &rng, t->magnitude, s->model);
        s->summary->others++;
        return 0;
    }
    const int n = fb_render_quasar(&s->renderer, t, blunt, s->model, s->continuum, &s->quasars[s->nquasars],
                                   s->troughs + s->ntroughs);
    if (n < 0)
        return fb_fail(s->err, "out of memory");
    if (s->continuum)
        keep_true_spectra(s);
    fb_fill_catalog(&s->catalog[s->nquasars], &s->tree, t, s->survey.seed);
    s->ntroughs += (size_t)n;
    s->summary->bals += n > 0;
    return 0;
}

static int simulate_target(struct state *s, size_t row)
{
    struct pixel_data *d = &s->data;
    struct fb_target *t = &d->targets[row];
    const struct fb_rows rows = rows_of(s, row);
    struct fb_observation observation;
    struct fb_rng noise;

    fb_purpose_seed(&noise, s->survey.seed, FB_FOR_NOISE, t->targetid);
    fb_observation_draw(&observation, &noise, t->depth, s->options->gaps);
    d->blunt[row] = observation.blunt;
    if (render_target(s, t, observation.blunt) < 0)
        return -1;
    fb_instrument_observe(&s->instrument, &observation, &noise, s->model, &rows);
    fb_fill_fibermap(&d->fibermap[row], &s->tree, t, &s->instrument, s->model);
    fb_fill_exposures(d->exposures + d->nexposures, t, s->survey.seed);
    d->nexposures += (size_t)t->exposures;
    fb_fill_scores(&d->scores[row], t, &s->instrument, &rows, s->scratch);
    fb_fill_mock_truth(&d->truth[row], t);
    if (t->quasar) {
        struct fb_quasar_row *q = &s->quasars[s->nquasars++];
        q->snr_civ = fb_true_snr_civ(&s->instrument, s->model, &rows, t->z, s->scratch);
        if (q->bal)
            s->bals[s->nbals++] = *q;
    }
    return 0;
}

/* ---- files ---- */

static void fill_resolution(void *context, int camera, size_t row, float *out)
{
    const struct state *s = context;
    fb_instrument_resolution(&s->instrument, camera, s->data.blunt[row], out);
}

/* Keywords of a coadd's primary header: common ones, and those of the scheme. */
enum { KEYWORDS = 5, GROUPINGS = 6 };

static int grouping(const struct fb_tree *tree, int64_t pixel, struct fb_sim_keyword keywords[GROUPINGS])
{
    struct fb_tree place;
    int64_t healpix;
    fb_survey_place(tree, pixel, &place, &healpix);
    const struct fb_sim_keyword of_pixels[GROUPINGS] = {
        { "SPGRP", FB_SIM_TEXT, "healpix", 0, "how spectra are grouped" },
        { "SPGRPVAL", FB_SIM_NUMBER, NULL, pixel, "which group" },
        { "HPXPIXEL", FB_SIM_NUMBER, NULL, healpix, "HEALPix pixel" },
        { "HPXNSIDE", FB_SIM_NUMBER, NULL, place.nside, "HEALPix nside" },
        { "HPXNEST", FB_SIM_TRUE, NULL, 0, "nested ordering" },
        { "UNIQPIX", FB_SIM_NUMBER, NULL, pixel, "adaptive pixel" },
    };
    const struct fb_sim_keyword of_tiles[GROUPINGS] = {
        { "SPGRP", FB_SIM_TEXT, "cumulative", 0, "how spectra are grouped" },
        { "SPGRPVAL", FB_SIM_NUMBER, NULL, pixel / 10 % 100000000, "which group" },
        { "TILEID", FB_SIM_NUMBER, NULL, fb_tile_of(pixel), "tile" },
        { "PETAL", FB_SIM_NUMBER, NULL, pixel % 10, "petal" },
    };
    memcpy(keywords, tree->scheme == FB_SCHEME_TILES ? of_tiles : of_pixels, sizeof of_pixels);
    if (tree->scheme == FB_SCHEME_UNIQPIX)
        keywords[0].text = "uniqpix";
    return tree->scheme == FB_SCHEME_TILES ? 4 : tree->scheme == FB_SCHEME_UNIQPIX ? 6 : 5;
}

static struct fb_sim_header pixel_header(const struct state *s, int64_t pixel,
                                         struct fb_sim_keyword keywords[KEYWORDS + GROUPINGS])
{
    const struct fb_sim_keyword all[] = {
        { "SURVEY", FB_SIM_TEXT, "main", 0, NULL },
        { "PROGRAM", FB_SIM_TEXT, "dark", 0, NULL },
        { "DEPNAM00", FB_SIM_TEXT, "fastbal", 0, "simulated by" },
        { "DEPVER00", FB_SIM_TEXT, fastbal_version(), 0, NULL },
        { "SIMSEED", FB_SIM_NUMBER, NULL, (int64_t)s->survey.seed, "seed of the simulation" },
    };
    const int n = grouping(&s->tree, pixel, keywords);
    memcpy(keywords + n, all, sizeof all);
    return (struct fb_sim_header){ n + (int)(sizeof all / sizeof all[0]), keywords };
}

static void describe_coadd(struct state *s, struct fb_sim_coadd *coadd,
                           struct fb_sim_column fibermap[FB_FIBERMAP_COLUMNS])
{
    const struct pixel_data *d = &s->data;

    coadd->nrows = (int64_t)d->n;
    coadd->diagonals = FB_RESOLUTION_DIAGONALS;
    coadd->fibermap = fb_fibermap_table(d->fibermap, d->n, s->options->scheme, fibermap);
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const struct fb_detector *p = &s->instrument.cameras[c];
        coadd->cameras[c] = (struct fb_sim_image){ p->letter,
                                                   p->n,
                                                   p->wavelength,
                                                   d->flux[c],
                                                   d->ivar[c],
                                                   d->mask[c],
                                                   s->options->resolution ? p->sharp : NULL };
    }
    if (s->options->scheme == FB_SCHEME_MOCK)
        return;
    coadd->exp_fibermap = fb_exposure_table(d->exposures, d->nexposures);
    coadd->scores = fb_scores_table(d->scores, d->n);
    coadd->resolution = s->options->resolution ? fill_resolution : NULL;
    coadd->context = s;
}

static int write_true_spectra(struct state *s, int64_t pixel, const struct fb_sim_header *header)
{
    const struct pixel_data *d = &s->data;
    const struct fb_sim_table targets =
        fb_target_table(s->quasars + s->first_quasar, s->nquasars - s->first_quasar);
    struct fb_sim_true_image cameras[FB_SIM_CAMERAS];
    char *path = fb_tree_path(&s->tree, "truespectra", pixel);

    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const struct fb_detector *p = &s->instrument.cameras[c];
        cameras[c] =
            (struct fb_sim_true_image){ p->letter, p->n, p->wavelength, d->continuum[c], d->transmission[c] };
    }
    const int failed =
        path ? fb_sim_write_true_spectra(path, header, &targets, cameras, &s->summary->bytes, s->err)
             : fb_fail(s->err, "out of memory");
    free(path);
    return failed;
}

static int write_pixel(struct state *s, int64_t pixel)
{
    struct fb_sim_keyword keywords[KEYWORDS + GROUPINGS];
    struct fb_sim_column fibermap[FB_FIBERMAP_COLUMNS];
    struct fb_sim_coadd coadd = { .header = pixel_header(s, pixel, keywords) };
    char *path = fb_tree_path(&s->tree, s->options->scheme == FB_SCHEME_MOCK ? "spectra" : "coadd", pixel);
    char *truth_path = fb_tree_path(&s->tree, "truth", pixel);
    int failed = 0;

    describe_coadd(s, &coadd, fibermap);
    if (!path || !truth_path)
        failed = fb_fail(s->err, "out of memory");
    else if (fb_sim_write_coadd(path, &coadd, &s->summary->bytes, s->err) < 0)
        failed = -1;
    else if (s->options->scheme == FB_SCHEME_MOCK) {
        const struct fb_sim_table truth[2] = { fb_mock_truth_table(s->data.truth, s->data.n),
                                               fb_bal_table(s->bals + s->first_bal, s->nbals - s->first_bal,
                                                            "BAL_META") };
        failed = fb_sim_write_mock_truth(truth_path, &coadd, 2, truth, &s->summary->bytes, s->err);
    }
    if (!failed && s->continuum)
        failed = write_true_spectra(s, pixel, &coadd.header);
    if (!failed) {
        s->summary->pixels++;
        if (s->options->progress)
            s->options->progress(s->options->context, s->summary->pixels, (size_t)s->options->pixels, path);
    }
    free(path);
    free(truth_path);
    return failed;
}

/* Shuffle the catalog, since programs must not rely on its order. */
static void shuffle_catalog(struct state *s)
{
    struct fb_rng rng;
    fb_purpose_seed(&rng, s->survey.seed, FB_FOR_SURVEY, 1);
    for (size_t i = s->nquasars; i > 1; i--) {
        const size_t j = (size_t)(fb_uniform(&rng) * (double)i);
        const struct fb_catalog_row row = s->catalog[i - 1];
        s->catalog[i - 1] = s->catalog[j];
        s->catalog[j] = row;
    }
}

static int write_tables(struct state *s)
{
    const struct fb_sim_keyword keywords[] = {
        { "DEPNAM00", FB_SIM_TEXT, "fastbal", 0, "simulated by" },
        { "DEPVER00", FB_SIM_TEXT, fastbal_version(), 0, NULL },
        { "SIMSEED", FB_SIM_NUMBER, NULL, (int64_t)s->survey.seed, "seed of the simulation" },
    };
    const struct fb_sim_header header = { 3, keywords };
    char *catalog_path = fb_format("%s/qso.fits", s->options->folder);
    char *truth_path = fb_format("%s/truth.fits", s->options->folder);
    char *bal_path = fb_format("%s/bal_cat.fits", s->root);
    struct fb_sim_column columns[FB_CATALOG_COLUMNS];
    int failed = -1;

    shuffle_catalog(s);
    const struct fb_sim_table catalog =
        fb_catalog_table(s->catalog, s->nquasars, s->options->scheme, columns);
    const struct fb_sim_table truth[2] = { fb_trough_table(s->troughs, s->ntroughs),
                                           fb_quasar_table(s->quasars, s->nquasars) };
    const struct fb_sim_table bals = fb_bal_table(s->bals, s->nbals, "ZCATALOG");
    if (!catalog_path || !truth_path || !bal_path)
        fb_fail(s->err, "out of memory");
    else if (fb_sim_write_tables(catalog_path, &header, 1, &catalog, &s->summary->bytes, s->err) == 0 &&
             fb_sim_write_tables(truth_path, &header, 2, truth, &s->summary->bytes, s->err) == 0 &&
             (s->options->scheme != FB_SCHEME_MOCK ||
              fb_sim_write_tables(bal_path, &header, 1, &bals, &s->summary->bytes, s->err) == 0))
        failed = 0;
    free(catalog_path);
    free(truth_path);
    free(bal_path);
    return failed;
}

/* As in DESI, the map of adaptive pixels is written next to them. */
static int write_map(struct state *s)
{
    if (s->tree.scheme != FB_SCHEME_UNIQPIX)
        return 0;
    char *folder = fb_tree_folder(&s->tree);
    const struct fb_sim_map map = { s->tree.survey, s->tree.program, s->pixels, (size_t)s->options->pixels,
                                    (int64_t)s->data.n };
    const int failed = folder ? fb_sim_write_map(folder, &map, &s->summary->bytes, s->err)
                              : fb_fail(s->err, "out of memory");
    free(folder);
    return failed;
}

static int simulate_pixel(struct state *s, int64_t pixel)
{
    s->data.nexposures = 0;
    s->first_quasar = s->nquasars;
    s->first_bal = s->nbals;
    fb_survey_targets(&s->survey, pixel, s->data.targets);
    for (size_t row = 0; row < s->data.n; row++)
        if (simulate_target(s, row) < 0)
            return -1;
    return write_pixel(s, pixel);
}

/* Returns non-zero once the user has asked to stop. */
static int give_up(const struct state *s)
{
    if (!s->options->stop || !s->options->stop())
        return 0;
    return fb_fail(s->err, "%s: not finished, %zu of %ld pixels are there", s->options->folder,
                   s->summary->pixels, s->options->pixels);
}

int fb_simulate(const struct fb_simulation *simulation, struct fb_simulation_summary *summary,
                struct fb_error *err)
{
    memset(summary, 0, sizeof *summary);
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return fb_fail(err, "out of memory");
    s->options = simulation;
    s->summary = summary;
    s->err = err;
    int failed = start(s);
    for (long i = 0; i < simulation->pixels && !failed; i++)
        failed = give_up(s) != 0 || simulate_pixel(s, s->pixels[i]) != 0 ? -1 : 0;
    if (!failed)
        failed = write_map(s);
    if (!failed)
        failed = write_tables(s);
    summary->quasars = s->nquasars;
    summary->troughs = s->ntroughs;
    stop(s);
    free(s);
    return failed;
}
