/*
 * coadd.c - plain files are read with a few reads at known places; CFITSIO is opened only for what is not
 * plain: packed files, compressed, scaled or integer images.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/coadd.h"
#include "desi/exposures.h"
#include "desi/wavelengths.h"
#include "fits/fits.h"
#include "fits/hdus.h"

/*
 * Parts of an image are joined into one read where no more than this many bytes between them are not wanted:
 * what is left out of two neighbours, or one row. Measured on 24 files of 200 rows, 1261 of them wanted, an
 * ext4 disk:
 *
 *     gap      reads   MB read   rows one by one, cold   fetched ahead, cold   in memory, CPU
 *     0        5626    51        0.5 to 1.0 s            0.07 s                25 ms
 *     4096     5124    52        0.7 to 1.2 s                                  28 ms
 *     12000    4102    62        0.5 to 0.9 s            0.06 s
 *     16384    3819    66                                                      25 ms
 *     24000    3092    81        0.35 to 0.5 s
 *     65536    1269    156       0.3 s                                         31 ms
 *     all      72      298       0.2 s                                         40 ms
 *
 * (whole rows are 80 MB). So fetching ahead matters most, and then the gap hardly does; one row saves a
 * quarter of the requests, which counts where each goes over a network, and still reads less than whole rows
 * would be.
 */
#define MOST_GAP 12288

/* Rows of memory for a batch: a row that is read across takes up one as well. Exposures are read into the last. */
enum { SLOTS = 2 * FB_COADD_BATCH, EXPOSURE_SLOT = SLOTS - 1, CAMERAS = 3, MOST_PIXELS = 1000000 };

struct image {
    int hdu;      /* CFITSIO's number, 1 up; 0: not in the file */
    int plain;    /* its pixels can be read from their place */
    int64_t data; /* which is this */
};

/* One camera of the open file. */
struct camera {
    char name[4];
    size_t n;
    struct image wavelength, flux, ivar, mask;
};

/* The memory of one camera, which outlives the file. */
struct store {
    double *wavelength, *next; /* next: wavelengths that are being read */
    float *flux, *ivar;        /* SLOTS x n */
    int32_t *mask;             /* the same; NULL where it was never needed */
    size_t nwavelength, wavelength_room, pixel_room, mask_room;
};

struct target {
    int64_t targetid, row;
};

/* A row that is loaded: into which slot, and what of it. */
struct loaded {
    size_t slot;
    struct fb_coadd_row part;
};

struct fb_coadd {
    char *path;
    struct fb_file file;
    int plain; /* the file is open and its HDUs are known */
    struct fb_hdus hdus;
    struct fb_fits opened; /* by CFITSIO, where that is needed */
    fitsfile *fits;        /* its file, or NULL */
    struct fb_io_stats io;
    int ncameras;
    struct camera camera[CAMERAS];
    struct store store[CAMERAS];
    int has_resolution;
    char repeated[24];  /* an HDU whose name is not the only one; empty: none */
    fastbal_grid *grid; /* of store[].wavelength; NULL: none */
    int grid_cameras;
    double grid_start;
    int64_t nrows;
    size_t row_room;
    double *ra, *dec;       /* nrows */
    struct target *targets; /* nrows, by TARGETID and row */
    int has_exposures;      /* a TARGETID stands in several rows */
    int64_t *next;          /* nrows, where there are exposures: the next row of the same target, or -1 */
    int64_t *fiberstatus;   /* the same: FIBERSTATUS of each row */
    struct fb_exposure_sum *sums; /* the same: of the pixels of the longest camera */
    unsigned char *buffer;        /* FB_ROWS_BUFFER */
    struct loaded loaded[FB_COADD_BATCH];
};

/* Memory for n things of a size in place of what there was. */
static void *renew(void *old, size_t n, size_t size)
{
    free(old);
    return malloc((n + 1) * size);
}

static int need_fits(struct fb_coadd *coadd, struct fb_error *err)
{
    if (!coadd->fits && fb_fits_open(&coadd->opened, coadd->path, err) != 0)
        return -1;
    coadd->fits = coadd->opened.file;
    return 0;
}

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
    if (strcmp(what, "RESOLUTION") == 0)
        coadd->has_resolution = 1;
    struct image *image = strcmp(what, "WAVELENGTH") == 0 ? &camera->wavelength
                          : strcmp(what, "FLUX") == 0     ? &camera->flux
                          : strcmp(what, "IVAR") == 0     ? &camera->ivar
                          : strcmp(what, "MASK") == 0     ? &camera->mask
                                                          : NULL;
    if (image && image->hdu)
        snprintf(coadd->repeated, sizeof coadd->repeated, "%s", extname);
    if (image)
        image->hdu = hdu;
}

static int note_fits_hdus(struct fb_coadd *coadd, struct fb_error *err)
{
    int status = 0;
    if (need_fits(coadd, err) != 0)
        return -1;
    for (int hdu = 2; hdu <= coadd->opened.nhdus && status == 0; hdu++) {
        char extname[FLEN_VALUE] = "";
        int missing = 0;
        fb_fits_move(coadd->fits, hdu, &status);
        if (status == 0 && fits_read_key(coadd->fits, TSTRING, "EXTNAME", extname, NULL, &missing) == 0)
            note_hdu(coadd, extname, hdu);
    }
    fits_clear_errmsg();
    return status ? fb_fits_fail(err, coadd->path, "can't read its HDUs", status) : 0;
}

