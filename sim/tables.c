/*
 * tables.c - defines and fills columns as in DESI's files (names, types, units).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define EXPOSURE_TIME 1000.0 /* s */
#define FIRST_MJD 59350.0    /* 14 May 2021, when the main survey began */

enum { DESI_TARGET_QSO = 1 << 2, DESI_TARGET_ELG = 1 << 1, OBSCONDITIONS_DARK = 1 };

/* ---- rows ---- */

/* Mean flux in nanomaggies of a camera's pixels between two wavelengths, roughly a broad band. */
static float band(const struct fb_detector *d, const double *model, double first, double last)
{
    const double pivot = 0.5 * (first + last);
    double sum = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        if (d->wavelength[i] >= first && d->wavelength[i] < last) {
            sum += model[i];
            n++;
        }
    return n ? (float)(sum / (double)n / fb_magnitude_to_flux(22.5, pivot)) : 0.0f;
}

void fb_fill_fibermap(struct fb_fibermap_row *row, const struct fb_tree *tree, const struct fb_target *t,
                      const struct fb_instrument *instrument, const double *model)
{
    const struct fb_detector *b = &instrument->cameras[0], *r = &instrument->cameras[1],
                             *z = &instrument->cameras[2];

    memset(row, 0, sizeof *row);
    row->targetid = t->targetid;
    row->fiberstatus = t->fiberstatus;
    row->ra = t->ra;
    row->dec = t->dec;
    row->desi_target = t->quasar ? DESI_TARGET_QSO : DESI_TARGET_ELG;
    snprintf(row->objtype, sizeof row->objtype, "TGT");
    snprintf(row->morphtype, sizeof row->morphtype, "PSF");
    row->ebv = (float)(0.01 + 0.09 * fabs(sin(7.0 * t->ra + 11.0 * t->dec)));
    row->flux_g = band(b, model, 4100.0, 5400.0);
    row->flux_r = band(r, model, 5900.0, 7000.0);
    row->flux_z = band(z, model, 8500.0, 9800.0);
    row->obsconditions = OBSCONDITIONS_DARK;
    row->numexp = row->numnight = row->numtile = (int16_t)t->exposures;
    row->exptime = (float)(EXPOSURE_TIME * t->exposures);
    row->mean_mjd = FIRST_MJD + 30.0 * t->exposures;
    if (tree->scheme == FB_SCHEME_TILES) {
        row->tile = (int32_t)fb_tile_of(t->pixel);
        row->petal = (int16_t)(t->pixel % 10);
    }
}

/* Night YYYYMMDD of the k-th 28-day month since the survey began; always a valid date. */
static int32_t night_of(int month, int day)
{
    return 20210500 + 10000 * ((month + 4) / 12) + 100 * ((month + 4) % 12 - 4) + day;
}

