/* template_file.c - SPDX-License-Identifier: BSD-3-Clause */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/dependencies.h"
#include "desi/template_file.h"
#include "desi/values.h"
#include "fits/output.h"
#include "fits/system.h"
#include "fits/table.h"

static const struct {
    const char *name, *file;
} known[] = {
    { "guo", "PCA_Eigenvectors.fits" },
    { "brodzeller", "PCA_Eigenvectors_Brodzeller.fits" },
};

static const char *file_of(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].file;
    return NULL;
}

/* Set *found to FOLDER/BELOW/FILE (below begins with a slash, or is empty) if it exists, or if the system
 * can't tell, since a system error must not select other templates; else to NULL. Returns -1 if out of
 * memory. */
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

/* Set the error for templates that are not in the user's folder $FASTBAL_TEMPLATES; no other folder is
 * tried. */
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

/* Find the file of a named set; *found is NULL if it is not found and FASTBAL_TEMPLATES is not set. */
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

/* The values of a set, as fb_template_set_values() has them: WAVE, PCA0 to the last one, PSI, MEAN and
 * COVARIANCE. */
struct values {
    const char *path;
    size_t n;
    int ncomponents, has_prior;
    double *all; /* owned */
};

/* The index of the misfit, the number of values in the table PRIOR, and the number of all values. */
static size_t misfit_at(const struct values *v)
{
    return (1 + (size_t)v->ncomponents) * v->n;
}

static size_t count_prior(const struct values *v)
{
    return (size_t)(v->ncomponents - 1) * (size_t)v->ncomponents;
}

static size_t count_values(const struct values *v)
{
    return misfit_at(v) + (v->has_prior ? v->n + count_prior(v) : 0);
}

static fastbal_templates *make_templates(const struct values *v, int *code)
{
    fastbal_templates *templates;
    struct fastbal_prior prior = { 0 };
    if (v->has_prior) {
        prior.misfit = v->all + misfit_at(v);
        prior.mean = prior.misfit + v->n;
        prior.covariance = prior.mean + (v->ncomponents - 1);
    }
    *code = fastbal_templates_create_with_prior(&templates, v->n, v->all, v->ncomponents, v->all + v->n,
                                                v->has_prior ? &prior : NULL);
    return templates;
}

/* The name of the k-th column: WAVE, PCA0 to the last one and, with a prior, PSI. */
enum { NAME_BYTES = 16 };
static void column_name(const struct values *v, int k, char name[NAME_BYTES])
{
    if (k == 0 || k > v->ncomponents)
        snprintf(name, NAME_BYTES, k == 0 ? "WAVE" : "PSI");
    else
        snprintf(name, NAME_BYTES, "PCA%d", k - 1);
}

static int read_columns(struct fb_table *t, const struct values *v, struct fb_error *err)
{
    char name[NAME_BYTES];
    const char *const names[] = { name, NULL };
    for (int k = 0; k <= v->ncomponents + v->has_prior; k++) {
        const struct fb_column *column;
        column_name(v, k, name);
        if (fb_table_find_number(t, names, 1, &column, err) != 0 ||
            fb_table_numbers(t, column, v->all + (size_t)k * v->n, t->nrows, err) != 0)
            return -1;
    }
    return 0;
}

/* Read the mean and the covariance from the table PRIOR of an open file. */
static int read_prior_table(struct fb_table *t, const struct values *v, struct fb_error *err)
{
    static const char *const mean_name[] = { "MEAN", NULL };
    const struct fb_column *mean, *covariance = fb_table_find(t, "COVARIANCE");
    int64_t n = v->ncomponents - 1;
    double *to = v->all + misfit_at(v) + v->n;

    if (t->nrows != n || n < 1)
        return fb_fail(err,
                       "%s: table PRIOR: expected a row for each component but the first, %lld, found %lld",
                       v->path, (long long)n, (long long)t->nrows);
    if (fb_table_find_number(t, mean_name, 1, &mean, err) != 0 || fb_table_numbers(t, mean, to, n, err) != 0)
        return -1;
    if (!covariance || covariance->kind != FB_NUMBERS || covariance->values != n)
        return fb_fail(
            err, "%s: table PRIOR: expected a column COVARIANCE with %lld numbers a row, found %s%s", v->path,
            (long long)n, covariance ? "TFORM " : "none", covariance ? covariance->form : "");
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        for (int64_t k = 0; row && k < n; k++)
            to[n + i * n + k] = fb_column_value(covariance, row, k).real;
        if (!row)
            return -1;
    }
    return 0;
}

/* Read the prior, if there is one. */
static int read_prior(struct fb_table *t, const struct values *v, struct fb_error *err)
{
    static const char *const names[] = { "PRIOR", NULL };
    struct fb_table prior = { 0 };
    int status = 0;
    if (v->has_prior)
        status = fb_table_use(&prior, t->hdus, names, err) == 0 ? read_prior_table(&prior, v, err) : -1;
    fb_table_close(&prior);
    return status;
}