static int look_for_cameras(struct fb_coadd *coadd, const char *const *names, int n, struct fb_error *err)
{
    coadd->ncameras = n;
    coadd->has_resolution = 0;
    coadd->repeated[0] = '\0';
    memset(coadd->camera, 0, sizeof coadd->camera);
    for (int c = 0; c < n; c++)
        snprintf(coadd->camera[c].name, sizeof coadd->camera[c].name, "%s", names[c]);
    if (!coadd->plain)
        return note_fits_hdus(coadd, err);
    for (size_t i = 1; i < coadd->hdus.n; i++)
        note_hdu(coadd, coadd->hdus.hdu[i].name, (int)i + 1);
    return 0;
}

/* What a camera lacks of what the cameras must all have; NULL if nothing. Masks are in all of them or in
 * none. */
static const char *camera_lacks(const struct camera *camera, int with_masks)
{
    if (!camera->wavelength.hdu)
        return "WAVELENGTH";
    if (!camera->flux.hdu)
        return "FLUX";
    if (!camera->ivar.hdu)
        return "IVAR";
    return with_masks && !camera->mask.hdu ? "MASK" : NULL;
}

/* Look for a set of cameras and keep those that are there; returns how many, or -1. A camera may be missing
 * as a whole, as in some tiles, but not in parts. */
static int find_camera_set(struct fb_coadd *coadd, const char *const *names, int n, struct fb_error *err)
{
    int kept = 0, masks = 0;
    if (look_for_cameras(coadd, names, n, err) != 0)
        return -1;
    if (coadd->repeated[0])
        return fb_fail(err, "%s: has more than one HDU %s", coadd->path, coadd->repeated);
    for (int c = 0; c < n; c++)
        masks |= coadd->camera[c].mask.hdu != 0;
    for (int c = 0; c < n; c++) {
        struct camera *camera = &coadd->camera[c];
        if (!camera->wavelength.hdu && !camera->flux.hdu && !camera->ivar.hdu && !camera->mask.hdu)
            continue;
        const char *lacks = camera_lacks(camera, masks);
        if (lacks)
            return fb_fail(err, "%s: has no HDU %s_%s", coadd->path, names[c], lacks);
        coadd->camera[kept++] = *camera;
    }
    coadd->ncameras = kept;
    return kept;
}

static int find_cameras(struct fb_coadd *coadd, struct fb_error *err)
{
    static const char *const arms[] = { "B", "R", "Z" }, *const joined[] = { "BRZ" };
    int found = find_camera_set(coadd, arms, CAMERAS, err);
    if (found == 0)
        found = find_camera_set(coadd, joined, 1, err);
    if (found == 0)
        fb_fail(err, "%s: has no HDU B_WAVELENGTH, R_WAVELENGTH, Z_WAVELENGTH or BRZ_WAVELENGTH",
                coadd->path);
    return found > 0 ? 0 : -1;
}

/* ---- targets ---- */

static int compare_targets(const void *a, const void *b)
{
    const struct target *x = a, *y = b;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Most files have their targets in order. */
static void sort_targets(struct fb_coadd *coadd)
{
    int64_t i = 1;
    while (i < coadd->nrows && coadd->targets[i - 1].targetid <= coadd->targets[i].targetid)
        i++;
    if (i < coadd->nrows)
        qsort(coadd->targets, (size_t)coadd->nrows, sizeof *coadd->targets, compare_targets);
}

static int make_row_room(struct fb_coadd *coadd, int64_t nrows, struct fb_error *err)
{
    size_t n = (size_t)nrows;
    coadd->nrows = nrows;
    if (n < coadd->row_room)
        return 0;
    coadd->row_room = 0;
    coadd->ra = renew(coadd->ra, n, sizeof *coadd->ra);
    coadd->dec = renew(coadd->dec, n, sizeof *coadd->dec);
    coadd->targets = renew(coadd->targets, n, sizeof *coadd->targets);
    if (!coadd->ra || !coadd->dec || !coadd->targets)
        return fb_fail(err, "%s: out of memory for %zu targets", coadd->path, n);
    coadd->row_room = n + 1;
    return 0;
}

enum { TARGETID, RA, DEC, NCOLUMNS };

struct target_rows {
    struct fb_coadd *coadd;
    struct fb_column column[NCOLUMNS];
    int has_position;
};

static void take_target(void *context, int64_t i, const unsigned char *row)
{
    struct target_rows *t = context;
    t->coadd->targets[i] = (struct target){ fb_column_integer(&t->column[TARGETID], row), i };
    t->coadd->ra[i] = t->has_position ? fb_column_number(&t->column[RA], row) : NAN;
    t->coadd->dec[i] = t->has_position ? fb_column_number(&t->column[DEC], row) : NAN;
}

/* Returns 1, 0 where the table is not plain, -1 on failure. */
static int read_plain_targets(struct fb_coadd *coadd, const char *const *hdu, struct fb_error *err)
{
    static const char *const names[NCOLUMNS] = { "TARGETID", "TARGET_RA", "TARGET_DEC" };
    struct target_rows t = { .coadd = coadd };
    const struct fb_hdu *table = fb_hdus_table(&coadd->hdus, hdu);

    if (!table || !fb_hdu_columns(&coadd->hdus, table, names, NCOLUMNS, t.column) ||
        !fb_column_is_integer(&t.column[TARGETID]))
        return 0;
    t.has_position = t.column[RA].type && t.column[DEC].type;
    if (t.has_position && (!fb_column_is_number(&t.column[RA]) || !fb_column_is_number(&t.column[DEC])))
        return 0;
    if (make_row_room(coadd, table->axis[1], err) != 0)
        return -1;
    return fb_hdu_rows(&coadd->file, table, coadd->buffer, take_target, &t, err) == 0 ? 1 : -1;
}

static int read_fits_positions(struct fb_coadd *coadd, struct fb_table *table, struct fb_error *err)
{
    int ra = fb_table_column(table, "TARGET_RA"), dec = fb_table_column(table, "TARGET_DEC");
    for (int64_t i = 0; i < coadd->nrows; i++)
        coadd->ra[i] = coadd->dec[i] = NAN;
    if (!ra || !dec)
        return 0;
    return fb_table_read_double(table, ra, 0, coadd->nrows, coadd->ra, err) != 0 ||
                   fb_table_read_double(table, dec, 0, coadd->nrows, coadd->dec, err) != 0
               ? -1
               : 0;
}

static int read_fits_targets(struct fb_coadd *coadd, const char *const *hdu, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL };
    struct fb_table table;
    int64_t *ids = NULL;
    int column, status = -1;

    if (fb_table_open(&table, coadd->path, hdu, err) != 0)
        return -1;
    if (make_row_room(coadd, table.nrows, err) == 0) {
        ids = malloc(((size_t)table.nrows + 1) * sizeof *ids);
        if (!ids)
            fb_fail(err, "%s: out of memory for %lld targets", coadd->path, (long long)table.nrows);
        else if (fb_table_need(&table, targetid, &column, err) == 0 &&
                 fb_table_read_int(&table, column, 0, table.nrows, ids, err) == 0)
            status = read_fits_positions(coadd, &table, err);
    }
    for (int64_t i = 0; status == 0 && i < coadd->nrows; i++)
        coadd->targets[i] = (struct target){ ids[i], i };
    coadd->io.bytes += 24 * coadd->nrows;
    fb_table_close(&table);
    free(ids);
    return status;
}