void fb_fill_exposures(struct fb_exposure_row *rows, const struct fb_target *t, uint64_t seed)
{
    struct fb_rng rng;
    int month = 0;

    fb_purpose_seed(&rng, seed, FB_FOR_EXPOSURES, t->targetid);
    for (int k = 0; k < t->exposures; k++) {
        const int32_t fiber = (int32_t)(5000.0 * fb_uniform(&rng));
        const int day = 1 + (int)(28.0 * fb_uniform(&rng));
        month += (int)(5.0 * fb_uniform(&rng));
        memset(&rows[k], 0, sizeof rows[k]);
        rows[k].targetid = t->targetid;
        rows[k].petal = (int16_t)(fiber / 500);
        rows[k].fiber = fiber;
        rows[k].fiberstatus = t->fiberstatus;
        rows[k].tile = 1000 + (int32_t)(10000.0 * fb_uniform(&rng));
        rows[k].night = night_of(month, day);
        rows[k].expid = 90000 + 1000 * month + 30 * day;
        rows[k].exptime = EXPOSURE_TIME;
        rows[k].mjd = FIRST_MJD + 28.0 * month + day;
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    if (n == 0)
        return 0.0;
    qsort(x, n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

void fb_fill_scores(struct fb_scores_row *row, const struct fb_target *t,
                    const struct fb_instrument *instrument, const struct fb_rows *spectra, double *scratch)
{
    memset(row, 0, sizeof *row);
    row->targetid = t->targetid;
    row->tsnr2_qso = (float)(60.0 * t->depth);
    row->tsnr2_lya = (float)(500.0 * t->depth);
    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        size_t n = 0;
        for (size_t i = 0; i < instrument->cameras[c].n; i++)
            if (spectra->ivar[c][i] > 0.0f)
                scratch[n++] = spectra->flux[c][i] * sqrt((double)spectra->ivar[c][i]);
        row->median_snr[c] = (float)median(scratch, n);
    }
}

double fb_true_snr_civ(const struct fb_instrument *instrument, const double *model,
                       const struct fb_rows *spectra, double z, double *scratch)
{
    const double last = 1549.0 * (1.0 + z), first = last * (1.0 - 25000.0 / FASTBAL_LIGHT_SPEED);
    size_t n = 0;

    for (int c = 0; c < FB_SIM_CAMERAS; c++) {
        const struct fb_detector *d = &instrument->cameras[c];
        for (size_t i = 0; i < d->n; i++)
            if (d->wavelength[i] >= first && d->wavelength[i] < last)
                scratch[n++] = model[i] * sqrt((double)spectra->ivar[c][i]);
        model += d->n;
    }
    return median(scratch, n);
}

void fb_fill_catalog(struct fb_catalog_row *row, const struct fb_tree *tree, const struct fb_target *t,
                     uint64_t seed)
{
    const struct fb_tree healpix = { .scheme = FB_SCHEME_HEALPIX };
    memset(row, 0, sizeof *row);
    row->targetid = t->targetid;
    row->z = t->z_catalog;
    row->z_error = t->z_error;
    row->zwarn = t->zwarn;
    row->ra = t->ra;
    row->dec = t->dec;
    snprintf(row->spectype, sizeof row->spectype, "QSO");
    snprintf(row->survey, sizeof row->survey, "main");
    snprintf(row->program, sizeof row->program, "dark");
    row->pixel = tree->scheme == FB_SCHEME_MOCK ? t->pixel : fb_tree_pixel(&healpix, t->ra, t->dec);
    row->uniqpix = t->pixel;
    if (tree->scheme == FB_SCHEME_TILES) {
        row->tile = (int32_t)fb_tile_of(t->pixel);
        row->night = (int32_t)(t->pixel / 10 % 100000000);
        row->petal = (int16_t)(t->pixel % 10);
    }
    row->desi_target = DESI_TARGET_QSO;
    row->fiberstatus = t->fiberstatus;
    row->tsnr2_lya = (float)(500.0 * t->depth);
    row->last_night = 0;
    struct fb_exposure_row exposures[FB_MOST_EXPOSURES];
    fb_fill_exposures(exposures, t, seed);
    for (int k = 0; k < t->exposures; k++)
        if (exposures[k].night > row->last_night)
            row->last_night = exposures[k].night;
}

void fb_fill_mock_truth(struct fb_mock_truth_row *row, const struct fb_target *t)
{
    memset(row, 0, sizeof *row);
    row->targetid = t->targetid;
    snprintf(row->objtype, sizeof row->objtype, t->quasar ? "QSO" : "OTHER");
    row->z = t->z_catalog;
    row->true_z = t->z;
    row->magnitude = t->magnitude;
}

/* ---- columns ---- */

#define AT(member) offsetof(struct ROW, member)

#define ROW fb_fibermap_row
static const struct fb_sim_column fibermap_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },       { "COADD_FIBERSTATUS", "J", NULL, AT(fiberstatus) },
    { "TARGET_RA", "D", "deg", AT(ra) },           { "TARGET_DEC", "D", "deg", AT(dec) },
    { "OBJTYPE", "3A", NULL, AT(objtype) },        { "DESI_TARGET", "K", NULL, AT(desi_target) },
    { "MORPHTYPE", "4A", NULL, AT(morphtype) },    { "EBV", "E", "mag", AT(ebv) },
    { "FLUX_G", "E", "nanomaggy", AT(flux_g) },    { "FLUX_R", "E", "nanomaggy", AT(flux_r) },
    { "FLUX_Z", "E", "nanomaggy", AT(flux_z) },    { "OBSCONDITIONS", "J", NULL, AT(obsconditions) },
    { "COADD_NUMEXP", "I", NULL, AT(numexp) },     { "COADD_EXPTIME", "E", "s", AT(exptime) },
    { "COADD_NUMNIGHT", "I", NULL, AT(numnight) }, { "COADD_NUMTILE", "I", NULL, AT(numtile) },
    { "MEAN_MJD", "D", "d", AT(mean_mjd) },
};
static const struct fb_sim_column fibermap_tile_columns[] = { { "TILEID", "J", NULL, AT(tile) },
                                                              { "PETAL_LOC", "I", NULL, AT(petal) } };
