/* balrow.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "desi/balrow.h"

#define BOTH (FB_IN_TABLE | FB_IN_CATALOG)
#define AT(member) offsetof(struct fb_balrow, member)

/* clang-format off */
/* The columns of one kind of troughs in one line. */
#define TROUGHS(INDEX, LINE, WIDTH, most, member, line, words)                                                        \
    { #INDEX "_" #LINE, 'E', 1, AT(member.index), BOTH, "km/s", words " index of " line },                            \
    { "ERR_" #INDEX "_" #LINE, 'E', 1, AT(member.error), BOTH, "km/s", "error of " #INDEX "_" #LINE },                \
    { "N" #LINE "_" #WIDTH, 'J', 1, AT(member.count), BOTH, "", line " troughs wider than " #WIDTH " km/s" },         \
    { "VMIN_" #LINE "_" #WIDTH, 'E', most, AT(member.vmin), BOTH, "km/s", "red ends of these troughs; -1: unused" },  \
    { "VMAX_" #LINE "_" #WIDTH, 'E', most, AT(member.vmax), BOTH, "km/s", "blue ends of these troughs; -1: unused" }, \
    { "POSMIN_" #LINE "_" #WIDTH, 'E', most, AT(member.posmin), BOTH, "km/s", "velocities of their deepest pixels" }, \
    { "FMIN_" #LINE "_" #WIDTH, 'E', most, AT(member.fmin), BOTH, "", "normalised flux of their deepest pixels" }
/* clang-format on */

static const struct fb_balrow_column columns[] = {
    { "TARGETID", 'K', 1, AT(targetid), FB_IN_TABLE | FB_OF_TROUGHS, "", "DESI target identifier" },
    { "TARGET_RA", 'E', 1, AT(target_ra), FB_IN_TABLE, "deg", "right ascension (J2000)" },
    { "TARGET_DEC", 'E', 1, AT(target_dec), FB_IN_TABLE, "deg", "declination (J2000)" },
    { "Z", 'E', 1, AT(z), FB_IN_TABLE | FB_OF_TROUGHS, "", "redshift that velocities refer to" },
    { "ZERR", 'E', 1, AT(zerr), FB_IN_TABLE, "", "error of the redshift" },
    { "ZWARN", 'E', 1, AT(zwarn), FB_IN_TABLE, "", "warning flags of the redshift" },
    { "PCA_COEFFS", 'E', 0, AT(pca_coeffs), BOTH, "", "coefficients of the continuum templates" },
    { "PCA_CHI2", 'E', 1, AT(pca_chi2), BOTH, "", "reduced chi-square of the continuum fit" },
    { "BAL_PROB", 'E', 1, AT(bal_prob), BOTH, "", "probability of a BAL, by the detector; 0: none assigned" },
    TROUGHS(BI, CIV, 2000, FASTBAL_MAX_BI, civ_bi, "C IV", "balnicity"),
    TROUGHS(AI, CIV, 450, FASTBAL_MAX_AI, civ_ai, "C IV", "absorption"),
    TROUGHS(BI, SIIV, 2000, FASTBAL_MAX_BI, siiv_bi, "Si IV", "balnicity"),
    TROUGHS(AI, SIIV, 450, FASTBAL_MAX_AI, siiv_ai, "Si IV", "absorption"),
    { "BALMASK", 'B', 1, AT(balmask), FB_IN_CATALOG, "", "why a row was not measured (bits); 0: measured" },
    { "SNR_CIV", 'E', 1, AT(snr_civ), BOTH | FB_OPTIONAL, "",
      "median flux/error in the C IV search range; -1: not covered" },
    { "SNR_REDSIDE", 'E', 1, AT(snr_redside), BOTH | FB_OPTIONAL, "", "the same at 1420-1480 A, rest frame" },
    { "SNR_FOREST", 'E', 1, AT(snr_forest), BOTH | FB_OPTIONAL, "", "the same at 1040-1205 A, rest frame" },
    { "BALSTATUS", 'J', 1, AT(balstatus), BOTH | FB_OPTIONAL, "", "remarks on the measurement (bits)" },
    { "AI_TOT_CIV", 'E', 1, AT(ai_tot), BOTH | FB_OPTIONAL, "km/s", "AI over whole C IV troughs" },
    { "ERR_AI_TOT_CIV", 'E', 1, AT(err_ai_tot), BOTH | FB_OPTIONAL, "km/s", "error of AI_TOT_CIV" },
    { "BI0_CIV", 'E', 1, AT(bi0), BOTH | FB_OPTIONAL, "km/s", "balnicity index from 0 km/s" },
    { "ERR_BI0_CIV", 'E', 1, AT(err_bi0), BOTH | FB_OPTIONAL, "km/s", "error of BI0_CIV" },
    { "DI_CIV", 'E', 1, AT(di), BOTH | FB_OPTIONAL, "", "detachment index; -1: no trough" },
    { "ERR_DI_CIV", 'E', 1, AT(err_di), BOTH | FB_OPTIONAL, "", "error of DI_CIV" },
    { "EW_CIV", 'E', 1, AT(ew), BOTH | FB_OPTIONAL, "Angstrom",
      "rest equivalent width of all C IV AI troughs" },
    { "ERR_EW_CIV", 'E', 1, AT(err_ew), BOTH | FB_OPTIONAL, "Angstrom", "error of EW_CIV" },
    { "DEPTH_CIV", 'E', 1, AT(depth), BOTH | FB_OPTIONAL, "", "mean depth of all C IV AI troughs" },
    { "ERR_DEPTH_CIV", 'E', 1, AT(err_depth), BOTH | FB_OPTIONAL, "", "error of DEPTH_CIV" },
    { "LOBAL", 'J', 1, AT(lobal), BOTH | FB_OPTIONAL, "", "1: LoBAL, 0: HiBAL, -1: not searched" },
    { "DEPTH_ALIII", 'E', 1, AT(depth_aliii), BOTH | FB_OPTIONAL, "", "depth of Al III at a C IV trough" },
    { "ERR_DEPTH_ALIII", 'E', 1, AT(err_depth_aliii), BOTH | FB_OPTIONAL, "", "error of DEPTH_ALIII" },
    { "DEPTH_MGII", 'E', 1, AT(depth_mgii), BOTH | FB_OPTIONAL, "", "depth of Mg II at a C IV trough" },
    { "ERR_DEPTH_MGII", 'E', 1, AT(err_depth_mgii), BOTH | FB_OPTIONAL, "", "error of DEPTH_MGII" },
    { "AI_DET", 'E', 1, AT(det_ai), BOTH | FB_OPTIONAL, "km/s",
      "absorption index of the detector's troughs" },
    { "ERR_AI_DET", 'E', 1, AT(err_det_ai), BOTH | FB_OPTIONAL, "km/s", "error of AI_DET" },
    { "BI_DET", 'E', 1, AT(det_bi), BOTH | FB_OPTIONAL, "km/s", "balnicity index of the detector's troughs" },
    { "ERR_BI_DET", 'E', 1, AT(err_det_bi), BOTH | FB_OPTIONAL, "km/s", "error of BI_DET" },
    { "NDET_450", 'J', 1, AT(det_count), BOTH | FB_OPTIONAL, "", "C IV troughs found by the detector" },
    { "VMIN_DET_450", 'E', FASTBAL_MAX_DETECTED, AT(det_vmin), BOTH | FB_OPTIONAL, "km/s",
      "red ends of these troughs; -1: unused" },
    { "VMAX_DET_450", 'E', FASTBAL_MAX_DETECTED, AT(det_vmax), BOTH | FB_OPTIONAL, "km/s",
      "blue ends of these troughs; -1: unused" },
    { "ERR_V_DET_450", 'E', FASTBAL_MAX_DETECTED, AT(det_edge), BOTH | FB_OPTIONAL, "km/s",
      "errors of both ends; -1: unused" },
    { "PROB_DET_450", 'E', FASTBAL_MAX_DETECTED, AT(det_inside), BOTH | FB_OPTIONAL, "",
      "their probabilities of being in an outflow; -1: unused" },
    { "EW_CIV_450", 'E', FASTBAL_MAX_AI, AT(civ_whole.ew), FB_OF_TROUGHS, "Angstrom", "" },
    { "ERR_EW_CIV_450", 'E', FASTBAL_MAX_AI, AT(civ_whole.err_ew), FB_OF_TROUGHS, "Angstrom", "" },
    { "DEPTH_CIV_450", 'E', FASTBAL_MAX_AI, AT(civ_whole.depth), FB_OF_TROUGHS, "", "" },
    { "ERR_DEPTH_CIV_450", 'E', FASTBAL_MAX_AI, AT(civ_whole.err_depth), FB_OF_TROUGHS, "", "" },
    { "PROB_CIV_450", 'E', FASTBAL_MAX_AI, AT(civ_whole.inside), FB_OF_TROUGHS, "", "" },
    { "EW_SIIV_450", 'E', FASTBAL_MAX_AI, AT(siiv_whole.ew), FB_OF_TROUGHS, "Angstrom", "" },
    { "ERR_EW_SIIV_450", 'E', FASTBAL_MAX_AI, AT(siiv_whole.err_ew), FB_OF_TROUGHS, "Angstrom", "" },
    { "DEPTH_SIIV_450", 'E', FASTBAL_MAX_AI, AT(siiv_whole.depth), FB_OF_TROUGHS, "", "" },
    { "ERR_DEPTH_SIIV_450", 'E', FASTBAL_MAX_AI, AT(siiv_whole.err_depth), FB_OF_TROUGHS, "", "" },
    { "PROB_SIIV_450", 'E', FASTBAL_MAX_AI, AT(siiv_whole.inside), FB_OF_TROUGHS, "", "" },
};

_Static_assert(sizeof columns / sizeof columns[0] <= FB_BALROW_COLUMNS, "FB_BALROW_COLUMNS is too small");

const struct fb_balrow_column *fb_balrow_next(const struct fb_balrow_column *c, enum fb_balrow_use use)
{
    for (c = c ? c + 1 : columns; c < columns + sizeof columns / sizeof columns[0]; c++)
        if (c->use & (int)use)
            return c;
    return NULL;
}

int fb_balrow_names(enum fb_balrow_use use, int ntemplates, char **ttype, char **tform, char **tunit,
                    char (*text)[16])
{
    int n = 0;
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, use)) != NULL; n++) {
        int repeat = fb_balrow_repeat(c, ntemplates);
        if (repeat == 1)
            snprintf(text[n], sizeof text[n], "%c", c->type);
        else
            snprintf(text[n], sizeof text[n], "%d%c", repeat, c->type);
        ttype[n] = (char *)c->name;
        tform[n] = text[n];
        tunit[n] = (char *)c->unit;
    }
    return n;
}

int fb_balrow_in_catalog(const char *name)
{
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, FB_IN_CATALOG)) != NULL;)
        if (strcasecmp(c->name, name) == 0)
            return 1;
    return 0;
}

int fb_balrow_repeat(const struct fb_balrow_column *column, int ntemplates)
{
    return column->repeat > 0 ? column->repeat : ntemplates;
}

size_t fb_balrow_type_size(char type)
{
    return type == 'K' ? 8 : type == 'B' ? 1 : 4;
}

size_t fb_balrow_bytes(enum fb_balrow_use use, int ntemplates)
{
    size_t bytes = 0;
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, use)) != NULL;)
        bytes += fb_balrow_type_size(c->type) * (size_t)fb_balrow_repeat(c, ntemplates);
    return bytes;
}