/* ---- exposures: several rows of one target ---- */

static int repeats_target(const struct fb_coadd *coadd, int64_t i)
{
    return i + 1 < coadd->nrows && coadd->targets[i].targetid == coadd->targets[i + 1].targetid;
}

struct status_rows {
    struct fb_coadd *coadd;
    const struct fb_column *column;
};

static void take_fiberstatus(void *context, int64_t i, const unsigned char *row)
{
    struct status_rows *s = context;
    s->coadd->fiberstatus[i] = fb_column_integer(s->column, row);
}

static const char *const fiberstatus_names[] = { "FIBERSTATUS", "COADD_FIBERSTATUS" };

/* Returns 1, 0 where the table is not plain, -1 on failure. */
static int read_plain_fiberstatus(struct fb_coadd *coadd, const char *const *hdu, struct fb_error *err)
{
    const struct fb_hdu *table = fb_hdus_table(&coadd->hdus, hdu);
    struct fb_column columns[2];

    if (!table || !fb_hdu_columns(&coadd->hdus, table, fiberstatus_names, 2, columns))
        return 0;
    struct status_rows s = { coadd, columns[0].type ? &columns[0] : &columns[1] };
    if (!s.column->type)
        return 1;
    if (!fb_column_is_integer(s.column))
        return 0;
    return fb_hdu_rows(&coadd->file, table, coadd->buffer, take_fiberstatus, &s, err) == 0 ? 1 : -1;
}

static int read_fits_fiberstatus(struct fb_coadd *coadd, const char *const *hdu, struct fb_error *err)
{
    struct fb_table table;
    int status = 0;

    if (fb_table_open(&table, coadd->path, hdu, err) != 0)
        return -1;
    int column = fb_table_column(&table, fiberstatus_names[0]);
    if (!column)
        column = fb_table_column(&table, fiberstatus_names[1]);
    if (column)
        status = fb_table_read_int(&table, column, 0, coadd->nrows, coadd->fiberstatus, err);
    fb_table_close(&table);
    return status;
}

/* Where a target has several rows: which row follows which, and FIBERSTATUS, 0 where the file does not have it. */
static int read_exposures(struct fb_coadd *coadd, const char *const *hdu, struct fb_error *err)
{
    int64_t i = 0;
    while (i < coadd->nrows && !repeats_target(coadd, i))
        i++;
    coadd->has_exposures = i < coadd->nrows;
    if (!coadd->has_exposures)
        return 0;
    size_t n = (size_t)coadd->nrows;
    coadd->next = renew(coadd->next, n, sizeof *coadd->next);
    free(coadd->fiberstatus);
    coadd->fiberstatus = calloc(n, sizeof *coadd->fiberstatus);
    if (!coadd->next || !coadd->fiberstatus)
        return fb_fail(err, "%s: out of memory for %zu exposures", coadd->path, n);
    for (i = 0; i < coadd->nrows; i++)
        coadd->next[coadd->targets[i].row] = repeats_target(coadd, i) ? coadd->targets[i + 1].row : -1;
    int status = coadd->plain ? read_plain_fiberstatus(coadd, hdu, err) : 0;
    return status == 0 ? read_fits_fiberstatus(coadd, hdu, err) : status < 0 ? -1 : 0;
}

static int read_targets(struct fb_coadd *coadd, struct fb_error *err)
{
    static const char *const hdu[] = { "FIBERMAP", NULL };
    int status = coadd->plain ? read_plain_targets(coadd, hdu, err) : 0;
    if (status == 0)
        status = read_fits_targets(coadd, hdu, err) == 0 ? 1 : -1;
    if (status < 0)
        return -1;
    sort_targets(coadd);
    return read_exposures(coadd, hdu, err);
}

int fb_coadd_has_exposures(const struct fb_coadd *coadd)
{
    return coadd->has_exposures;
}

int64_t fb_coadd_find(const struct fb_coadd *coadd, int64_t targetid)
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
    return coadd->targets[lo].row;
}