#undef ROW

#define ROW fb_exposure_row
static const struct fb_sim_column exposure_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },
    { "PETAL_LOC", "I", NULL, AT(petal) },
    { "FIBER", "J", NULL, AT(fiber) },
    { "FIBERSTATUS", "J", NULL, AT(fiberstatus) },
    { "TILEID", "J", NULL, AT(tile) },
    { "NIGHT", "J", NULL, AT(night) },
    { "EXPID", "J", NULL, AT(expid) },
    { "EXPTIME", "D", "s", AT(exptime) },
    { "MJD", "D", "d", AT(mjd) },
};
#undef ROW

#define ROW fb_scores_row
static const struct fb_sim_column score_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },
    { "TSNR2_QSO", "E", NULL, AT(tsnr2_qso) },
    { "TSNR2_LYA", "E", NULL, AT(tsnr2_lya) },
    { "MEDIAN_COADD_SNR_B", "E", NULL, AT(median_snr[0]) },
    { "MEDIAN_COADD_SNR_R", "E", NULL, AT(median_snr[1]) },
    { "MEDIAN_COADD_SNR_Z", "E", NULL, AT(median_snr[2]) },
};
#undef ROW

#define ROW fb_catalog_row
static const struct fb_sim_column catalog_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },
    { "Z", "D", NULL, AT(z) },
    { "ZERR", "D", NULL, AT(z_error) },
    { "ZWARN", "K", NULL, AT(zwarn) },
    { "TARGET_RA", "D", "deg", AT(ra) },
    { "TARGET_DEC", "D", "deg", AT(dec) },
    { "SPECTYPE", "6A", NULL, AT(spectype) },
    { "SURVEY", "4A", NULL, AT(survey) },
    { "PROGRAM", "6A", NULL, AT(program) },
    { "DESI_TARGET", "K", NULL, AT(desi_target) },
    { "COADD_FIBERSTATUS", "J", NULL, AT(fiberstatus) },
    { "TSNR2_LYA", "E", NULL, AT(tsnr2_lya) },
};
static const struct fb_sim_column pixel_columns[] = { { "HPXPIXEL", "K", NULL, AT(pixel) },
                                                      { "COADD_LASTNIGHT", "J", NULL, AT(last_night) } };
static const struct fb_sim_column uniqpix_columns[] = { { "UNIQPIX", "K", NULL, AT(uniqpix) } };
static const struct fb_sim_column tile_columns[] = { { "TILEID", "J", NULL, AT(tile) },
                                                     { "LASTNIGHT", "J", NULL, AT(night) },
                                                     { "PETAL_LOC", "I", NULL, AT(petal) } };
#undef ROW

#define ROW fb_mock_truth_row
static const struct fb_sim_column mock_truth_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },
    { "OBJTYPE", "10A", NULL, AT(objtype) },
    { "Z", "D", NULL, AT(z) },
    { "TRUEZ", "D", NULL, AT(true_z) },
    { "MAG", "D", "mag", AT(magnitude) },
};
#undef ROW

