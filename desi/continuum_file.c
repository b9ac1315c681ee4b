/* continuum_file.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/continuum_file.h"
#include "desi/dependencies.h"
#include "fits/output.h"

/* A column after TARGETID. PCA_COEFFS has one number per template. */
struct column {
    const char *name, *unit;
    char type;
};
enum { MOST_COLUMNS = 6 };
static const struct table {
    const char *name, *list; /* name in FITS, and in the metadata of ECSV */
    struct column columns[MOST_COLUMNS + 1];
} tables[FB_NCONTINUUM] = {
    [FB_CONTINUUM_PIXELS] = { "CONTINUUM",
                              NULL,
                              { { "WAVELENGTH", "Angstrom", 'D' },
                                { "REST", "Angstrom", 'D' },
                                { "FLUX", NULL, 'D' },
                                { "IVAR", NULL, 'D' },
                                { "CONTINUUM", NULL, 'D' } } },
    [FB_CONTINUUM_TROUGHS] = { "TROUGHS",
                               "troughs",
                               { { "LINE_WAVELENGTH", "Angstrom", 'D' },
                                 { "MIN_WIDTH", "km/s", 'D' },
                                 { "VMIN", "km/s", 'D' },
                                 { "VMAX", "km/s", 'D' },
                                 { "POSMIN", "km/s", 'D' },
                                 { "FMIN", NULL, 'D' } } },
    [FB_CONTINUUM_QUASARS] = { "QUASARS",
                               "quasars",
                               { { "Z", NULL, 'D' },
                                 { "BALSTATUS", NULL, 'J' },
                                 { "PCA_CHI2", NULL, 'D' },
                                 { "AI_CIV", "km/s", 'D' },
                                 { "BI_CIV", "km/s", 'D' },
                                 { "PCA_COEFFS", NULL, 'D' } } },
};

/* ---- rows ---- */

/* A new row of a table; NULL if out of memory. */
static double *add_row(struct fb_continuum_rows *rows, size_t width, int64_t targetid)
{
    if (rows->n == rows->room) {
        size_t room = rows->room ? 2 * rows->room : 8192;
        int64_t *ids = realloc(rows->targetid, room * sizeof *ids);
        if (!ids)
            return NULL;
        rows->targetid = ids;
        double *numbers = realloc(rows->numbers, room * width * sizeof *numbers);
        if (!numbers)
            return NULL;
        rows->numbers = numbers;
        rows->room = room;
        rows->width = width;
    }
    rows->targetid[rows->n] = targetid;
    return rows->numbers + rows->n++ * width;
}

static int add_pixels(struct fb_continua *c, const fastbal_templates *templates, int64_t targetid,
                      const struct fastbal_spectrum *s, const struct fastbal_result *result)
{
    size_t begin, end;
    fastbal_measured_range(s->n, s->wavelength, s->z, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        double rest = s->wavelength[i] / (1 + s->z), continuum = NAN;
        if (rest < FASTBAL_FIT_MIN || rest > FASTBAL_FIT_MAX)
            continue;
        double *row = add_row(&c->rows[FB_CONTINUUM_PIXELS], 5, targetid);
        if (!row)
            return -1;
        if (!(result->status & FASTBAL_NOT_MEASURED))
            fastbal_continuum(templates, result->coeffs, s->z, 1, &s->wavelength[i], &continuum);
        const double numbers[5] = { s->wavelength[i], rest, s->flux[i], s->ivar[i], continuum };
        memcpy(row, numbers, sizeof numbers);
    }
    return 0;
}

static int add_troughs(struct fb_continua *c, int64_t targetid, double line, double width,
                       const struct fastbal_troughs *troughs)
{
    for (int k = 0; k < troughs->count; k++) {
        double *row = add_row(&c->rows[FB_CONTINUUM_TROUGHS], 6, targetid);
        if (!row)
            return -1;
        const double numbers[6] = {
            line, width, troughs->vmin[k], troughs->vmax[k], troughs->posmin[k], troughs->fmin[k]
        };
        memcpy(row, numbers, sizeof numbers);
    }
    return 0;
}

int fb_continua_add(struct fb_continua *c, const fastbal_templates *templates, int64_t targetid,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_result *r)
{
    const double numbers[5] = { spectrum->z, (double)r->status, r->chi2, r->civ.ai.index, r->civ.bi.index };
    double *row = add_row(&c->rows[FB_CONTINUUM_QUASARS], 5 + (size_t)c->ntemplates, targetid);
    if (!row)
        return -1;
    memcpy(row, numbers, sizeof numbers);
    memcpy(row + 5, r->coeffs, (size_t)c->ntemplates * sizeof *row);
    if (spectrum->n > 0 && add_pixels(c, templates, targetid, spectrum, r) != 0)
        return -1;
    return add_troughs(c, targetid, 1549, 450, &r->civ.ai) != 0 ||
                   add_troughs(c, targetid, 1549, 2000, &r->civ.bi) != 0 ||
                   add_troughs(c, targetid, 1398, 450, &r->siiv.ai) != 0 ||
                   add_troughs(c, targetid, 1398, 2000, &r->siiv.bi) != 0
               ? -1
               : 0;
}

void fb_continua_release(struct fb_continua *c)
{
    for (int k = 0; k < FB_NCONTINUUM; k++) {
        free(c->rows[k].targetid);
        free(c->rows[k].numbers);
        c->rows[k] = (struct fb_continuum_rows){ 0 };
    }
}

/* ---- FITS ---- */