/* Does the file have a prior? It must have both a column PSI and a table PRIOR, or neither. */
static int find_prior(const struct fb_table *t, const char *path, int *has_prior, struct fb_error *err)
{
    static const char *const names[] = { "PRIOR", NULL };
    int misfit = fb_table_find(t, "PSI") != NULL;
    *has_prior = fb_hdus_table(t->hdus, names) != NULL;
    if (misfit == *has_prior)
        return 0;
    return fb_fail(err, "%s: expected a column PSI and a table PRIOR, or neither, found %s alone", path,
                   misfit ? "the column" : "the table");
}

static int refuse_prior(const struct values *v, struct fb_error *err)
{
    const double *misfit = v->all + misfit_at(v);
    for (size_t i = 0; i < v->n; i++)
        if (!(misfit[i] >= 0 && misfit[i] <= DBL_MAX))
            return fb_fail(err,
                           "%s: column PSI: expected finite numbers that are not negative, found %g at %zu",
                           v->path, misfit[i], i);
    for (size_t i = 0; i < count_prior(v); i++)
        if (!isfinite(misfit[v->n + i]))
            return fb_fail(err, "%s: table PRIOR: expected finite numbers, found %g in %s", v->path,
                           misfit[v->n + i], i + 1 < (size_t)v->ncomponents ? "MEAN" : "COVARIANCE");
    return fb_fail(err, "%s: table PRIOR: expected a COVARIANCE that is symmetric and positive definite",
                   v->path);
}

/* Set the error for values that the library refused. */
static int refuse(const struct values *v, int code, struct fb_error *err)
{
    const double *wavelength = v->all, *values = v->all + v->n;
    if (code == FASTBAL_EWAVELENGTH) {
        if (fb_check_wavelengths(v->path, "column WAVE", wavelength, v->n, err) != 0)
            return -1;
        return fb_fail(err, "%s: column WAVE: expected wavelengths from 1e-30 to 1e30, found %g to %g",
                       v->path, wavelength[0], wavelength[v->n - 1]);
    }
    for (size_t i = 0; i < v->n * (size_t)v->ncomponents; i++)
        if (code == FASTBAL_ETEMPLATES && !isfinite(values[i]))
            return fb_fail(err, "%s: column PCA%zu: expected finite numbers, found %g at %zu", v->path,
                           i / v->n, values[i], i % v->n);
    return code == FASTBAL_EPRIOR ? refuse_prior(v, err)
                                  : fb_fail(err, "%s: %s", v->path, fastbal_strerror(code));
}

static int read_set(fastbal_templates **templates, struct fb_table *t, const char *path, struct fb_error *err)
{
    struct values v = { path, (size_t)t->nrows, count_components(t), 0, NULL };
    int code, status = -1;

    if (v.ncomponents < 1 || v.ncomponents > FASTBAL_MAX_TEMPLATES || v.n < 2 || v.n > 10000000)
        return fb_fail(err,
                       "%s: expected columns WAVE and PCA0 to at most PCA%d over 2 wavelengths or more, "
                       "found %d components over %zu",
                       path, FASTBAL_MAX_TEMPLATES - 1, v.ncomponents, v.n);
    if (find_prior(t, path, &v.has_prior, err) != 0)
        return -1;
    v.all = malloc(count_values(&v) * sizeof *v.all);
    if (!v.all) {
        fb_fail(err, "%s: out of memory for %zu wavelengths", path, v.n);
    } else if (read_columns(t, &v, err) == 0 && read_prior(t, &v, err) == 0) {
        *templates = make_templates(&v, &code);
        status = code == FASTBAL_OK ? 0 : refuse(&v, code, err);
    }
    free(v.all);
    return status;
}