#define ROW fb_trough_row
static const struct fb_sim_column trough_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) }, { "Z", "D", NULL, AT(z) },
    { "Z_CAT", "D", NULL, AT(z_catalog) },   { "TROUGH", "J", NULL, AT(number) },
    { "SHAPE", "8A", NULL, AT(shape) },      { "VMIN", "D", "km/s", AT(vmin) },
    { "VMAX", "D", "km/s", AT(vmax) },       { "POSMIN", "D", "km/s", AT(posmin) },
    { "DEPTH", "D", NULL, AT(depth) },       { "AI", "D", "km/s", AT(ai) },
    { "COVERING", "D", NULL, AT(covering) }, { "TAU", "D", NULL, AT(tau) },
    { "TAU_SIIV", "D", NULL, AT(siiv) },     { "TAU_NV", "D", NULL, AT(nv) },
    { "TAU_LYA", "D", NULL, AT(lya) },       { "TAU_MGII", "D", NULL, AT(mgii) },
};
#undef ROW

#define ROW fb_quasar_row
static const struct fb_sim_column quasar_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },
    { "HPXPIXEL", "K", NULL, AT(pixel) },
    { "Z", "D", NULL, AT(z) },
    { "Z_CAT", "D", NULL, AT(z_catalog) },
    { "MAG", "D", "mag", AT(magnitude) },
    { "SNR_CIV", "D", NULL, AT(snr_civ) },
    { "BAL", "I", NULL, AT(bal) },
    { "NTROUGH", "I", NULL, AT(ntroughs) },
    { "EBV_BAL", "D", "mag", AT(ebv) },
    { "AI_CIV", "D", "km/s", AT(ai_civ) },
    { "BI_CIV", "D", "km/s", AT(bi_civ) },
    { "NCIV_450", "J", NULL, AT(n450) },
    { "VMIN_CIV_450", "17E", "km/s", AT(vmin450) },
    { "VMAX_CIV_450", "17E", "km/s", AT(vmax450) },
    { "NCIV_2000", "J", NULL, AT(n2000) },
    { "VMIN_CIV_2000", "5E", "km/s", AT(vmin2000) },
    { "VMAX_CIV_2000", "5E", "km/s", AT(vmax2000) },
    { "AI_ALL", "D", "km/s", AT(ai_all) },
    { "NALL_450", "J", NULL, AT(nall450) },
    { "VMIN_ALL_450", "17E", "km/s", AT(vminall450) },
    { "VMAX_ALL_450", "17E", "km/s", AT(vmaxall450) },
    { "NASSOC", "I", NULL, AT(nassociated) },
    { "NDLA", "I", NULL, AT(ndla) },
    { "Z_DLA", "D", NULL, AT(z_dla) },
    { "LOG_NHI", "D", "log(cm**-2)", AT(log_nhi) },
};
static const struct fb_sim_column target_columns[] = { { "TARGETID", "K", NULL, AT(targetid) },
                                                       { "Z", "D", NULL, AT(z) },
                                                       { "Z_CAT", "D", NULL, AT(z_catalog) } };
static const struct fb_sim_column bal_columns[] = {
    { "TARGETID", "K", NULL, AT(targetid) },
    { "Z", "D", NULL, AT(z) },
    { "BAL_PROB", "E", NULL, AT(bal_prob) },
    { "BI_CIV", "D", "km/s", AT(bi_civ) },
    { "ERR_BI_CIV", "E", "km/s", AT(error) },
    { "NCIV_2000", "J", NULL, AT(n2000) },
    { "VMIN_CIV_2000", "5E", "km/s", AT(vmin2000) },
    { "VMAX_CIV_2000", "5E", "km/s", AT(vmax2000) },
    { "POSMIN_CIV_2000", "5E", "km/s", AT(posmin2000) },
    { "FMIN_CIV_2000", "5E", NULL, AT(fmin2000) },
    { "AI_CIV", "D", "km/s", AT(ai_civ) },
    { "ERR_AI_CIV", "E", "km/s", AT(error) },
    { "NCIV_450", "J", NULL, AT(n450) },
    { "VMIN_CIV_450", "17E", "km/s", AT(vmin450) },
    { "VMAX_CIV_450", "17E", "km/s", AT(vmax450) },
    { "POSMIN_CIV_450", "17E", "km/s", AT(posmin450) },
    { "FMIN_CIV_450", "17E", NULL, AT(fmin450) },
};
#undef ROW
_Static_assert(FASTBAL_MAX_AI == 17 && FASTBAL_MAX_BI == 5, "the formats above");

