/* coadd.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "io/coadd.h"
#include "io/fits.h"

/* One camera of a file: which HDUs it is in, and the pixels that are loaded. */
struct camera {
    char name[4];
    int wavelength_hdu, flux_hdu, ivar_hdu, mask_hdu; /* 0: not in the file */
    size_t n;
    double *wavelength;
    float *flux, *ivar; /* FB_COADD_BATCH x n */
    int32_t *mask;      /* the same; NULL where it is not needed */
};

struct target {
    int64_t targetid, row;
};

struct fb_coadd {
    fitsfile *file;
    char *path;
    int ncameras;
    struct camera camera[3];
    int has_resolution;
    fastbal_grid *grid;
    int64_t nrows;
    double *ra, *dec;       /* nrows */
    struct target *targets; /* nrows, by TARGETID and row */
};

/* ---- what is in the file ---- */

static struct camera *camera_named(struct fb_coadd *coadd, const char *name, size_t length)
{
    for (int c = 0; c < coadd->ncameras; c++)
        if (strlen(coadd->camera[c].name) == length && memcmp(coadd->camera[c].name, name, length) == 0)
            return &coadd->camera[c];
    return NULL;
}

/* Note the HDU under "CAMERA_WHAT", if its name is of that form. */
static void note_hdu(struct fb_coadd *coadd, const char *extname, int hdu)
{
    const char *underscore = strchr(extname, '_');
    if (!underscore)
        return;
    struct camera *camera = camera_named(coadd, extname, (size_t)(underscore - extname));
    const char *what = underscore + 1;
    if (!camera)
        return;
    if (strcmp(what, "WAVELENGTH") == 0)
        camera->wavelength_hdu = hdu;
    else if (strcmp(what, "FLUX") == 0)
        camera->flux_hdu = hdu;
    else if (strcmp(what, "IVAR") == 0)
        camera->ivar_hdu = hdu;
    else if (strcmp(what, "MASK") == 0)
        camera->mask_hdu = hdu;
    else if (strcmp(what, "RESOLUTION") == 0)
        coadd->has_resolution = 1;
}

static void look_for_cameras(struct fb_coadd *coadd, const char *const *names, int n, int nhdus, int *status)
{
    coadd->ncameras = n;
    memset(coadd->camera, 0, sizeof coadd->camera);
    for (int c = 0; c < n; c++)
        strcpy(coadd->camera[c].name, names[c]);
    for (int hdu = 2; hdu <= nhdus && *status == 0; hdu++) {
        char extname[FLEN_VALUE] = "";
        int missing = 0;
        fits_movabs_hdu(coadd->file, hdu, NULL, status);
        if (*status == 0 && fits_read_key(coadd->file, TSTRING, "EXTNAME", extname, NULL, &missing) == 0)
            note_hdu(coadd, extname, hdu);
    }
    fits_clear_errmsg();
}

/* Keep the cameras that are in the file; one with wavelengths must have flux and ivar as well. */
static int keep_cameras(struct fb_coadd *coadd, struct fb_error *err)
{
    int kept = 0;
    for (int c = 0; c < coadd->ncameras; c++) {
        struct camera *camera = &coadd->camera[c];
        if (!camera->wavelength_hdu && !camera->flux_hdu && !camera->ivar_hdu)
            continue;
        const char *lacks = !camera->wavelength_hdu ? "WAVELENGTH" : !camera->flux_hdu ? "FLUX" : "IVAR";
        if (!camera->wavelength_hdu || !camera->flux_hdu || !camera->ivar_hdu)
            return fb_fail(err, "%s: has no HDU %s_%s", coadd->path, camera->name, lacks);
        coadd->camera[kept++] = *camera;
    }
    coadd->ncameras = kept;
    return 0;
}