/* Write one column: `repeat` numbers per row, from the k-th number of each row on. */
static void write_column(fitsfile *file, int column, const struct fb_continuum_rows *rows, size_t k,
                         size_t repeat, int *status)
{
    enum { AT_ONCE = 4096 };
    double values[AT_ONCE];
    for (size_t i = 0; i < rows->n * repeat;) {
        size_t n = 0, first = i;
        for (; n < AT_ONCE && i < rows->n * repeat; i++, n++)
            values[n] = rows->numbers[i / repeat * rows->width + k + i % repeat];
        fits_write_col(file, TDOUBLE, column, (LONGLONG)(first / repeat) + 1, (LONGLONG)(first % repeat) + 1,
                       (LONGLONG)n, values, status);
    }
}

static void write_table(fitsfile *file, const struct table *t, const struct fb_continuum_rows *rows,
                        int ntemplates, int *status)
{
    char *names[MOST_COLUMNS + 1] = { (char *)"TARGETID" }, *units[MOST_COLUMNS + 1] = { (char *)"" };
    char form[MOST_COLUMNS + 1][16] = { "K" }, *forms[MOST_COLUMNS + 1] = { form[0] };
    int n = 1;
    for (const struct column *c = t->columns; c->name; c++, n++) {
        int repeat = strcmp(c->name, "PCA_COEFFS") == 0 ? ntemplates : 1;
        snprintf(form[n], sizeof form[n], "%d%c", repeat, c->type);
        names[n] = (char *)c->name;
        units[n] = (char *)(c->unit ? c->unit : "");
        forms[n] = form[n];
    }
    fits_create_tbl(file, BINARY_TBL, 0, n, names, forms, units, t->name, status);
    if (rows->n > 0)
        fits_write_col(file, TLONGLONG, 1, 1, 1, (LONGLONG)rows->n, rows->targetid, status);
    for (int k = 1; k < n; k++)
        write_column(file, k + 1, rows, (size_t)k - 1,
                     strcmp(names[k], "PCA_COEFFS") == 0 ? (size_t)ntemplates : 1, status);
}

static int write_fits(const struct fb_continua *c, const char *path, enum fb_replace replace,
                      struct fb_error *err)
{
    struct fb_output out;
    int status = 0;
    if (fb_output_create(&out, path, replace, err) != 0)
        return -1;
    for (int k = 0; k < FB_NCONTINUUM; k++) {
        write_table(out.file, &tables[k], &c->rows[k], c->ntemplates, &status);
        if (k > 0)
            continue;
        fb_write_provenance(out.file, &c->made, &status);
        fb_write_dependencies(out.file, &status);
    }
    return fb_output_commit(&out, "can't write the continua", status, err);
}

/* ---- ECSV ---- */

/* Print a table as a YAML list of mappings. */
static void print_list(FILE *out, const struct table *t, const struct fb_continuum_rows *rows, int ntemplates)
{
    fprintf(out, "#   %s:%s\n", t->list, rows->n == 0 ? " []" : "");
    for (size_t i = 0; i < rows->n; i++) {
        const double *number = rows->numbers + i * rows->width;
        fprintf(out, "#   - {TARGETID: %lld", (long long)rows->targetid[i]);
        for (const struct column *c = t->columns; c->name; c++) {
            int several = strcmp(c->name, "PCA_COEFFS") == 0, repeat = several ? ntemplates : 1;
            fprintf(out, ", %s: %s", c->name, several ? "[" : "");
            for (int k = 0; k < repeat; k++) {
                fputs(k > 0 ? ", " : "", out);
                fprintf(out, c->type == 'J' ? "%.0f" : "%.16e", *number++); /* YAML's reals need a point */
            }
            fputs(several ? "]" : "", out);
        }
        fputs("}\n", out);
    }
}

static void print_ecsv(FILE *out, const void *context)
{
    const struct fb_continua *c = context;
    const struct table *t = &tables[FB_CONTINUUM_PIXELS];
    const struct fb_continuum_rows *rows = &c->rows[FB_CONTINUUM_PIXELS];
    fputs("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: TARGETID, datatype: int64}\n", out);
    for (const struct column *column = t->columns; column->name; column++)
        fprintf(out, "# - {name: %s, %s%s%sdatatype: float64}\n", column->name, column->unit ? "unit: " : "",
                column->unit ? column->unit : "", column->unit ? ", " : "");
    fputs("# meta:\n", out);
    for (int i = 0; i < FB_NPROVENANCE; i++) {
        const char *text = fb_provenance_text(&c->made, &fb_provenance_keys[i]);
        fprintf(out, "#   %.*s: '", (int)strcspn(fb_provenance_keys[i].keyword, " "),
                fb_provenance_keys[i].keyword);
        for (; *text; text++) /* quotes are doubled */
            fprintf(out, "%s%c", *text == '\'' ? "'" : "", *text);
        fputs("'\n", out);
    }
    print_list(out, &tables[FB_CONTINUUM_TROUGHS], &c->rows[FB_CONTINUUM_TROUGHS], c->ntemplates);
    print_list(out, &tables[FB_CONTINUUM_QUASARS], &c->rows[FB_CONTINUUM_QUASARS], c->ntemplates);
    fputs("# schema: astropy-2.0\nTARGETID", out);
    for (const struct column *column = t->columns; column->name; column++)
        fprintf(out, " %s", column->name);
    fputs("\n", out);
    for (size_t i = 0; i < rows->n; i++) {
        fprintf(out, "%lld", (long long)rows->targetid[i]);
        for (size_t k = 0; k < rows->width; k++)
            fprintf(out, " %.17g", rows->numbers[i * rows->width + k]);
        fputs("\n", out);
    }
}

int fb_continua_write(const struct fb_continua *c, const char *path, enum fb_replace replace,
                      struct fb_error *err)
{
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".ecsv") == 0 ? fb_print_output(path, replace, print_ecsv, c, err)
                                                : write_fits(c, path, replace, err);
}