/* clang-format off */
#define TABLE(name, columns, rows, n) { name, columns, COUNT(columns), rows, sizeof *(rows), (int64_t)(n) }
/* clang-format on */

struct fb_sim_table fb_exposure_table(const struct fb_exposure_row *rows, size_t n)
{
    return (struct fb_sim_table)TABLE("EXP_FIBERMAP", exposure_columns, rows, n);
}

struct fb_sim_table fb_scores_table(const struct fb_scores_row *rows, size_t n)
{
    return (struct fb_sim_table)TABLE("SCORES", score_columns, rows, n);
}

static void add_columns(struct fb_sim_table *table, struct fb_sim_column *columns,
                        const struct fb_sim_column *more, int n)
{
    memcpy(columns + table->ncolumns, more, (size_t)n * sizeof *more);
    table->ncolumns += n;
}

struct fb_sim_table fb_fibermap_table(const struct fb_fibermap_row *rows, size_t n, enum fb_scheme scheme,
                                      struct fb_sim_column columns[FB_FIBERMAP_COLUMNS])
{
    struct fb_sim_table table = TABLE("FIBERMAP", fibermap_columns, rows, n);

    table.ncolumns = 0;
    add_columns(&table, columns, fibermap_columns, COUNT(fibermap_columns));
    if (scheme == FB_SCHEME_TILES)
        add_columns(&table, columns, fibermap_tile_columns, COUNT(fibermap_tile_columns));
    table.columns = columns;
    return table;
}

struct fb_sim_table fb_catalog_table(const struct fb_catalog_row *rows, size_t n, enum fb_scheme scheme,
                                     struct fb_sim_column columns[FB_CATALOG_COLUMNS])
{
    struct fb_sim_table table = TABLE("QSO_CAT", catalog_columns, rows, n);

    table.ncolumns = 0;
    add_columns(&table, columns, catalog_columns, COUNT(catalog_columns));
    if (scheme == FB_SCHEME_UNIQPIX)
        add_columns(&table, columns, uniqpix_columns, COUNT(uniqpix_columns));
    if (scheme == FB_SCHEME_TILES)
        add_columns(&table, columns, tile_columns, COUNT(tile_columns));
    else
        add_columns(&table, columns, pixel_columns, COUNT(pixel_columns));
    for (int i = 0; scheme == FB_SCHEME_MOCK && i < table.ncolumns; i++)
        if (strncmp(columns[i].name, "TARGET_", 7) == 0)
            columns[i].name += 7; /* RA and DEC */
    table.columns = columns;
    return table;
}

struct fb_sim_table fb_trough_table(const struct fb_trough_row *rows, size_t n)
{
    return (struct fb_sim_table)TABLE("TRUTH", trough_columns, rows, n);
}

struct fb_sim_table fb_quasar_table(const struct fb_quasar_row *rows, size_t n)
{
    return (struct fb_sim_table)TABLE("QUASARS", quasar_columns, rows, n);
}

struct fb_sim_table fb_mock_truth_table(const struct fb_mock_truth_row *rows, size_t n)
{
    return (struct fb_sim_table)TABLE("TRUTH", mock_truth_columns, rows, n);
}

struct fb_sim_table fb_target_table(const struct fb_quasar_row *rows, size_t n)
{
    return (struct fb_sim_table)TABLE("TARGETS", target_columns, rows, n);
}

struct fb_sim_table fb_bal_table(const struct fb_quasar_row *rows, size_t n, const char *extname)
{
    return (struct fb_sim_table)TABLE(extname, bal_columns, rows, n);
}