static int find_cameras(struct fb_coadd *coadd, struct fb_error *err)
{
    static const char *const arms[] = { "B", "R", "Z" }, *const joined[] = { "BRZ" };
    int nhdus = 0, status = 0;

    fits_get_num_hdus(coadd->file, &nhdus, &status);
    look_for_cameras(coadd, arms, 3, nhdus, &status);
    if (status)
        return fb_fits_fail(err, coadd->path, "can't read its HDUs", status);
    if (keep_cameras(coadd, err) != 0)
        return -1;
    if (coadd->ncameras == 0) {
        look_for_cameras(coadd, joined, 1, nhdus, &status);
        if (status)
            return fb_fits_fail(err, coadd->path, "can't read its HDUs", status);
        if (keep_cameras(coadd, err) != 0)
            return -1;
    }
    if (coadd->ncameras == 0)
        return fb_fail(err, "%s: has no HDU B_WAVELENGTH, R_WAVELENGTH, Z_WAVELENGTH or BRZ_WAVELENGTH", coadd->path);
    return 0;
}

/* ---- targets ---- */

static int compare_targets(const void *a, const void *b)
{
    const struct target *x = a, *y = b;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int read_positions(struct fb_coadd *coadd, struct fb_table *table, struct fb_error *err)
{
    int ra = fb_table_column(table, "TARGET_RA"), dec = fb_table_column(table, "TARGET_DEC");
    for (int64_t i = 0; i < coadd->nrows; i++)
        coadd->ra[i] = coadd->dec[i] = NAN;
    if (!ra || !dec)
        return 0;
    return fb_table_read_double(table, ra, 0, coadd->nrows, coadd->ra, err) != 0 ||
                   fb_table_read_double(table, dec, 0, coadd->nrows, coadd->dec, err) != 0 ?
               -1 :
               0;
}

static int read_targets(struct fb_coadd *coadd, struct fb_error *err)
{
    static const char *const hdu[] = { "FIBERMAP", NULL }, *const targetid[] = { "TARGETID", NULL };
    struct fb_table table;
    int column, status = -1;

    if (fb_table_open(&table, coadd->path, hdu, err) != 0)
        return -1;
    coadd->nrows = table.nrows;
    size_t n = (size_t)table.nrows + 1;
    int64_t *ids = malloc(n * sizeof *ids);
    coadd->ra = malloc(n * sizeof *coadd->ra);
    coadd->dec = malloc(n * sizeof *coadd->dec);
    coadd->targets = malloc(n * sizeof *coadd->targets);
    if (!ids || !coadd->ra || !coadd->dec || !coadd->targets)
        fb_fail(err, "%s: out of memory for %lld targets", coadd->path, (long long)table.nrows);
    else if (fb_table_need(&table, targetid, &column, err) == 0 &&
             fb_table_read_int(&table, column, 0, table.nrows, ids, err) == 0)
        status = read_positions(coadd, &table, err);
    for (int64_t i = 0; status == 0 && i < coadd->nrows; i++)
        coadd->targets[i] = (struct target){ ids[i], i };
    if (status == 0)
        qsort(coadd->targets, (size_t)coadd->nrows, sizeof *coadd->targets, compare_targets);
    free(ids);
    /* the file stays open for its images */
    coadd->file = table.file;
    return status;
}

int64_t fb_coadd_find(const struct fb_coadd *coadd, int64_t targetid, int nth)
{
    int64_t lo = 0, hi = coadd->nrows;
    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;
        if (coadd->targets[middle].targetid < targetid)
            lo = middle + 1;
        else
            hi = middle;
    }
    if (lo == coadd->nrows || coadd->targets[lo].targetid != targetid)
        return -1;
    while (nth-- > 0 && lo + 1 < coadd->nrows && coadd->targets[lo + 1].targetid == targetid)
        lo++;
    return coadd->targets[lo].row;
}

void fb_coadd_position(const struct fb_coadd *coadd, int64_t row, double *ra, double *dec)
{
    *ra = coadd->ra[row];
    *dec = coadd->dec[row];
}

/* ---- images ---- */

static int image_fail(const struct fb_coadd *coadd, const struct camera *camera, const char *hdu, int status,
                      struct fb_error *err)
{
    char what[64];
    snprintf(what, sizeof what, "can't read HDU %s_%s", camera->name, hdu);
    return fb_fits_fail(err, coadd->path, what, status);
}

