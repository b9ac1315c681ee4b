/* files.c - SPDX-License-Identifier: BSD-3-Clause */
#include <chealpix.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "desi/pixel_map.h"
#include "fits/header_template.h"
#include "fits/output.h"
#include "fits/system.h"
#include "sim/files.h"

#define DEGREES_PER_RADIAN 57.29577951308232
#define FLUX_UNIT "10**-17 erg/(s cm2 Angstrom)"
#define IVAR_UNIT "10**+34 (s2 cm4 Angstrom2) / erg2"

enum { RESOLUTION_BLOCK = 8 };

/* ---- headers and tables ---- */

static void write_header(fitsfile *file, const struct fb_sim_header *header, int *status)
{
    for (int i = 0; i < header->n; i++) {
        const struct fb_sim_keyword *k = &header->keywords[i];
        if (k->kind == FB_SIM_TEXT)
            fits_write_key_str(file, k->name, k->text, k->comment, status);
        else if (k->kind == FB_SIM_NUMBER)
            fits_write_key_lng(file, k->name, k->number, k->comment, status);
        else
            fits_write_key_log(file, k->name, 1, k->comment, status);
    }
}

/* An empty primary HDU with the file's keywords. */
static void write_primary(fitsfile *file, const struct fb_sim_header *header, int *status)
{
    fits_create_img(file, BYTE_IMG, 0, NULL, status);
    write_header(file, header, status);
}

/* Width of a format like "17E" or "6A"; its letter goes to *letter. */
static long parse_format(const char *format, char *letter)
{
    char *end;
    const long width = strtol(format, &end, 10);
    *letter = *end;
    return end == format ? 1 : width;
}

/* CFITSIO takes string columns as an array of pointers. */
static void write_text(fitsfile *file, int column, int64_t nrows, long width, char *cells, int *status)
{
    char **texts = malloc((size_t)nrows * sizeof *texts);
    if (!texts) {
        *status = MEMORY_ALLOCATION;
        return;
    }
    for (int64_t i = 0; i < nrows; i++)
        texts[i] = cells + i * (width + 1);
    fits_write_col_str(file, column, 1, 1, nrows, texts, status);
    free(texts);
}

static const struct number_type {
    char letter;
    int type;
    size_t size;
} number_types[] = {
    { 'K', TLONGLONG, sizeof(int64_t) }, { 'J', TINT, sizeof(int32_t) }, { 'I', TSHORT, sizeof(int16_t) },
    { 'D', TDOUBLE, sizeof(double) },    { 'E', TFLOAT, sizeof(float) }, { '\0', 0, 0 },
};

/* Gather one column of an array of structs and write it. */
static void write_column(fitsfile *file, const struct fb_sim_table *table, int column, int *status)
{
    const struct fb_sim_column *c = &table->columns[column];
    const struct number_type *number = number_types;
    char letter;
    const long width = parse_format(c->format, &letter);

    while (number->letter && number->letter != letter)
        number++;
    const size_t size = letter == 'A' ? (size_t)width + 1 : (size_t)width * number->size;
    char *cells = malloc((size_t)table->nrows * size + 1);
    if (!cells || size == 0) {
        *status = cells ? BAD_TFORM : MEMORY_ALLOCATION;
        free(cells);
        return;
    }
    for (int64_t i = 0; i < table->nrows; i++)
        memcpy(cells + (size_t)i * size, (const char *)table->rows + (size_t)i * table->row_size + c->offset,
               size);
    if (letter == 'A')
        write_text(file, column + 1, table->nrows, width, cells, status);
    else
        fits_write_col(file, number->type, column + 1, 1, 1, table->nrows * width, cells, status);
    free(cells);
}

static void write_table(fitsfile *file, const struct fb_sim_table *table, int *status)
{
    char *names[FB_SIM_MAX_COLUMNS], *formats[FB_SIM_MAX_COLUMNS], *units[FB_SIM_MAX_COLUMNS];
    char none[] = "";

    if (table->ncolumns == 0 || *status)
        return;
    if (table->ncolumns > FB_SIM_MAX_COLUMNS) {
        *status = BAD_TFIELDS;
        return;
    }
    for (int i = 0; i < table->ncolumns; i++) {
        names[i] = (char *)table->columns[i].name;
        formats[i] = (char *)table->columns[i].format;
        units[i] = table->columns[i].unit ? (char *)table->columns[i].unit : none;
    }
    fits_create_tbl(file, BINARY_TBL, table->nrows, table->ncolumns, names, formats, units, table->extname,
                    status);
    for (int i = 0; i < table->ncolumns && table->nrows > 0; i++)
        write_column(file, table, i, status);
}

/* ---- images ---- */