void fb_coadd_position(const struct fb_coadd *coadd, int64_t row, double *ra, double *dec)
{
    *ra = coadd->ra[row];
    *dec = coadd->dec[row];
}

/* ---- images: what they are ---- */

static int image_fail(const struct fb_coadd *coadd, const struct camera *camera, const char *hdu, int status,
                      struct fb_error *err)
{
    char what[64];
    snprintf(what, sizeof what, "can't read HDU %s_%s", camera->name, hdu);
    return fb_fits_fail(err, coadd->path, what, status);
}

/* Axes of an image; CFITSIO is asked where the image is not plain. */
static int image_axes(struct fb_coadd *coadd, const struct camera *camera, const struct image *image,
                      const char *name, int *naxis, int64_t axis[3], struct fb_error *err)
{
    LONGLONG length[3] = { 0, 0, 0 };
    int status = 0;
    if (image->plain) {
        const struct fb_hdu *hdu = &coadd->hdus.hdu[image->hdu - 1];
        *naxis = hdu->naxis;
        memcpy(axis, hdu->axis, 3 * sizeof *axis);
        return 0;
    }
    if (need_fits(coadd, err) != 0)
        return -1;
    fb_fits_move(coadd->fits, image->hdu, &status);
    fits_get_img_dim(coadd->fits, naxis, &status);
    fits_get_img_sizell(coadd->fits, 3, length, &status);
    for (int i = 0; i < 3; i++)
        axis[i] = length[i];
    return status ? image_fail(coadd, camera, name, status, err) : 0;
}

/* Note whether an image is plain, with this BITPIX. */
static void note_plain(const struct fb_coadd *coadd, struct image *image, int bitpix, int naxis)
{
    const struct fb_hdu *hdu = coadd->plain ? &coadd->hdus.hdu[image->hdu - 1] : NULL;
    image->plain = hdu && fb_hdu_is_plain(hdu, bitpix, naxis);
    image->data = hdu ? hdu->data : 0;
}

/* An image must have as many pixels as the wavelengths and as many rows as there are targets. */
static int check_axes(const struct fb_coadd *coadd, const struct camera *camera, const char *name, int naxis,
                      const int64_t axis[3], struct fb_error *err)
{
    if (naxis == 2 && axis[0] == (int64_t)camera->n && axis[1] == coadd->nrows)
        return 0;
    if (naxis != 2)
        return fb_fail(err, "%s: HDU %s_%s: expected %lld rows of %zu pixels, found %d axes", coadd->path,
                       camera->name, name, (long long)coadd->nrows, camera->n, naxis);
    return fb_fail(err, "%s: HDU %s_%s: expected %lld rows of %zu pixels, found %lld of %lld", coadd->path,
                   camera->name, name, (long long)coadd->nrows, camera->n, (long long)axis[1],
                   (long long)axis[0]);
}

static int open_image(struct fb_coadd *coadd, const struct camera *camera, struct image *image,
                      const char *name, int bitpix, struct fb_error *err)
{
    int64_t axis[3];
    int naxis;
    note_plain(coadd, image, bitpix, 2);
    if (image_axes(coadd, camera, image, name, &naxis, axis, err) != 0)
        return -1;
    return check_axes(coadd, camera, name, naxis, axis, err);
}

/* Of a mask that is not read, its shape: a header that lies about it would hide the HDUs behind it. */
static int check_mask(const struct fb_coadd *coadd, const struct camera *camera, struct fb_error *err)
{
    const struct fb_hdu *hdu =
        coadd->plain && camera->mask.hdu ? &coadd->hdus.hdu[camera->mask.hdu - 1] : NULL;
    if (!hdu || hdu->kind != FB_HDU_IMAGE)
        return 0;
    return check_axes(coadd, camera, "MASK", hdu->naxis, hdu->axis, err);
}

/* ---- wavelengths ---- */

static int make_pixel_room(struct fb_coadd *coadd, struct store *store, size_t n, struct fb_error *err)
{
    if (n > store->wavelength_room) {
        store->wavelength_room = store->nwavelength = 0;
        store->wavelength = renew(store->wavelength, n, sizeof *store->wavelength);
        store->next = renew(store->next, n, sizeof *store->next);
        if (!store->wavelength || !store->next)
            return fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, n);
        store->wavelength_room = n;
    }
    if (n > store->pixel_room) {
        store->pixel_room = 0;
        store->flux = renew(store->flux, SLOTS * n, sizeof *store->flux);
        store->ivar = renew(store->ivar, SLOTS * n, sizeof *store->ivar);
        if (!store->flux || !store->ivar)
            return fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, n);
        store->pixel_room = n;
    }
    return 0;
}

/* Floats at the end of the array become doubles from its beginning. */
static void widen(double *wavelength, size_t n)
{
    const unsigned char *floats = (const unsigned char *)wavelength + 4 * n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)fb_big_endian(floats + 4 * i, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        wavelength[i] = (double)value;
    }
}

static int read_plain_wavelength(struct fb_coadd *coadd, const struct camera *camera, double *out,
                                 struct fb_error *err)
{
    int64_t place = camera->wavelength.data;
    if (coadd->hdus.hdu[camera->wavelength.hdu - 1].bitpix == -64) {
        if (fb_file_read(&coadd->file, out, camera->n * 8, place, err) != 0)
            return -1;
        fb_swap8(out, camera->n);
        return 0;
    }
    if (fb_file_read(&coadd->file, (unsigned char *)out + camera->n * 4, camera->n * 4, place, err) != 0)
        return -1;
    widen(out, camera->n);
    return 0;
}