static int read_wavelength(struct fb_coadd *coadd, struct camera *camera, struct fb_error *err)
{
    LONGLONG axis[2] = { 0, 0 };
    int naxis = 0, status = 0;

    fits_movabs_hdu(coadd->file, camera->wavelength_hdu, NULL, &status);
    fits_get_img_dim(coadd->file, &naxis, &status);
    fits_get_img_sizell(coadd->file, 2, axis, &status);
    if (status)
        return image_fail(coadd, camera, "WAVELENGTH", status, err);
    if (naxis != 1 || axis[0] < 2 || axis[0] > 1000000)
        return fb_fail(err, "%s: HDU %s_WAVELENGTH: expected one row of 2 to 1000000 pixels", coadd->path, camera->name);
    camera->n = (size_t)axis[0];
    camera->wavelength = malloc(camera->n * sizeof *camera->wavelength);
    camera->flux = malloc(FB_COADD_BATCH * camera->n * sizeof *camera->flux);
    camera->ivar = malloc(FB_COADD_BATCH * camera->n * sizeof *camera->ivar);
    if (!camera->wavelength || !camera->flux || !camera->ivar)
        return fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, camera->n);
    if (fits_read_img(coadd->file, TDOUBLE, 1, axis[0], NULL, camera->wavelength, NULL, &status))
        return image_fail(coadd, camera, "WAVELENGTH", status, err);
    return 0;
}

/* An image must have as many pixels as the wavelengths and as many rows as there are targets. */
static int check_image(struct fb_coadd *coadd, const struct camera *camera, int hdu, const char *name,
                       struct fb_error *err)
{
    LONGLONG axis[3] = { 0, 0, 0 };
    int naxis = 0, status = 0;

    fits_movabs_hdu(coadd->file, hdu, NULL, &status);
    fits_get_img_dim(coadd->file, &naxis, &status);
    fits_get_img_sizell(coadd->file, 3, axis, &status);
    if (status)
        return image_fail(coadd, camera, name, status, err);
    if (naxis != 2 || axis[0] != (LONGLONG)camera->n || axis[1] != coadd->nrows)
        return fb_fail(err, "%s: HDU %s_%s: expected %lld rows of %zu pixels, found %lld of %lld", coadd->path,
                       camera->name, name, (long long)coadd->nrows, camera->n, (long long)axis[1], (long long)axis[0]);
    return 0;
}

static int open_camera(struct fb_coadd *coadd, struct camera *camera, struct fb_error *err)
{
    if (read_wavelength(coadd, camera, err) != 0 || check_image(coadd, camera, camera->flux_hdu, "FLUX", err) != 0 ||
        check_image(coadd, camera, camera->ivar_hdu, "IVAR", err) != 0)
        return -1;
    return 0;
}

/* Masks only matter where cameras are resampled. */
static int open_mask(struct fb_coadd *coadd, struct camera *camera, struct fb_error *err)
{
    if (!camera->mask_hdu)
        return 0;
    if (check_image(coadd, camera, camera->mask_hdu, "MASK", err) != 0)
        return -1;
    camera->mask = malloc(FB_COADD_BATCH * camera->n * sizeof *camera->mask);
    return camera->mask ? 0 : fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, camera->n);
}

static int join_cameras(struct fb_coadd *coadd, struct fb_error *err)
{
    struct fastbal_camera cameras[3];
    for (int c = 0; c < coadd->ncameras; c++) {
        if (open_camera(coadd, &coadd->camera[c], err) != 0)
            return -1;
        cameras[c] = (struct fastbal_camera){ coadd->camera[c].wavelength, coadd->camera[c].n };
    }
    double start = coadd->has_resolution ? cameras[0].wavelength[0] : 3600.0;
    int status = fastbal_grid_create(&coadd->grid, cameras, coadd->ncameras, start);
    if (status != FASTBAL_OK)
        return fb_fail(err, "%s: can't join its cameras: %s", coadd->path, fastbal_strerror(status));
    for (int c = 0; fastbal_grid_resamples(coadd->grid) && c < coadd->ncameras; c++)
        if (open_mask(coadd, &coadd->camera[c], err) != 0)
            return -1;
    return 0;
}