static void create_image(fitsfile *file, char letter, const char *suffix, int type, int naxis,
                         const LONGLONG *naxes, const char *unit, int *status)
{
    char name[32];
    snprintf(name, sizeof name, "%c_%s", letter, suffix);
    fits_create_imgll(file, type, naxis, (LONGLONG *)naxes, status);
    fits_write_key_str(file, "EXTNAME", name, NULL, status);
    if (unit)
        fits_write_key_str(file, "BUNIT", unit, NULL, status);
}

/* Write resolution matrices in blocks of rows, so that memory does not grow with the number of rows. */
static void write_resolution(fitsfile *file, const struct fb_sim_coadd *coadd, int camera, int *status)
{
    const struct fb_sim_image *image = &coadd->cameras[camera];
    const size_t row_size = (size_t)coadd->diagonals * image->n;
    const LONGLONG naxes[3] = { (LONGLONG)image->n, coadd->diagonals, coadd->nrows };
    float *block = malloc(RESOLUTION_BLOCK * row_size * sizeof *block);

    if (!block) {
        *status = MEMORY_ALLOCATION;
        return;
    }
    create_image(file, image->letter, "RESOLUTION", FLOAT_IMG, 3, naxes, NULL, status);
    for (size_t first = 0; first < (size_t)coadd->nrows && *status == 0; first += RESOLUTION_BLOCK) {
        const size_t left = (size_t)coadd->nrows - first,
                     n = left < RESOLUTION_BLOCK ? left : RESOLUTION_BLOCK;
        for (size_t k = 0; k < n; k++)
            coadd->resolution(coadd->context, camera, first + k, block + k * row_size);
        fits_write_img(file, TFLOAT, (LONGLONG)(first * row_size + 1), (LONGLONG)(n * row_size), block,
                       status);
    }
    free(block);
}

static void write_wavelength(fitsfile *file, char letter, size_t n, const double *wavelength, int *status)
{
    const LONGLONG naxis = (LONGLONG)n;

    create_image(file, letter, "WAVELENGTH", DOUBLE_IMG, 1, &naxis, "Angstrom", status);
    fits_write_img(file, TDOUBLE, 1, naxis, (void *)wavelength, status);
}

/* One camera of all rows, in single precision. */
static void write_rows(fitsfile *file, char letter, const char *suffix, const LONGLONG naxes[2],
                       const float *rows, const char *unit, int *status)
{
    create_image(file, letter, suffix, FLOAT_IMG, 2, naxes, unit, status);
    fits_write_img(file, TFLOAT, 1, naxes[0] * naxes[1], (void *)rows, status);
}

static void write_camera(fitsfile *file, const struct fb_sim_coadd *coadd, int camera, int *status)
{
    const struct fb_sim_image *image = &coadd->cameras[camera];
    const LONGLONG naxes[2] = { (LONGLONG)image->n, coadd->nrows };
    const LONGLONG pixels = naxes[0] * naxes[1];

    write_wavelength(file, image->letter, image->n, image->wavelength, status);
    write_rows(file, image->letter, "FLUX", naxes, image->flux, FLUX_UNIT, status);
    write_rows(file, image->letter, "IVAR", naxes, image->ivar, IVAR_UNIT, status);
    create_image(file, image->letter, "MASK", LONG_IMG, 2, naxes, NULL, status);
    fits_write_img(file, TINT, 1, pixels, (void *)image->mask, status);
    if (coadd->resolution)
        write_resolution(file, coadd, camera, status);
}

/* ---- files ---- */

static int create(struct fb_output *out, const char *path, struct fb_error *err)
{
    return fb_make_parent_folders(path, err) != 0 ? -1 : fb_output_create(out, path, FB_REPLACE, err);
}

static int finish(struct fb_output *out, const char *path, int status, int64_t *size, struct fb_error *err)
{
    if (fb_output_commit(out, "can't write it", status, err) != 0)
        return -1;
    int64_t written = fb_file_size(path, err);
    *size += written;
    return written < 0 ? -1 : 0;
}

int fb_sim_write_tables(const char *path, const struct fb_sim_header *header, int ntables,
                        const struct fb_sim_table *tables, int64_t *size, struct fb_error *err)
{
    struct fb_output out;
    int status = 0;

    if (create(&out, path, err) != 0)
        return -1;
    write_primary(out.file, header, &status);
    for (int i = 0; i < ntables; i++)
        write_table(out.file, &tables[i], &status);
    return finish(&out, path, status, size, err);
}

int fb_sim_write_coadd(const char *path, const struct fb_sim_coadd *coadd, int64_t *size,
                       struct fb_error *err)
{
    struct fb_output out;
    int status = 0;