static int read_fits_wavelength(struct fb_coadd *coadd, const struct camera *camera, double *out,
                                struct fb_error *err)
{
    int status = 0;
    fb_fits_move(coadd->fits, camera->wavelength.hdu, &status);
    if (fits_read_img(coadd->fits, TDOUBLE, 1, (LONGLONG)camera->n, NULL, out, NULL, &status))
        return image_fail(coadd, camera, "WAVELENGTH", status, err);
    coadd->io.bytes += 8 * (int64_t)camera->n;
    return 0;
}

/* Read a camera's wavelengths; *same is cleared where they are not those of the file before. */
static int read_wavelength(struct fb_coadd *coadd, struct camera *camera, struct store *store, int *same,
                           struct fb_error *err)
{
    int64_t axis[3];
    int naxis;

    note_plain(coadd, &camera->wavelength, -64, 1);
    if (!camera->wavelength.plain)
        note_plain(coadd, &camera->wavelength, -32, 1);
    if (image_axes(coadd, camera, &camera->wavelength, "WAVELENGTH", &naxis, axis, err) != 0)
        return -1;
    if (naxis != 1 || axis[0] < 2 || axis[0] > MOST_PIXELS)
        return fb_fail(
            err, "%s: HDU %s_WAVELENGTH: expected 1 axis of 2 to %d pixels, found %d axes, the first of %lld",
            coadd->path, camera->name, MOST_PIXELS, naxis, (long long)axis[0]);
    camera->n = (size_t)axis[0];
    if (make_pixel_room(coadd, store, camera->n, err) != 0)
        return -1;
    if (camera->wavelength.plain ? read_plain_wavelength(coadd, camera, store->next, err) != 0
                                 : read_fits_wavelength(coadd, camera, store->next, err) != 0)
        return -1;
    if (store->nwavelength == camera->n &&
        memcmp(store->next, store->wavelength, camera->n * sizeof(double)) == 0)
        return 0;
    double *newer = store->next;
    store->next = store->wavelength;
    store->wavelength = newer;
    store->nwavelength = camera->n;
    *same = 0;
    return 0;
}

static int open_camera(struct fb_coadd *coadd, int c, int *same, struct fb_error *err)
{
    struct camera *camera = &coadd->camera[c];
    if (read_wavelength(coadd, camera, &coadd->store[c], same, err) != 0 ||
        open_image(coadd, camera, &camera->flux, "FLUX", -32, err) != 0 ||
        open_image(coadd, camera, &camera->ivar, "IVAR", -32, err) != 0)
        return -1;
    return check_mask(coadd, camera, err);
}

static int needs_masks(const struct fb_coadd *coadd)
{
    return coadd->has_exposures || fastbal_grid_resamples(coadd->grid);
}

static int open_mask(struct fb_coadd *coadd, struct camera *camera, struct store *store, struct fb_error *err)
{
    if (!camera->mask.hdu)
        return 0;
    if (open_image(coadd, camera, &camera->mask, "MASK", 32, err) != 0)
        return -1;
    if (camera->n <= store->mask_room)
        return 0;
    store->mask_room = 0;
    store->mask = renew(store->mask, SLOTS * camera->n, sizeof *store->mask);
    if (!store->mask)
        return fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, camera->n);
    store->mask_room = camera->n;
    return 0;
}

/* Files of one survey have the same wavelengths, so that one grid serves them all. */
static int make_grid(struct fb_coadd *coadd, int same, struct fb_error *err)
{
    struct fastbal_camera cameras[CAMERAS];
    for (int c = 0; c < coadd->ncameras; c++)
        cameras[c] = (struct fastbal_camera){ coadd->store[c].wavelength, coadd->camera[c].n };
    double start = coadd->has_resolution ? coadd->store[0].wavelength[0] : 3600.0;
    if (same && coadd->grid && coadd->grid_cameras == coadd->ncameras &&
        memcmp(&start, &coadd->grid_start, sizeof start) == 0) /* NOLINT(*-memory-comparison): NaN is NaN */
        return 0;
    fastbal_grid_free(coadd->grid);
    coadd->grid_cameras = coadd->ncameras;
    coadd->grid_start = start;
    const struct fastbal_camera *last = &cameras[coadd->ncameras - 1];
    double reddest = last->wavelength[last->n - 1];
    struct fastbal_message why;
    int status = fastbal_grid_create(&coadd->grid, cameras, coadd->ncameras, start, &why);
    if (status == FASTBAL_OK)
        return 0;
    for (int c = 0; c < coadd->ncameras; c++) {
        char where[32];
        snprintf(where, sizeof where, "HDU %s_WAVELENGTH", coadd->camera[c].name);
        if (fb_check_wavelengths(coadd->path, where, coadd->store[c].wavelength, coadd->camera[c].n, err) !=
            0)
            return -1;
    }
    if (status == FASTBAL_EWAVELENGTH)
        return fb_fail(err, "%s: can't put its cameras on one grid from %.10g to %.10g A", coadd->path, start,
                       reddest);
    return fb_fail(err, "%s: can't join its cameras: %s", coadd->path, why.text);
}

static int make_sums(struct fb_coadd *coadd, struct fb_error *err)
{
    size_t longest = 0;
    for (int c = 0; c < coadd->ncameras; c++)
        longest = coadd->camera[c].n > longest ? coadd->camera[c].n : longest;
    coadd->sums = renew(coadd->sums, longest, sizeof *coadd->sums);
    return coadd->sums ? 0 : fb_fail(err, "%s: out of memory for %zu pixels", coadd->path, longest);
}

