/* template_file.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "desi/dependencies.h"
#include "desi/template_file.h"
#include "desi/wavelengths.h"
#include "fits/output.h"
#include "fits/system.h"
#include "fits/table.h"

static const struct {
    const char *name, *file;
} known[] = {
    { "guo", "PCA_Eigenvectors.fits" },
    { "brodzeller", "PCA_Eigenvectors_Brodzeller.fits" },
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *file_of(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].file;
    return NULL;
}

/* FOLDER/BELOW/FILE if it is there, or may be, which is for its reader to find out: a fault must not make other
 * templates be taken. NULL where there is none. -1 where memory is lacking. */
static int look_in(const char *folder, const char *below, const char *file, char **found)
{
    struct fb_error ignored;
    char *candidate = fb_format("%s%s/%s", folder, below, file);
    *found = NULL;
    if (!candidate)
        return -1;
    if (fb_look_for(candidate, &ignored) != 0)
        *found = candidate;
    else
        free(candidate);
    return 0;
}

/* Where the user says which folder has the templates, no other will do. */
static int refuse_folder(const char *name, const char *file, const char *folder, struct fb_error *err)
{
    int is_folder = fb_is_folder(folder, err);
    if (is_folder < 0)
        return -1;
    const char *found = is_folder           ? "no such file"
                        : fb_exists(folder) ? "no folder but a file"
                                            : "no such folder";
    return fb_fail(
        err,
        "templates %s: expected %s in $FASTBAL_TEMPLATES (%s), found %s; unset it, or give --templates FILE "
        "or builtin",
        name, file, folder, found);
}

/* The path of a named set; NULL where it is found nowhere and the user names no folder. */
static int look_up(const char *name, const char *file, const char *share, char **found, struct fb_error *err)
{
    const char *home = getenv("HOME"), *own = getenv("FASTBAL_TEMPLATES");
    int status = 0;

    *found = NULL;
    if (own && *own)
        status = look_in(own, "", file, found);
    else if (home && *home)
        status = look_in(home, "/Catalogs", file, found);
    if (own && *own && status == 0 && !*found)
        return refuse_folder(name, file, own, err);
    if (share && status == 0 && !*found)
        status = look_in(share, "", file, found);
    return status == 0 ? 0 : fb_fail(err, "templates %s: out of memory", name);
}

static int count_components(struct fb_table *t)
{
    char name[16];
    int n = 0;
    for (;; n++) {
        snprintf(name, sizeof name, "PCA%d", n);
        if (n > FASTBAL_MAX_TEMPLATES || !fb_table_find(t, name))
            return n;
    }
}

/* WAVE, and PCA0 to its last one, one after the other. */
static int read_columns(struct fb_table *t, int ncomponents, double *wavelength, double *values,
                        struct fb_error *err)
{
    char name[16] = "WAVE";
    const char *const names[] = { name, NULL };
    for (int k = -1; k < ncomponents; k++) {
        const struct fb_column *column;
        double *to = k < 0 ? wavelength : values + (size_t)k * (size_t)t->nrows;
        if (k >= 0)
            snprintf(name, sizeof name, "PCA%d", k);
        if (fb_table_find_number(t, names, 1, &column, err) != 0 ||
            fb_table_numbers(t, column, to, t->nrows, err) != 0)
            return -1;
    }
    return 0;
}

/* Words for what the library refused. */
static int refuse(const char *path, const double *wavelength, const double *values, size_t n, int ncomponents,
                  int code, struct fb_error *err)
{
    if (code == FASTBAL_EWAVELENGTH) {
        if (fb_check_wavelengths(path, "column WAVE", wavelength, n, err) != 0)
            return -1;
        return fb_fail(err, "%s: column WAVE: expected wavelengths from 1e-30 to 1e30, found %g to %g", path,
                       wavelength[0], wavelength[n - 1]);
    }
    for (size_t i = 0; i < n * (size_t)ncomponents; i++)
        if (code == FASTBAL_ETEMPLATES && !isfinite(values[i]))
            return fb_fail(err, "%s: column PCA%zu: expected finite numbers, found %g at %zu", path, i / n,
                           values[i], i % n);
    return fb_fail(err, "%s: %s", path, fastbal_strerror(code));
}

static int read_file(fastbal_templates **templates, const char *path, struct fb_error *err)
{
    struct fb_table t;
    int status = -1;

    *templates = NULL;
    if (fb_table_open(&t, path, NULL, err) != 0)
        return -1;
    int ncomponents = count_components(&t);
    size_t n = (size_t)t.nrows;
    if (ncomponents < 1 || ncomponents > FASTBAL_MAX_TEMPLATES || n < 2 || n > 10000000) {
        fb_table_close(&t);
        return fb_fail(err,
                       "%s: expected columns WAVE and PCA0 to at most PCA%d over 2 wavelengths or more, "
                       "found %d components over %zu",
                       path, FASTBAL_MAX_TEMPLATES - 1, ncomponents, n);
    }
    double *wavelength = malloc(n * sizeof *wavelength);
    double *values = malloc(n * (size_t)ncomponents * sizeof *values);
    if (!wavelength || !values) {
        fb_fail(err, "%s: out of memory for %zu wavelengths", path, n);
    } else if (read_columns(&t, ncomponents, wavelength, values, err) == 0) {
        int code = fastbal_templates_create(templates, n, wavelength, ncomponents, values);
        status = code == FASTBAL_OK ? 0 : refuse(path, wavelength, values, n, ncomponents, code, err);
    }
    free(wavelength);
    free(values);
    fb_table_close(&t);
    return status;
}