/* Copy n values between memory and file byte order. */
static inline void swap_values(unsigned char *to, const unsigned char *from, size_t n, size_t size)
{
    const uint16_t probe = 1;
    if (size == 1 || *(const unsigned char *)&probe == 0) {
        memcpy(to, from, n * size);
        return;
    }
    if (size == 8) {
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < 8; b++)
                to[8 * i + b] = from[8 * i + 7 - b];
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t value;
        memcpy(&value, from + 4 * i, 4);
        value = __builtin_bswap32(value);
        memcpy(to + 4 * i, &value, 4);
    }
}

unsigned char *fb_balrow_encode(const struct fb_balrow *row, enum fb_balrow_use use, int ntemplates,
                                unsigned char *bytes)
{
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, use)) != NULL;) {
        size_t size = fb_balrow_type_size(c->type), repeat = (size_t)fb_balrow_repeat(c, ntemplates);
        swap_values(bytes, (const unsigned char *)row + c->offset, repeat, size);
        bytes += repeat * size;
    }
    return bytes;
}

void fb_balrow_decode_value(struct fb_balrow *row, const struct fb_balrow_column *column,
                            const unsigned char *bytes, int repeat)
{
    swap_values((unsigned char *)row + column->offset, bytes, (size_t)repeat,
                fb_balrow_type_size(column->type));
}