static void drop_grid(struct fb_coadd *coadd)
{
    fastbal_grid_free(coadd->grid);
    coadd->grid = NULL;
}

static int join_cameras(struct fb_coadd *coadd, struct fb_error *err)
{
    int same = 1;
    for (int c = 0; c < coadd->ncameras; c++) {
        if (open_camera(coadd, c, &same, err) != 0)
            return -1;
    }
    if (make_grid(coadd, same, err) != 0)
        return -1;
    for (int c = 0; needs_masks(coadd) && c < coadd->ncameras; c++)
        if (open_mask(coadd, &coadd->camera[c], &coadd->store[c], err) != 0)
            return -1;
    return coadd->has_exposures ? make_sums(coadd, err) : 0;
}

/* ---- opening ---- */

static void close_files(struct fb_coadd *coadd)
{
    fb_fits_close(&coadd->opened);
    coadd->fits = NULL;
    fb_file_close(&coadd->file);
    free(coadd->path);
    coadd->path = NULL;
    coadd->nrows = 0;
}

/* Of packed files only these extensions are kept in memory: resolution matrices are four fifths of a file. */
static int is_wanted(const char *extname)
{
    static const char *const images[] = { "WAVELENGTH", "FLUX", "IVAR", "MASK" };
    const char *underscore = strchr(extname, '_');
    for (size_t k = 0; underscore && k < sizeof images / sizeof *images; k++)
        if (strcmp(underscore + 1, images[k]) == 0)
            return 1;
    return strcasecmp(extname, "FIBERMAP") == 0;
}

static int open_file(struct fb_coadd *coadd, const char *path, struct fb_error *err)
{
    if (!(coadd->path = strdup(path)) || (!coadd->buffer && !(coadd->buffer = malloc(FB_ROWS_BUFFER))))
        return fb_fail(err, "%s: out of memory", path);
    if (fb_file_open_parts(&coadd->file, coadd->path, is_wanted, &coadd->io, err) != 0)
        return -1;
    coadd->plain = fb_hdus_read(&coadd->hdus, &coadd->file, err);
    return coadd->plain < 0 || read_targets(coadd, err) != 0 || find_cameras(coadd, err) != 0
               ? -1
               : join_cameras(coadd, err);
}