    if (create(&out, path, err) != 0)
        return -1;
    write_primary(out.file, &coadd->header, &status);
    write_table(out.file, &coadd->fibermap, &status);
    write_table(out.file, &coadd->exp_fibermap, &status);
    for (int c = 0; c < FB_SIM_FILE_CAMERAS; c++)
        write_camera(out.file, coadd, c, &status);
    write_table(out.file, &coadd->scores, &status);
    return finish(&out, path, status, size, err);
}

int fb_sim_write_mock_truth(const char *path, const struct fb_sim_coadd *coadd, int ntables,
                            const struct fb_sim_table *tables, int64_t *size, struct fb_error *err)
{
    struct fb_output out;
    int status = 0;

    if (create(&out, path, err) != 0)
        return -1;
    write_primary(out.file, &coadd->header, &status);
    for (int i = 0; i < ntables; i++)
        write_table(out.file, &tables[i], &status);
    for (int c = 0; c < FB_SIM_FILE_CAMERAS; c++) {
        const struct fb_sim_image *image = &coadd->cameras[c];
        const LONGLONG naxes[2] = { (LONGLONG)image->n, coadd->diagonals };
        if (!image->resolution)
            continue;
        create_image(out.file, image->letter, "RESOLUTION", FLOAT_IMG, 2, naxes, NULL, &status);
        fits_write_img(out.file, TFLOAT, 1, naxes[0] * naxes[1], (void *)image->resolution, &status);
    }
    return finish(&out, path, status, size, err);
}

int fb_sim_write_true_spectra(const char *path, const struct fb_sim_header *header,
                              const struct fb_sim_table *targets,
                              const struct fb_sim_true_image cameras[FB_SIM_FILE_CAMERAS], int64_t *size,
                              struct fb_error *err)
{
    struct fb_output out;
    int status = 0;

    if (create(&out, path, err) != 0)
        return -1;
    write_primary(out.file, header, &status);
    write_table(out.file, targets, &status);
    for (int c = 0; c < FB_SIM_FILE_CAMERAS; c++) {
        const struct fb_sim_true_image *image = &cameras[c];
        const LONGLONG naxes[2] = { (LONGLONG)image->n, targets->nrows };
        write_wavelength(out.file, image->letter, image->n, image->wavelength, &status);
        write_rows(out.file, image->letter, "CONTINUUM", naxes, image->continuum, FLUX_UNIT, &status);
        write_rows(out.file, image->letter, "TRANSMISSION", naxes, image->transmission, NULL, &status);
    }
    return finish(&out, path, status, size, err);
}

/* ---- maps of adaptive pixels ---- */

static void write_map_image(fitsfile *file, const char *name, int type, int datatype,
                            const struct fb_sim_map *map, const struct fb_pixel_map *pixels, void *values,
                            int *status)
{
    LONGLONG n = 12 * (LONGLONG)pixels->nside * pixels->nside;
    long nside = pixels->nside;
    int nested = 1;
    fits_create_imgll(file, type, 1, &n, status);
    fits_write_key_str(file, "EXTNAME", name, NULL, status);
    fits_write_key_lng(file, "NSIDE", nside, "HEALPix nside", status);
    fits_write_key_lng(file, "HPXNSIDE", nside, "HEALPix nside", status);
    fits_write_key_log(file, "HPXNEST", nested, "nested ordering", status);
    fits_write_key_str(file, "SURVEY", map->survey, NULL, status);
    fits_write_key_str(file, "PROGRAM", map->program, NULL, status);
    fits_write_img(file, datatype, 1, n, values, status);
}

/* The number of targets per pixel of the map; those of an adaptive pixel are counted in its first one. */
static int32_t *count_targets(const struct fb_sim_map *map, const struct fb_pixel_map *pixels)
{
    size_t n = 12 * (size_t)pixels->nside * (size_t)pixels->nside;
    int32_t *counts = calloc(n, sizeof *counts);
    for (size_t i = 0; counts && i < n; i++)
        if (pixels->upix[i] != -1 && (i == 0 || pixels->upix[i] != pixels->upix[i - 1]))
            counts[i] = (int32_t)map->ntargets;
    return counts;
}

static int write_map_fits(const char *path, const struct fb_sim_map *map, const struct fb_pixel_map *pixels,
                          int64_t *size, struct fb_error *err)
{
    struct fb_output out;
    int status = 0;
    int32_t *counts = count_targets(map, pixels);
    if (!counts)
        return fb_fail(err, "%s: out of memory", path);
    int failed = create(&out, path, err);
    if (!failed) {
        write_map_image(out.file, "HPIX2UPIX", LONGLONG_IMG, TINT, map, pixels, pixels->upix, &status);
        write_map_image(out.file, "HPIX_NTARGETS", LONG_IMG, TINT, map, pixels, counts, &status);
        failed = finish(&out, path, status, size, err);
    }
    free(counts);
    return failed;
}

