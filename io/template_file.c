/* template_file.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "io/fits.h"
#include "io/system.h"
#include "io/template_file.h"
#include "io/wavelengths.h"

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

/* The path in the first folder that has the file, or NULL where none has it. Other templates must not be taken
 * because of a fault: -1 where memory is lacking, and a file that may be there is for its reader to complain of. */
static int look_up(const char *file, const char *share, char **found)
{
    const char *home = getenv("HOME"), *own = getenv("FASTBAL_TEMPLATES");
    const char *folders[3] = { own, home, share }, *below[3] = { "", "/Catalogs", "" };
    struct fb_error ignored;

    *found = NULL;
    for (int i = 0; i < 3 && !*found; i++) {
        if (!folders[i] || !*folders[i])
            continue;
        char *candidate = fb_format("%s%s/%s", folders[i], below[i], file);
        if (!candidate)
            return -1;
        if (fb_look_for(candidate, &ignored) != 0)
            *found = candidate;
        else
            free(candidate);
    }
    return 0;
}

static int count_components(struct fb_table *t)
{
    char name[16];
    int n = 0;
    for (;; n++) {
        snprintf(name, sizeof name, "PCA%d", n);
        if (n > FASTBAL_MAX_TEMPLATES || !fb_table_column(t, name))
            return n;
    }
}

static int read_columns(struct fb_table *t, int ncomponents, double *wavelength, double *values,
                        struct fb_error *err)
{
    static const char *const wave[] = { "WAVE", NULL };
    int column;
    if (fb_table_need(t, wave, &column, err) != 0 ||
        fb_table_read_double(t, column, 0, t->nrows, wavelength, err) != 0)
        return -1;
    for (int k = 0; k < ncomponents; k++) {
        char name[16];
        snprintf(name, sizeof name, "PCA%d", k);
        column = fb_table_column(t, name);
        if (fb_table_read_double(t, column, 0, t->nrows, values + (size_t)k * (size_t)t->nrows, err) != 0)
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

static int use_builtin(struct fb_template_set *set, struct fb_error *err)
{
    int code = fastbal_templates_builtin(&set->templates);
    snprintf(set->name, sizeof set->name, "builtin");
    return code == FASTBAL_OK ? 0 : fb_fail(err, "built-in templates: %s", fastbal_strerror(code));
}

int fb_template_set_read(struct fb_template_set *set, const char *name, const char *share,
                         struct fb_error *err)
{
    const char *wanted = name ? name : "guo", *file = file_of(wanted);

    memset(set, 0, sizeof *set);
    if (name && strcmp(name, "builtin") == 0)
        return use_builtin(set, err);
    char *path = file ? NULL : strdup(wanted);
    if (file ? look_up(file, share, &path) != 0 : !path)
        return fb_fail(err, "templates %s: out of memory", wanted);
    if (!path && !name) {
        snprintf(set->note, sizeof set->note,
                 "template file %s was not found in $FASTBAL_TEMPLATES, $HOME/Catalogs or %s; using the "
                 "built-in ones",
                 file, share ? share : "a share folder");
        return use_builtin(set, err);
    }
    if (!path)
        return fb_fail(err, "templates %s: %s was not found in $FASTBAL_TEMPLATES, $HOME/Catalogs or %s",
                       name, file, share ? share : "a share folder");
    snprintf(set->name, sizeof set->name, "%s", base_name(path));
    int status = read_file(&set->templates, path, err);
    free(path);
    return status;
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