static int add_sum(struct fb_template_set *set, struct fb_error *err)
{
    size_t n = (1 + (size_t)fastbal_templates_count(set->templates)) * fastbal_templates_size(set->templates);
    double *values = fb_template_set_values(set);
    if (!values)
        return fb_fail(err, "templates %s: out of memory", set->name);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        bits = __builtin_bswap64(bits);
#endif
        memcpy(&values[i], &bits, sizeof bits);
    }
    snprintf(set->sum, sizeof set->sum, "%08lx",
             crc32_z(0, (const unsigned char *)values, n * sizeof *values));
    free(values);
    return 0;
}

static int use_builtin(struct fb_template_set *set, struct fb_error *err)
{
    int code = fastbal_templates_builtin(&set->templates);
    snprintf(set->name, sizeof set->name, "builtin");
    return code == FASTBAL_OK ? add_sum(set, err)
                              : fb_fail(err, "built-in templates: %s", fastbal_strerror(code));
}

/* The path of the file that is meant; NULL where a named set is found nowhere. */
static int find_file(const char *wanted, const char *share, char **path, struct fb_error *err)
{
    const char *file = file_of(wanted);
    if (file)
        return look_up(wanted, file, share, path, err);
    struct fb_error ignored; /* the reader will find the same */
    if (fb_look_for(wanted, &ignored) == 0)
        return fb_fail(err,
                       "templates %s: expected guo, brodzeller, builtin or a FITS file, found no such file",
                       wanted);
    *path = strdup(wanted);
    return *path ? 0 : fb_fail(err, "templates %s: out of memory", wanted);
}

int fb_template_set_read(struct fb_template_set *set, const char *name, const char *share,
                         struct fb_error *err)
{
    const char *wanted = name ? name : "guo";
    char *path = NULL;

    memset(set, 0, sizeof *set);
    if (strcmp(wanted, "builtin") == 0)
        return use_builtin(set, err);
    if (find_file(wanted, share, &path, err) != 0)
        return -1;
    if (!path) {
        struct fb_error missing;
        fb_fail(&missing,
                "templates %s: %s is neither in $HOME/Catalogs nor in %s, and FASTBAL_TEMPLATES is not set",
                wanted, file_of(wanted), share ? share : "a share folder");
        if (name)
            return fb_fail(err, "%s", missing.text);
        snprintf(set->note, sizeof set->note, "%.480s; using builtin", missing.text);
        return use_builtin(set, err);
    }
    snprintf(set->name, sizeof set->name, "%s", base_name(path));
    int status = read_file(&set->templates, path, err);
    free(path);
    return status == 0 ? add_sum(set, err) : status;
}

int fb_template_set_create(struct fb_template_set *set, const char *name, size_t nwave, int ncomponents,
                           const double *values, struct fb_error *err)
{
    memset(set, 0, sizeof *set);
    snprintf(set->name, sizeof set->name, "%s", name);
    int code = fastbal_templates_create(&set->templates, nwave, values, ncomponents, values + nwave);
    return code == FASTBAL_OK ? add_sum(set, err)
                              : fb_fail(err, "templates %s: %s", name, fastbal_strerror(code));
}

double *fb_template_set_values(const struct fb_template_set *set)
{
    const fastbal_templates *t = set->templates;
    size_t n = fastbal_templates_size(t), ncomponents = (size_t)fastbal_templates_count(t);
    double *values = malloc((1 + ncomponents) * n * sizeof *values);
    if (!values)
        return NULL;
    memcpy(values, fastbal_templates_wavelength(t), n * sizeof *values);
    for (size_t k = 0; k < ncomponents; k++)
        for (size_t i = 0; i < n; i++)
            values[(1 + k) * n + i] = fastbal_templates_value(t, (int)k, i);
    return values;
}

void fb_template_set_release(struct fb_template_set *set)
{
    fastbal_templates_free(set->templates);
    set->templates = NULL;
}

static int write_columns(fitsfile *file, const fastbal_templates *t, int *status)
{
    char name[FASTBAL_MAX_TEMPLATES + 1][16], *ttype[FASTBAL_MAX_TEMPLATES + 1],
        *tform[FASTBAL_MAX_TEMPLATES + 1];
    int n = fastbal_templates_count(t);
    size_t rows = fastbal_templates_size(t);

    for (int k = 0; k <= n; k++) {
        if (k == 0)
            snprintf(name[k], sizeof name[k], "WAVE");
        else
            snprintf(name[k], sizeof name[k], "PCA%d", k - 1);
        ttype[k] = name[k];
        tform[k] = "D";
    }
    fits_create_tbl(file, BINARY_TBL, 0, n + 1, ttype, tform, NULL, "TEMPLATES", status);
    fits_write_col(file, TDOUBLE, 1, 1, 1, (LONGLONG)rows, (double *)fastbal_templates_wavelength(t), status);
    for (int k = 0; k < n; k++) {
        for (size_t i = 0; i < rows && *status == 0; i++) {
            double value = fastbal_templates_value(t, k, i);
            fits_write_col(file, TDOUBLE, k + 2, (LONGLONG)i + 1, 1, 1, &value, status);
        }
    }
    return *status;
}

int fb_template_set_write(const char *path, enum fb_replace replace, const struct fb_template_set *set,
                          struct fb_error *err)
{
    struct fb_output out;
    int status = 0;

    if (fb_output_create(&out, path, replace, err) != 0)
        return -1;
    write_columns(out.file, set->templates, &status);
    fits_write_key_longstr(out.file, "QSOTEMPS", set->name, "where the templates come from", &status);
    fb_write_dependencies(out.file, &status);
    if (status) {
        fb_fits_fail(err, path, "can't write the templates", status);
        fb_output_discard(&out);
        return -1;
    }
    return fb_output_commit(&out, err);
}