static void print_map(FILE *file, const struct fb_sim_map *map, const struct fb_pixel_map *pixels)
{
    size_t n = 12 * (size_t)pixels->nside * (size_t)pixels->nside;
    fprintf(file,
            "{\"NSIDE\": %ld, \"HPXNSIDE\": %ld, \"HPXNEST\": true, \"SURVEY\": \"%s\", \"PROGRAM\": \"%s\", "
            "\"HPIX2UPIX\": [",
            pixels->nside, pixels->nside, map->survey, map->program);
    for (size_t i = 0; i < n; i++)
        fprintf(file, "%s%d", i ? ", " : "", (int)pixels->upix[i]);
    fprintf(file, "]}\n");
}

static int write_map_json(const char *path, const struct fb_sim_map *map, const struct fb_pixel_map *pixels,
                          int64_t *size, struct fb_error *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&text, &n);
    int composed = 0;
    if (file) {
        print_map(file, map, pixels);
        composed = !ferror(file);
        composed &= fclose(file) == 0;
    }
    int failed =
        composed ? fb_write_file(path, FB_REPLACE, text, n, err) : fb_fail(err, "%s: out of memory", path);
    free(text);
    int64_t written = failed ? -1 : fb_file_size(path, err);
    *size += written;
    return written < 0 ? -1 : 0;
}

struct uniqpix_row {
    int64_t uniqpix, ntargets, nspectra;
};

static int write_map_list(const char *path, const struct fb_sim_map *map, int64_t *size, struct fb_error *err)
{
    static const struct fb_sim_column columns[] = {
        { "UNIQPIX", "K", NULL, offsetof(struct uniqpix_row, uniqpix) },
        { "NTARGETS", "K", NULL, offsetof(struct uniqpix_row, ntargets) },
        { "NSPECTRA", "K", NULL, offsetof(struct uniqpix_row, nspectra) },
    };
    struct uniqpix_row *rows = calloc(map->n + 1, sizeof *rows);
    if (!rows)
        return fb_fail(err, "%s: out of memory", path);
    for (size_t i = 0; i < map->n; i++)
        rows[i] = (struct uniqpix_row){ map->pixels[i], map->ntargets, map->ntargets };
    const struct fb_sim_table table = { "UNIQPIX", columns, 3, rows, sizeof *rows, (int64_t)map->n };
    const struct fb_sim_keyword keywords[] = { { "SURVEY", FB_SIM_TEXT, map->survey, 0, NULL },
                                               { "PROGRAM", FB_SIM_TEXT, map->program, 0, NULL } };
    const struct fb_sim_header header = { 2, keywords };
    int failed = fb_sim_write_tables(path, &header, 1, &table, size, err);
    free(rows);
    return failed;
}

int fb_sim_write_map(const char *folder, const struct fb_sim_map *map, int64_t *size, struct fb_error *err)
{
    struct fb_pixel_map pixels;
    char *name = fb_format("%s-%s", map->survey, map->program);
    char *fits = name ? fb_format("%s/hpix2upix-%s.fits", folder, name) : NULL;
    char *json = name ? fb_format("%s/hpix2upix-%s.json", folder, name) : NULL;
    char *list = name ? fb_format("%s/uniqpix-%s.fits", folder, name) : NULL;
    int failed = fb_pixel_map_from_list(&pixels, folder, map->pixels, map->n, err);
    if (!failed && (!fits || !json || !list))
        failed = fb_fail(err, "%s: out of memory", folder);
    if (!failed)
        failed = write_map_fits(fits, map, &pixels, size, err);
    if (!failed)
        failed = write_map_json(json, map, &pixels, size, err);
    if (!failed)
        failed = write_map_list(list, map, size, err);
    fb_pixel_map_release(&pixels);
    free(name);
    free(fits);
    free(json);
    free(list);
    return failed;
}

/* ---- pixels and folders ---- */

void fb_sim_pixel_centre(const struct fb_tree *tree, int64_t pixel, double *ra, double *dec)
{
    int64_t healpix;
    const long nside = fb_tree_healpix(tree, pixel, &healpix);
    double theta, phi;
    pix2ang_nest(nside, (long)healpix, &theta, &phi);
    *ra = phi * DEGREES_PER_RADIAN;
    *dec = 90.0 - theta * DEGREES_PER_RADIAN;
}

int fb_sim_folder_used(const char *folder, struct fb_error *err)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int used = 0;

    if (!dir)
        return errno == ENOENT ? 0 : fb_fail(err, "%s: %s", folder, strerror(errno));
    while (!used && (entry = readdir(dir)))
        used = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return used;
}