int fb_coadd_open(struct fb_coadd **out, const char *path, struct fb_error *err)
{
    struct fb_coadd *coadd = *out ? *out : calloc(1, sizeof *coadd);
    if (!coadd)
        return fb_fail(err, "%s: out of memory", path);
    double start = fb_clock();
    close_files(coadd);
    int status = open_file(coadd, path, err);
    coadd->io.seconds += fb_clock() - start;
    if (status != 0) {
        /* wavelengths may be newer than the grid */
        drop_grid(coadd);
        close_files(coadd);
        if (!*out)
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
    close_files(coadd);
    fb_file_release(&coadd->file);
    fb_hdus_release(&coadd->hdus);
    for (int c = 0; c < CAMERAS; c++) {
        free(coadd->store[c].wavelength);
        free(coadd->store[c].next);
        free(coadd->store[c].flux);
        free(coadd->store[c].ivar);
        free(coadd->store[c].mask);
    }
    drop_grid(coadd);
    free(coadd->targets);
    free(coadd->next);
    free(coadd->fiberstatus);
    free(coadd->sums);
    free(coadd->ra);
    free(coadd->dec);
    free(coadd->buffer);
    free(coadd);
}

const char *fb_coadd_path(const struct fb_coadd *coadd)
{
    return coadd->path;
}

const fastbal_grid *fb_coadd_grid(const struct fb_coadd *coadd)
{
    return coadd->grid;
}

const struct fb_io_stats *fb_coadd_io(const struct fb_coadd *coadd)
{
    return &coadd->io;
}

/* ---- images: their pixels ---- */

/* A part of an image: n pixels from one in the file to one in memory. */
struct piece {
    int64_t from;
    size_t to, n;
};

static struct piece piece_of(const struct fb_coadd *coadd, int c, const struct fb_coadd_row *part,
                             size_t slot)
{
    size_t first, last, width = coadd->camera[c].n;
    fastbal_grid_pixels(coadd->grid, c, part->begin, part->end, &first, &last);
    return (struct piece){ part->row * (int64_t)width + (int64_t)first, slot * width + first, last - first };
}

/* Pixels between two pieces, or -1 where one does not follow the other. */
static int64_t gap_between(const struct piece *a, const struct piece *b)
{
    int64_t gap = b->from - a->from - (int64_t)a->n;
    return gap >= 0 && gap * 4 <= MOST_GAP ? gap : -1;
}

/* The pieces of a camera that are to be loaded; those without pixels are left out. */
static size_t loaded_pieces(const struct fb_coadd *coadd, int c, const struct loaded *loaded, size_t n,
                            struct piece *pieces)
{
    size_t used = 0;
    for (size_t k = 0; k < n; k++) {
        pieces[used] = piece_of(coadd, c, &loaded[k].part, loaded[k].slot);
        used += pieces[used].n > 0;
    }
    return used;
}

/* Slots for the rows of a batch: those that are near each other in the file lie as they do there, so that
 * one read gets them. */
static void place_rows(struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n)
{
    size_t slot = 0, spare = SLOTS - n;
    for (size_t k = 0; k < n; k++) {
        int64_t ahead = k > 0 ? rows[k].row - rows[k - 1].row : 0;
        size_t skip = ahead > 1 && ahead <= 4 && (size_t)ahead - 1 <= spare ? (size_t)ahead - 1 : 0;
        slot += k > 0 ? 1 + skip : 0;
        spare -= skip;
        coadd->loaded[k] = (struct loaded){ slot, rows[k] };
    }
}

static int load_plain(struct fb_coadd *coadd, const struct image *image, const struct piece *pieces, size_t n,
                      void *out, struct fb_error *err)
{
    unsigned char *memory = out;
    for (size_t k = 0, end; k < n; k = end) {
        for (end = k + 1; end < n; end++) {
            int64_t gap = gap_between(&pieces[end - 1], &pieces[end]);
            if (gap < 0 || pieces[end].to != pieces[end - 1].to + pieces[end - 1].n + (size_t)gap)
                break;
        }
        size_t count = pieces[end - 1].to + pieces[end - 1].n - pieces[k].to;
        if (fb_file_read(&coadd->file, memory + 4 * pieces[k].to, 4 * count, image->data + 4 * pieces[k].from,
                         err) != 0)
            return -1;
        for (size_t i = k; i < end; i++)
            fb_swap4(memory + 4 * pieces[i].to, pieces[i].n);
    }
    return 0;
}

static int load_image(struct fb_coadd *coadd, const struct camera *camera, const struct image *image,
                      const char *name, const struct piece *pieces, size_t n, float *out,
                      struct fb_error *err)
{
    int status = 0;
    if (image->plain)
        return load_plain(coadd, image, pieces, n, out, err);
    fb_fits_move(coadd->fits, image->hdu, &status);
    for (size_t k = 0; k < n && status == 0; k++) {
        fits_read_img(coadd->fits, TFLOAT, pieces[k].from + 1, (LONGLONG)pieces[k].n, NULL,
                      out + pieces[k].to, NULL, &status);
        coadd->io.bytes += 4 * (int64_t)pieces[k].n;
    }
    return status ? image_fail(coadd, camera, name, status, err) : 0;
}

/* Masks come as signed or unsigned 32 bits; all that matters is whether they are 0. */
static int load_plain_mask(struct fb_coadd *coadd, const struct camera *camera, const struct piece *pieces,
                           size_t n, int32_t *mask, struct fb_error *err)
{
    int32_t zero = coadd->hdus.hdu[camera->mask.hdu - 1].zero == FB_ZERO_2_31 ? INT32_MIN : 0;
    if (load_plain(coadd, &camera->mask, pieces, n, mask, err) != 0)
        return -1;
    for (size_t k = 0; k < n; k++)
        for (size_t i = pieces[k].to; i < pieces[k].to + pieces[k].n; i++)
            mask[i] = mask[i] != zero;
    return 0;
}

static int load_mask(struct fb_coadd *coadd, const struct camera *camera, const struct piece *pieces,
                     size_t n, int32_t *mask, struct fb_error *err)
{
    int status = 0;
    if (camera->mask.plain)
        return load_plain_mask(coadd, camera, pieces, n, mask, err);
    LONGLONG *bits = malloc(camera->n * sizeof *bits);
    if (!bits)
        return image_fail(coadd, camera, "MASK", MEMORY_ALLOCATION, err);
    fb_fits_move(coadd->fits, camera->mask.hdu, &status);
    for (size_t k = 0; k < n && status == 0; k++) {
        fits_read_img(coadd->fits, TLONGLONG, pieces[k].from + 1, (LONGLONG)pieces[k].n, NULL, bits, NULL,
                      &status);
        for (size_t i = 0; i < pieces[k].n && status == 0; i++)
            mask[pieces[k].to + i] = bits[i] != 0;
        coadd->io.bytes += 4 * (int64_t)pieces[k].n;
    }
    free(bits);
    return status ? image_fail(coadd, camera, "MASK", status, err) : 0;
}

static int has_mask(const struct fb_coadd *coadd, int c)
{
    return coadd->camera[c].mask.hdu != 0 && needs_masks(coadd);
}

/* Read n rows, 1 to FB_COADD_BATCH, of a camera into their slots. */
static int load_camera(struct fb_coadd *coadd, int c, const struct loaded *loaded, size_t n,
                       struct fb_error *err)
{
    struct piece pieces[FB_COADD_BATCH];
    const struct camera *camera = &coadd->camera[c];
    struct store *store = &coadd->store[c];
    size_t used = loaded_pieces(coadd, c, loaded, n, pieces);
    if (used == 0)
        return 0;
    if (load_image(coadd, camera, &camera->flux, "FLUX", pieces, used, store->flux, err) != 0 ||
        load_image(coadd, camera, &camera->ivar, "IVAR", pieces, used, store->ivar, err) != 0)
        return -1;
    return has_mask(coadd, c) ? load_mask(coadd, camera, pieces, used, store->mask, err) : 0;
}

/* Join the exposures of a target into its slot, one camera and one exposure after the other. */
static int load_exposures(struct fb_coadd *coadd, const struct loaded *target, struct fb_error *err)
{
    for (int c = 0; c < coadd->ncameras; c++) {
        const struct store *store = &coadd->store[c];
        struct loaded exposure = { EXPOSURE_SLOT, target->part };
        size_t from = piece_of(coadd, c, &target->part, EXPOSURE_SLOT).to;
        struct piece piece = piece_of(coadd, c, &target->part, target->slot);
        int masks = has_mask(coadd, c);
        memset(coadd->sums, 0, piece.n * sizeof *coadd->sums);
        for (int64_t row = target->part.row; row >= 0; row = coadd->next[row]) {
            exposure.part.row = row;
            if (!fb_exposure_is_good(coadd->fiberstatus[row], coadd->camera[c].name))
                continue;
            if (load_camera(coadd, c, &exposure, 1, err) != 0)
                return -1;
            fb_exposure_add(coadd->sums, piece.n, store->flux + from, store->ivar + from,
                            masks ? store->mask + from : NULL);
        }
        fb_exposures_mean(coadd->sums, piece.n, store->flux + piece.to, store->ivar + piece.to,
                          masks ? store->mask + piece.to : NULL);
    }
    return 0;
}

int fb_coadd_load_parts(struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n,
                        struct fb_error *err)
{
    int status = 0;
    double start = fb_clock();
    if (coadd->has_exposures) {
        for (size_t k = 0; k < n && status == 0; k++) {
            coadd->loaded[k] = (struct loaded){ k, rows[k] };
            status = load_exposures(coadd, &coadd->loaded[k], err);
        }
    } else {
        place_rows(coadd, rows, n);
        for (int c = 0; c < coadd->ncameras && status == 0; c++)
            status = load_camera(coadd, c, coadd->loaded, n, err);
    }
    coadd->io.seconds += fb_clock() - start;
    return status;
}

int fb_coadd_load(struct fb_coadd *coadd, const int64_t *rows, size_t n, struct fb_error *err)
{
    struct fb_coadd_row parts[FB_COADD_BATCH];
    for (size_t k = 0; k < n; k++)
        parts[k] = (struct fb_coadd_row){ rows[k], 0, fastbal_grid_size(coadd->grid) };
    return fb_coadd_load_parts(coadd, parts, n, err);
}

void fb_coadd_spectrum(const struct fb_coadd *coadd, size_t k, double *flux, double *ivar)
{
    struct fastbal_pixels pixels[CAMERAS];
    const struct loaded *loaded = &coadd->loaded[k];
    for (int c = 0; c < coadd->ncameras; c++) {
        const struct store *store = &coadd->store[c];
        size_t at = loaded->slot * coadd->camera[c].n;
        pixels[c] = (struct fastbal_pixels){ store->flux + at, store->ivar + at,
                                             has_mask(coadd, c) ? store->mask + at : NULL };
    }
    fastbal_join_range(coadd->grid, pixels, loaded->part.begin, loaded->part.end, flux, ivar);
}

/* ---- fetching ahead ---- */

/* Pixels [begin, end) of the images of a camera. */
static void want(const struct fb_coadd *coadd, int c, int64_t begin, int64_t end)
{
    const struct camera *camera = &coadd->camera[c];
    const struct image *const images[3] = { &camera->flux, &camera->ivar,
                                            has_mask(coadd, c) ? &camera->mask : NULL };
    for (int i = 0; i < 3 && begin < end; i++)
        if (images[i] && images[i]->plain)
            fb_file_want(&coadd->file, images[i]->data + 4 * begin, 4 * (end - begin));
}

static void prefetch_camera(const struct fb_coadd *coadd, int c, const struct fb_coadd_row *rows, size_t n)
{
    struct piece joined = { 0 };
    for (size_t k = 0; k < n; k++) {
        struct piece piece = piece_of(coadd, c, &rows[k], 0);
        int64_t gap = gap_between(&joined, &piece);
        if (piece.n == 0)
            continue;
        if (joined.n > 0 && gap >= 0) {
            joined.n += (size_t)gap + piece.n;
            continue;
        }
        want(coadd, c, joined.from, joined.from + (int64_t)joined.n);
        joined = piece;
    }
    want(coadd, c, joined.from, joined.from + (int64_t)joined.n);
}

/* Are the first and the last of the rows in memory, in all images that are read from their place? */
static int in_memory(const struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n)
{
    for (int c = 0; c < coadd->ncameras; c++) {
        const struct image *const images[2] = { &coadd->camera[c].flux, &coadd->camera[c].ivar };
        for (int i = 0; i < 4; i++) {
            struct piece piece = piece_of(coadd, c, i < 2 ? &rows[0] : &rows[n - 1], 0);
            const struct image *image = images[i % 2];
            if (piece.n > 0 && image->plain && !fb_file_in_memory(&coadd->file, image->data + 4 * piece.from))
                return 0;
        }
    }
    return 1;
}

static int prefetch_rows(struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n)
{
    if (n == 0 || in_memory(coadd, rows, n))
        return 0;
    double start = fb_clock();
    for (int c = 0; c < coadd->ncameras; c++)
        prefetch_camera(coadd, c, rows, n);
    coadd->io.seconds += fb_clock() - start;
    return 1;
}

/* The exposures of n targets; *total is how many there are. NULL if out of memory. */
static struct fb_coadd_row *exposures_of(const struct fb_coadd *coadd, const struct fb_coadd_row *targets,
                                         size_t n, size_t *total)
{
    *total = 0;
    for (size_t k = 0; k < n; k++)
        for (int64_t row = targets[k].row; row >= 0; row = coadd->next[row])
            ++*total;
    struct fb_coadd_row *rows = malloc((*total + 1) * sizeof *rows);
    for (size_t k = 0, i = 0; rows && k < n; k++)
        for (int64_t row = targets[k].row; row >= 0; row = coadd->next[row])
            rows[i++] = (struct fb_coadd_row){ row, targets[k].begin, targets[k].end };
    return rows;
}

int fb_coadd_prefetch(struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n)
{
    if (!coadd->plain)
        return 0;
    if (!coadd->has_exposures)
        return prefetch_rows(coadd, rows, n);
    size_t total;
    struct fb_coadd_row *exposures = exposures_of(coadd, rows, n, &total);
    int fetched = exposures ? prefetch_rows(coadd, exposures, total) : 0;
    free(exposures);
    return fetched;
}