void fb_balrow_decode(struct fb_balrow *row, enum fb_balrow_use use, int ntemplates,
                      const unsigned char *bytes)
{
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, use)) != NULL;) {
        int repeat = fb_balrow_repeat(c, ntemplates);
        fb_balrow_decode_value(row, c, bytes, repeat);
        bytes += fb_balrow_type_size(c->type) * (size_t)repeat;
    }
}

void fb_balrow_empty(struct fb_balrow_troughs *t)
{
    for (int k = 0; k < FASTBAL_MAX_AI; k++)
        t->vmin[k] = t->vmax[k] = t->posmin[k] = t->fmin[k] = -1;
}

void fb_balrow_no_troughs(struct fb_balrow *row)
{
    memset(row, 0, sizeof *row);
    fb_balrow_empty(&row->civ_bi);
    fb_balrow_empty(&row->civ_ai);
    fb_balrow_empty(&row->siiv_bi);
    fb_balrow_empty(&row->siiv_ai);
    for (int k = 0; k < FASTBAL_MAX_DETECTED; k++)
        row->det_vmin[k] = row->det_vmax[k] = row->det_edge[k] = row->det_inside[k] = -1;
}

static void take_troughs(struct fb_balrow_troughs *row, const struct fastbal_troughs *t)
{
    row->index = (float)t->index;
    row->error = (float)t->error;
    row->count = t->count;
    for (int k = 0; k < FASTBAL_MAX_AI; k++) {
        row->vmin[k] = (float)t->vmin[k];
        row->vmax[k] = (float)t->vmax[k];
        row->posmin[k] = (float)t->posmin[k];
        row->fmin[k] = (float)t->fmin[k];
    }
}

