/*
 * files.h - writes simulated coadds, catalogs and truth tables in the format of DESI's files.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SIM_FILES_H
#define FB_SIM_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "desi/tree.h"
#include "fits/error.h"

/*
 * One column, with the offset of its value in a row. K is int64_t, J int32_t, I int16_t, D double, E float,
 * 17E float[17]; "6A" is char[7], NUL-terminated.
 */
struct fb_sim_column {
    const char *name, *format, *unit; /* unit may be NULL */
    size_t offset;
};

/* A table from an array of structs. */
struct fb_sim_table {
    const char *extname;
    const struct fb_sim_column *columns;
    int ncolumns;
    const void *rows;
    size_t row_size;
    int64_t nrows;
};

enum fb_sim_keyword_kind { FB_SIM_TEXT, FB_SIM_NUMBER, FB_SIM_TRUE };
struct fb_sim_keyword {
    const char *name;
    enum fb_sim_keyword_kind kind;
    const char *text;
    int64_t number;
    const char *comment;
};

struct fb_sim_header {
    int n;
    const struct fb_sim_keyword *keywords;
};

enum { FB_SIM_FILE_CAMERAS = 3, FB_SIM_MAX_COLUMNS = 64 };

/* One camera of all rows: nrows x n. */
struct fb_sim_image {
    char letter;
    size_t n;
    const double *wavelength;
    const float *flux, *ivar;
    const int32_t *mask;
    const float *resolution; /* diagonals x n, shared by all rows; may be NULL */
};

/* Fill one row of a camera's resolution matrices, diagonals x n. */
typedef void fb_sim_resolution_fn(void *context, int camera, size_t row, float *out);

struct fb_sim_coadd {
    struct fb_sim_header header;
    int64_t nrows;
    struct fb_sim_table fibermap;
    struct fb_sim_table exp_fibermap, scores; /* omitted if they have no columns */
    struct fb_sim_image cameras[FB_SIM_FILE_CAMERAS];
    int diagonals;
    fb_sim_resolution_fn *resolution; /* NULL: no {B,R,Z}_RESOLUTION */
    void *context;
};

/* Write a file of tables. On success, the file size is added to *size. */
int fb_sim_write_tables(const char *path, const struct fb_sim_header *header, int ntables,
                        const struct fb_sim_table *tables, int64_t *size, struct fb_error *err);

/* Write a coadd (or, for mocks, a spectra file). */
int fb_sim_write_coadd(const char *path, const struct fb_sim_coadd *coadd, int64_t *size,
                       struct fb_error *err);

/*
 * Write the truth file of quickquasars: tables, and each camera's `resolution` as one matrix for all rows.
 */
int fb_sim_write_mock_truth(const char *path, const struct fb_sim_coadd *coadd, int ntables,
                            const struct fb_sim_table *tables, int64_t *size, struct fb_error *err);

/* The noiseless spectra of the quasars in a table: nrows x n. */
struct fb_sim_true_image {
    char letter;
    size_t n;
    const double *wavelength;
    const float *continuum, *transmission;
};

/* Write them: the table, and {B,R,Z}_{WAVELENGTH,CONTINUUM,TRANSMISSION}. */
int fb_sim_write_true_spectra(const char *path, const struct fb_sim_header *header,
                              const struct fb_sim_table *targets,
                              const struct fb_sim_true_image cameras[FB_SIM_FILE_CAMERAS], int64_t *size,
                              struct fb_error *err);

/* Disjoint adaptive pixels, with their numbers of targets. */
struct fb_sim_map {
    const char *survey, *program;
    const int64_t *pixels;
    size_t n;
    int64_t ntargets;
};
/* Write their maps: hpix2upix-SURVEY-PROGRAM.fits and .json, uniqpix-SURVEY-PROGRAM.fits. */
int fb_sim_write_map(const char *folder, const struct fb_sim_map *map, int64_t *size, struct fb_error *err);

/* The centre of a pixel, in degrees. */
void fb_sim_pixel_centre(const struct fb_tree *tree, int64_t pixel, double *ra, double *dec);
/*
 * Returns 1 if a folder has entries, 0 if it is empty or missing, -1 if it is not a folder or can't be read.
 */
int fb_sim_folder_used(const char *folder, struct fb_error *err);

#endif