int fb_coadd_open(struct fb_coadd **out, const char *path, struct fb_error *err)
{
    *out = NULL;
    struct fb_coadd *coadd = calloc(1, sizeof *coadd);
    if (!coadd || !(coadd->path = strdup(path))) {
        free(coadd);
        return fb_fail(err, "%s: out of memory", path);
    }
    if (read_targets(coadd, err) != 0 || find_cameras(coadd, err) != 0 || join_cameras(coadd, err) != 0) {
        fb_coadd_close(coadd);
        return -1;
    }
    *out = coadd;
    return 0;
}

void fb_coadd_close(struct fb_coadd *coadd)
{
    if (!coadd)
        return;
    fb_fits_close(coadd->file);
    for (int c = 0; c < coadd->ncameras; c++) {
        free(coadd->camera[c].wavelength);
        free(coadd->camera[c].flux);
        free(coadd->camera[c].ivar);
        free(coadd->camera[c].mask);
    }
    fastbal_grid_free(coadd->grid);
    free(coadd->targets);
    free(coadd->ra);
    free(coadd->dec);
    free(coadd->path);
    free(coadd);
}

const fastbal_grid *fb_coadd_grid(const struct fb_coadd *coadd)
{
    return coadd->grid;
}

/* Rows of a flux or ivar image; neighbouring rows are one read. */
static int load_image(struct fb_coadd *coadd, int hdu, size_t width, const int64_t *rows, size_t n, float *out,
                      int *status)
{
    fits_movabs_hdu(coadd->file, hdu, NULL, status);
    for (size_t k = 0, run; k < n && *status == 0; k += run) {
        for (run = 1; k + run < n && rows[k + run] == rows[k] + (int64_t)run; run++)
            ;
        fits_read_img(coadd->file, TFLOAT, rows[k] * (LONGLONG)width + 1, (LONGLONG)(run * width), NULL,
                      out + k * width, NULL, status);
    }
    return *status;
}

/* Masks come as signed or unsigned 32 bits; all that matters is whether they are 0. */
static int load_mask(struct fb_coadd *coadd, struct camera *camera, const int64_t *rows, size_t n, int *status)
{
    LONGLONG *bits = malloc(camera->n * sizeof *bits);
    if (!bits)
        return *status = MEMORY_ALLOCATION;
    fits_movabs_hdu(coadd->file, camera->mask_hdu, NULL, status);
    for (size_t k = 0; k < n && *status == 0; k++) {
        fits_read_img(coadd->file, TLONGLONG, rows[k] * (LONGLONG)camera->n + 1, (LONGLONG)camera->n, NULL, bits, NULL,
                      status);
        for (size_t i = 0; i < camera->n && *status == 0; i++)
            camera->mask[k * camera->n + i] = bits[i] != 0;
    }
    free(bits);
    return *status;
}

int fb_coadd_load(struct fb_coadd *coadd, const int64_t *rows, size_t n, struct fb_error *err)
{
    int status = 0;
    for (int c = 0; c < coadd->ncameras; c++) {
        struct camera *camera = &coadd->camera[c];
        if (load_image(coadd, camera->flux_hdu, camera->n, rows, n, camera->flux, &status))
            return image_fail(coadd, camera, "FLUX", status, err);
        if (load_image(coadd, camera->ivar_hdu, camera->n, rows, n, camera->ivar, &status))
            return image_fail(coadd, camera, "IVAR", status, err);
        if (camera->mask && load_mask(coadd, camera, rows, n, &status))
            return image_fail(coadd, camera, "MASK", status, err);
    }
    return 0;
}

void fb_coadd_spectrum(const struct fb_coadd *coadd, size_t k, double *flux, double *ivar)
{
    struct fastbal_pixels pixels[3];
    for (int c = 0; c < coadd->ncameras; c++) {
        const struct camera *camera = &coadd->camera[c];
        pixels[c] = (struct fastbal_pixels){ camera->flux + k * camera->n, camera->ivar + k * camera->n,
                                             camera->mask ? camera->mask + k * camera->n : NULL };
    }
    fastbal_join(coadd->grid, pixels, flux, ivar);
}