static int add_sum(struct fb_template_set *set, struct fb_error *err)
{
    size_t n;
    double *values = fb_template_set_values(set, &n);
    if (!values)
        return fb_fail(err, "templates %s: out of memory", set->name);
    fb_values_sum(values, n, set->sum);
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

/* Find the file of a set by name or path; *path is NULL if a named set is not found. */
static int find_file(const char *wanted, const char *share, char **path, struct fb_error *err)
{
    const char *file = file_of(wanted);
    if (file)
        return look_up(wanted, file, share, path, err);
    struct fb_error ignored; /* the reader will report it */
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
    struct fb_table t;

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
    snprintf(set->name, sizeof set->name, "%s", fb_base_name(path));
    int status = fb_table_open(&t, path, NULL, err);
    if (status == 0)
        status = read_set(&set->templates, &t, path, err);
    fb_table_close(&t);
    free(path);
    return status == 0 ? add_sum(set, err) : status;
}

int fb_template_set_create(struct fb_template_set *set, const char *name, size_t nwave, int ncomponents,
                           int has_prior, const double *values, struct fb_error *err)
{
    const struct values v = { name, nwave, ncomponents, has_prior, (double *)values };
    int code;
    memset(set, 0, sizeof *set);
    snprintf(set->name, sizeof set->name, "%s", name);
    set->templates = make_templates(&v, &code);
    return code == FASTBAL_OK ? add_sum(set, err)
                              : fb_fail(err, "templates %s: %s", name, fastbal_strerror(code));
}

/* Copy the values of templates into v, whose array the caller frees. Returns -1 if out of memory. */
static int take_values(struct values *v, const fastbal_templates *t)
{
    struct fastbal_prior prior;
    size_t n = fastbal_templates_size(t), ncomponents = (size_t)fastbal_templates_count(t);
    *v = (struct values){ NULL, n, (int)ncomponents, fastbal_templates_prior(t, &prior), NULL };
    if (!(v->all = malloc(count_values(v) * sizeof *v->all)))
        return -1;
    if (v->has_prior) {
        double *misfit = v->all + misfit_at(v), *mean = misfit + n;
        memcpy(misfit, prior.misfit, n * sizeof *misfit);
        memcpy(mean, prior.mean, (ncomponents - 1) * sizeof *mean);
        memcpy(mean + (ncomponents - 1), prior.covariance,
               (ncomponents - 1) * (ncomponents - 1) * sizeof *mean);
    }
    memcpy(v->all, fastbal_templates_wavelength(t), n * sizeof *v->all);
    for (size_t k = 0; k < ncomponents; k++)
        for (size_t i = 0; i < n; i++)
            v->all[(1 + k) * n + i] = fastbal_templates_value(t, (int)k, i);
    return 0;
}

double *fb_template_set_values(const struct fb_template_set *set, size_t *count)
{
    struct values v;
    take_values(&v, set->templates);
    *count = count_values(&v);
    return v.all;
}

void fb_template_set_release(struct fb_template_set *set)
{
    fastbal_templates_free(set->templates);
    set->templates = NULL;
}

static void write_columns(fitsfile *file, const struct values *v, int *status)
{
    enum { MOST = FASTBAL_MAX_TEMPLATES + 2 };
    char name[MOST][NAME_BYTES], *ttype[MOST], *tform[MOST];
    int n = v->ncomponents + 1 + v->has_prior;
    for (int k = 0; k < n; k++) {
        column_name(v, k, name[k]);
        ttype[k] = name[k];
        tform[k] = "D";
    }
    fits_create_tbl(file, BINARY_TBL, 0, n, ttype, tform, NULL, "TEMPLATES", status);
    for (int k = 0; k < n; k++)
        fits_write_col(file, TDOUBLE, k + 1, 1, 1, (LONGLONG)v->n, v->all + (size_t)k * v->n, status);
}

static void write_prior(fitsfile *file, const struct values *v, int *status)
{
    char form[16], *names[] = { "MEAN", "COVARIANCE" }, *forms[] = { "D", form };
    int n = v->ncomponents - 1;
    double *mean = v->all + misfit_at(v) + v->n;
    snprintf(form, sizeof form, "%dD", n);
    fits_create_tbl(file, BINARY_TBL, 0, 2, names, forms, NULL, "PRIOR", status);
    fits_write_col(file, TDOUBLE, 1, 1, 1, n, mean, status);
    fits_write_col(file, TDOUBLE, 2, 1, 1, (LONGLONG)n * n, mean + n, status);
}

static void write_origin(fitsfile *file, const struct fb_template_training *o, int *status)
{
    LONGLONG nmasked = (LONGLONG)o->nmasked;
    int iterations = o->iterations;
    double min_snr = o->min_snr;
    fb_write_training(file, &o->on, status);
    fits_write_key(file, TDOUBLE, "TRNSNR", &min_snr, "least signal-to-noise of a spectrum", status);
    fits_write_key_longstr(file, "TRNBALS", o->bals, "catalog of troughs that are left out", status);
    fits_write_key(file, TLONGLONG, "TRNNMASK", &nmasked, "spectra with troughs left out", status);
    fits_write_key(file, TINT, "TRNITER", &iterations, "iterations", status);
}

int fb_template_set_write(const char *path, enum fb_replace replace, const struct fb_template_set *set,
                          const struct fb_template_training *origin, struct fb_error *err)
{
    struct fb_output out;
    struct values v;
    int status = 0;

    if (take_values(&v, set->templates) != 0)
        return fb_fail(err, "%s: out of memory", path);
    if (fb_output_create(&out, path, replace, err) != 0) {
        free(v.all);
        return -1;
    }
    write_columns(out.file, &v, &status);
    fits_write_key_longstr(out.file, "QSOTEMPS", set->name, "where the templates come from", &status);
    fits_write_key_str(out.file, "TEMPSUM", set->sum, "checksum of the templates", &status);
    if (origin)
        write_origin(out.file, origin, &status);
    fb_write_dependencies(out.file, &status);
    if (v.has_prior)
        write_prior(out.file, &v, &status);
    free(v.all);
    return fb_output_commit(&out, "can't write the templates", status, err);
}