static void take_detection(struct fb_balrow *row, const struct fastbal_detection *d)
{
    row->bal_prob = (float)d->probability;
    row->det_ai = (float)d->ai;
    row->err_det_ai = (float)d->ai_error;
    row->det_bi = (float)d->bi;
    row->err_det_bi = (float)d->bi_error;
    row->det_count = d->count;
    for (int k = 0; k < FASTBAL_MAX_DETECTED; k++) {
        row->det_vmin[k] = (float)d->vmin[k];
        row->det_vmax[k] = (float)d->vmax[k];
        row->det_edge[k] = (float)d->edge_error[k];
        row->det_inside[k] = (float)d->inside[k];
    }
}

static void take_whole(struct fb_balrow_whole *row, const struct fastbal_troughs *t)
{
    for (int k = 0; k < FASTBAL_MAX_AI; k++) {
        row->ew[k] = (float)t->ew[k];
        row->err_ew[k] = (float)t->ew_error[k];
        row->depth[k] = (float)t->depth[k];
        row->err_depth[k] = (float)t->depth_error[k];
        row->inside[k] = (float)t->inside[k];
    }
}

static void take_absorption(struct fb_balrow *row, const struct fastbal_absorption *a)
{
    row->ai_tot = (float)a->ai_total;
    row->err_ai_tot = (float)a->ai_total_error;
    row->bi0 = (float)a->bi0;
    row->err_bi0 = (float)a->bi0_error;
    row->di = (float)a->detachment;
    row->err_di = (float)a->detachment_error;
    row->ew = (float)a->ew;
    row->err_ew = (float)a->ew_error;
    row->depth = (float)a->depth;
    row->err_depth = (float)a->depth_error;
}

void fb_balrow_from_result(struct fb_balrow *row, const struct fastbal_result *result)
{
    for (int k = 0; k < FASTBAL_MAX_TEMPLATES; k++)
        row->pca_coeffs[k] = k < result->ntemplates ? (float)result->coeffs[k] : 0;
    row->pca_chi2 = (float)result->chi2;
    take_troughs(&row->civ_bi, &result->civ.bi);
    take_troughs(&row->civ_ai, &result->civ.ai);
    take_troughs(&row->siiv_bi, &result->siiv.bi);
    take_troughs(&row->siiv_ai, &result->siiv.ai);
    row->snr_civ = (float)result->snr_civ;
    row->snr_redside = (float)result->snr_redside;
    row->snr_forest = (float)result->snr_forest;
    row->balstatus = (int32_t)result->status;
    take_absorption(row, &result->absorption);
    take_detection(row, &result->detection);
    row->lobal = !result->low.searched ? FB_LOBAL_UNKNOWN : result->low.found ? FB_LOBAL : FB_HIBAL;
    row->depth_aliii = (float)result->low.aliii_depth;
    row->err_depth_aliii = (float)result->low.aliii_error;
    row->depth_mgii = (float)result->low.mgii_depth;
    row->err_depth_mgii = (float)result->low.mgii_error;
    take_whole(&row->civ_whole, &result->civ.ai);
    take_whole(&row->siiv_whole, &result->siiv.ai);
}

int fb_in_z_range(double z)
{
    return z >= FASTBAL_Z_MIN && z <= FASTBAL_Z_MAX;
}

uint8_t fb_balmask(const struct fb_balrow *row, double z)
{
    int mask = fb_in_z_range(z) ? 0 : FB_BALMASK_Z_RANGE;
    if (!row)
        return (uint8_t)(mask | FB_BALMASK_NO_ROW);
    if (!(fabs((double)row->z - z) <= FB_SAME_REDSHIFT))
        mask |= FB_BALMASK_Z_DIFFERS;
    if (row->balstatus & FASTBAL_NOT_MEASURED)
        mask |= FB_BALMASK_NOT_MEASURED;
    return (uint8_t)mask;
}
