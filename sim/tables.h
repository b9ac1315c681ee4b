/*
 * tables.h - the rows and columns of simulated catalogs, fibermaps and scores.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SIM_TABLES_H
#define FB_SIM_TABLES_H

#include "instrument.h"
#include "sim/files.h"
#include "render.h"
#include "survey.h"

struct fb_fibermap_row {
    int64_t targetid;
    int32_t fiberstatus;
    double ra, dec;
    int64_t desi_target;
    char objtype[4], morphtype[5];
    float ebv, flux_g, flux_r, flux_z;
    int32_t obsconditions;
    int16_t numexp, numnight, numtile;
    float exptime;
    double mean_mjd;
    int32_t tile;
    int16_t petal; /* of tiles */
};

struct fb_exposure_row {
    int64_t targetid;
    int16_t petal;
    int32_t fiber, fiberstatus, tile, night, expid;
    double exptime, mjd;
};

struct fb_scores_row {
    int64_t targetid;
    float tsnr2_qso, tsnr2_lya;
    float median_snr[FB_SIM_CAMERAS];
};

struct fb_catalog_row {
    int64_t targetid;
    double z, z_error;
    int64_t zwarn;
    double ra, dec;
    char spectype[7], survey[5], program[7];
    int64_t pixel; /* of nside 64; in mocks, nside 16 */
    int64_t desi_target;
    int32_t fiberstatus, last_night;
    float tsnr2_lya;
    int64_t uniqpix; /* of adaptive pixels */
    int32_t tile, night;
    int16_t petal; /* of tiles */
};

struct fb_mock_truth_row {
    int64_t targetid;
    char objtype[11];
    double z, true_z, magnitude;
};

/* Fill rows; model is the noiseless spectrum on the concatenated pixels of all cameras. */
void fb_fill_fibermap(struct fb_fibermap_row *row, const struct fb_tree *tree, const struct fb_target *t,
                      const struct fb_instrument *instrument, const double *model);
void fb_fill_scores(struct fb_scores_row *row, const struct fb_target *t,
                    const struct fb_instrument *instrument, const struct fb_rows *spectra, double *scratch);
void fb_fill_catalog(struct fb_catalog_row *row, const struct fb_tree *tree, const struct fb_target *t,
                     uint64_t seed);
void fb_fill_mock_truth(struct fb_mock_truth_row *row, const struct fb_target *t);
/* The exposures of a target, t->exposures of them. */
void fb_fill_exposures(struct fb_exposure_row *rows, const struct fb_target *t, uint64_t seed);

/*
 * The median of model / sigma over the C IV search range, at the true redshift; 0 if it isn't covered.
 * scratch has room for all pixels.
 */
double fb_true_snr_civ(const struct fb_instrument *instrument, const double *model,
                       const struct fb_rows *spectra, double z, double *scratch);

/*
 * Tables of these rows. The columns of fibermaps and catalogs are stored in the caller's array, since they depend
 * on the scheme: mocks have other names for positions, adaptive pixels and tiles have columns of their own, and
 * catalogs of tiles have no pixels and name the last night of their tile LASTNIGHT.
 */
enum { FB_FIBERMAP_COLUMNS = 19, FB_CATALOG_COLUMNS = 16 };
struct fb_sim_table fb_fibermap_table(const struct fb_fibermap_row *rows, size_t n, enum fb_scheme scheme,
                                      struct fb_sim_column columns[FB_FIBERMAP_COLUMNS]);
struct fb_sim_table fb_exposure_table(const struct fb_exposure_row *rows, size_t n);
struct fb_sim_table fb_scores_table(const struct fb_scores_row *rows, size_t n);
struct fb_sim_table fb_catalog_table(const struct fb_catalog_row *rows, size_t n, enum fb_scheme scheme,
                                     struct fb_sim_column columns[FB_CATALOG_COLUMNS]);
struct fb_sim_table fb_trough_table(const struct fb_trough_row *rows, size_t n);
struct fb_sim_table fb_quasar_table(const struct fb_quasar_row *rows, size_t n);
struct fb_sim_table fb_mock_truth_table(const struct fb_mock_truth_row *rows, size_t n);
/* The quasars of a file of true spectra. */
struct fb_sim_table fb_target_table(const struct fb_quasar_row *rows, size_t n);
/* The BAL quasars of a mock: BAL_META of its truth files, and ZCATALOG of its bal_cat.fits. */
struct fb_sim_table fb_bal_table(const struct fb_quasar_row *rows, size_t n, const char *extname);

#endif
