/* detector_file.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/dependencies.h"
#include "desi/detector_file.h"
#include "desi/template_file.h"
#include "desi/values.h"
#include "fits/output.h"
#include "fits/system.h"
#include "fits/table.h"

enum { LAYOUT = 1 }; /* DETVERS */

#define REMEDY "train it again (fastbal train --detector)"

/* The keywords of the members of struct fastbal_calibration, in its order. */
static const struct {
    const char *keyword, *comment;
} numbers[] = {
    { "DETSLOPE", "probability: 1 / (1 + exp(-(slope x logit" },
    { "DETINTER", "+ intercept)))" },
    { "DETSIGLO", "least mean of s / (s + 3) of training" },
    { "DETSIGHI", "largest" },
    { "DETCHI2", "largest chi-square of training, minus 1" },
    { "DETMASK", "largest share of cells without data" },
};
enum { NNUMBERS = sizeof numbers / sizeof *numbers };
_Static_assert(sizeof(struct fastbal_calibration) == NNUMBERS * sizeof(double), "a number is missing");

/* The weights, followed by the numbers of the calibration. */
struct values {
    size_t n;    /* weights */
    double *all; /* owned, n + NNUMBERS */
};

static int allocate(struct values *v, size_t n, const char *path, struct fb_error *err)
{
    v->n = n;
    v->all = malloc((n + NNUMBERS) * sizeof *v->all);
    return v->all ? 0 : fb_fail(err, "%s: out of memory for %zu weights", path, n);
}

static void copy_weights(const fastbal_detector *detector, double *to)
{
    size_t n;
    const float *weights = fastbal_detector_weights(detector, &n);
    for (size_t i = 0; i < n; i++)
        to[i] = (double)weights[i];
}

/* ---- reading ---- */

static int check_layout(const struct fb_table *t, struct fb_error *err)
{
    int64_t layout;
    int found = fb_hdu_integer(t->hdus, t->hdu, "DETVERS", &layout);
    if (found == 1 && layout == LAYOUT)
        return 0;
    char text[32] = "none";
    if (found == 1)
        snprintf(text, sizeof text, "%lld", (long long)layout);
    return fb_fail(err, "%s: keyword DETVERS: expected %d, found %s; " REMEDY, t->path, LAYOUT,
                   found < 0 ? "no single integer" : text);
}

/* The net was trained on continua of the built-in templates: check that they are the same. */
static int check_templates(const struct fb_table *t, struct fb_error *err)
{
    char sum[32];
    struct fb_template_set set;
    fb_table_keyword(t, "TEMPSUM", sum, sizeof sum);
    int status = fb_template_set_read(&set, "builtin", NULL, err);
    if (status == 0 && strcmp(sum, set.sum) != 0)
        status = fb_fail(
            err,
            "%s: was trained with other built-in templates: keyword TEMPSUM: expected %s, found %s; " REMEDY,
            t->path, set.sum, sum[0] ? sum : "none");
    fb_template_set_release(&set);
    return status;
}

/* Check that there are as many weights as the built-in detector has. */
static int check_count(const struct fb_table *t, struct fb_error *err)
{
    size_t expected;
    fastbal_detector *builtin;
    if (fastbal_detector_builtin(&builtin) != FASTBAL_OK)
        return fb_fail(err, "%s: out of memory", t->path);
    fastbal_detector_weights(builtin, &expected);
    fastbal_detector_free(builtin);
    return t->nrows == (int64_t)expected
               ? 0
               : fb_fail(err, "%s: column WEIGHT: expected %zu weights, found %lld; " REMEDY, t->path,
                         expected, (long long)t->nrows);
}

static int read_numbers(const struct fb_table *t, const struct values *v, struct fb_error *err)
{
    for (int k = 0; k < NNUMBERS; k++) {
        double *value = &v->all[v->n + (size_t)k];
        int found = fb_hdu_real(t->hdus, t->hdu, numbers[k].keyword, value);
        if (found != 1 || !isfinite(*value))
            return fb_fail(err, "%s: keyword %s: expected a finite number, found %s; " REMEDY, t->path,
                           numbers[k].keyword, found == 0 ? "none" : "another value");
    }
    return 0;
}

static int check_values(const struct fb_table *t, const struct values *v, struct fb_error *err)
{
    char expected[32], found[FB_VALUES_SUM];
    for (size_t i = 0; i < v->n; i++)
        if (!isfinite(v->all[i]))
            return fb_fail(err, "%s: column WEIGHT: expected finite numbers, found %g at %zu; " REMEDY,
                           t->path, v->all[i], i);
    fb_table_keyword(t, "DETSUM", expected, sizeof expected);
    if (!expected[0])
        return fb_fail(err, "%s: expected a keyword DETSUM, found none; " REMEDY, t->path);
    fb_values_sum(v->all, v->n + NNUMBERS, found);
    if (strcmp(expected, found) == 0)
        return 0;
    return fb_fail(
        err, "%s: the weights or the calibration were changed: expected the checksum %s, found %s; " REMEDY,
        t->path, expected, found);
}

static int find_weights(const struct fb_table *t, const struct fb_column **column, struct fb_error *err)
{
    static const char *const names[] = { "WEIGHT", NULL };
    struct fb_error why;
    return fb_table_find_number(t, names, 1, column, &why) == 0 ? 0
                                                                : fb_fail(err, "%.800s; " REMEDY, why.text);
}

static int read_values(struct fb_table *t, struct values *v, struct fb_error *err)
{
    const struct fb_column *column;
    return check_layout(t, err) != 0 || check_templates(t, err) != 0 || find_weights(t, &column, err) != 0 ||
                   check_count(t, err) != 0 || allocate(v, (size_t)t->nrows, t->path, err) != 0 ||
                   fb_table_numbers(t, column, v->all, t->nrows, err) != 0 || read_numbers(t, v, err) != 0 ||
                   check_values(t, v, err) != 0
               ? -1
               : 0;
}

static int make_detector(const struct fb_table *t, const struct values *v, fastbal_detector **detector,
                         struct fb_error *err)
{
    struct fastbal_calibration calibration;
    struct fastbal_message message;
    char name[FB_DETECTOR_NAME];
    memcpy(&calibration, v->all + v->n, sizeof calibration);
    fb_table_keyword(t, "DETNAME", name, sizeof name);
    if (fastbal_detector_create(detector, name[0] ? name : "unnamed", v->n, v->all, &calibration, &message) ==
        FASTBAL_OK)
        return 0;
    return fb_fail(err, "%s: %s; " REMEDY, t->path, message.text);
}

int fb_detector_read(fastbal_detector **detector, const char *path, struct fb_error *err)
{
    static const char *const names[] = { "DETECTOR", NULL };
    struct fb_error why;
    struct fb_table t;
    struct values v = { 0 };
    *detector = NULL;
    if (fb_look_for(path, &why) == 0)
        return fb_fail(
            err, "detector %s: expected on, off or a file of fastbal train --detector, found no such file",
            path);
    int status = fb_table_open(&t, path, names, &why);
    if (status != 0)
        fb_fail(err, "%.800s; expected a file of fastbal train --detector", why.text);
    else
        status = read_values(&t, &v, err) == 0 ? make_detector(&t, &v, detector, err) : -1;
    free(v.all);
    fb_table_close(&t);
    return status;
}

void fb_detector_own_name(const fastbal_detector *detector, char name[FB_DETECTOR_NAME])
{
    const char *full = fastbal_detector_name(detector), *end = strrchr(full, ' ');
    snprintf(name, FB_DETECTOR_NAME, "%.*s", (int)(end - full), full);
}

double *fb_detector_weights(const fastbal_detector *detector, size_t *n)
{
    fastbal_detector_weights(detector, n);
    double *copy = malloc(*n * sizeof *copy);
    if (copy)
        copy_weights(detector, copy);
    return copy;
}

/* ---- writing ---- */

static void write_origin(fitsfile *file, const struct fb_detector_training *o, int *status)
{
    LONGLONG ninjected = (LONGLONG)o->ninjected;
    double share = o->share;
    fb_write_training(file, &o->on, status);
    fits_write_key(file, TLONGLONG, "TRNNINJ", &ninjected, "of them also with a simulated outflow", status);
    fits_write_key(file, TDOUBLE, "TRNSHARE", &share, "estimated share of outflows", status);
}

static void write_detector(fitsfile *file, const fastbal_detector *detector, const struct values *v,
                           const char *template_sum, const struct fb_detector_training *origin, int *status)
{
    char name[FB_DETECTOR_NAME], sum[FB_VALUES_SUM], *ttype[] = { "WEIGHT" }, *tform[] = { "D" };
    enum { DIGITS = -17 }; /* all digits of a double; negative: in any notation */
    int layout = LAYOUT;
    fb_detector_own_name(detector, name);
    fb_values_sum(v->all, v->n + NNUMBERS, sum);
    fits_create_tbl(file, BINARY_TBL, 0, 1, ttype, tform, NULL, "DETECTOR", status);
    fits_write_key(file, TINT, "DETVERS", &layout, "version of this layout", status);
    fits_write_key_str(file, "DETNAME", name, "name of the detector", status);
    fits_write_key_str(file, "DETSUM", sum, "checksum of weights and calibration", status);
    for (int k = 0; k < NNUMBERS; k++)
        fits_write_key_dbl(file, numbers[k].keyword, v->all[v->n + (size_t)k], DIGITS, numbers[k].comment,
                           status);
    fits_write_key_str(file, "TEMPSUM", template_sum, "checksum of its templates, the built-in ones", status);
    write_origin(file, origin, status);
    fb_write_dependencies(file, status);
    fb_write_history(file, status);
    fits_write_col(file, TDOUBLE, 1, 1, 1, (LONGLONG)v->n, v->all, status);
}

static int write_file(const char *path, enum fb_replace replace, const fastbal_detector *detector,
                      const struct values *v, const struct fb_detector_training *origin, struct fb_error *err)
{
    struct fb_template_set set;
    struct fb_output out;
    int status = 0;
    if (fb_template_set_read(&set, "builtin", NULL, err) != 0)
        return -1;
    int failed = fb_output_create(&out, path, replace, err);
    if (!failed) {
        write_detector(out.file, detector, v, set.sum, origin, &status);
        failed = fb_output_commit(&out, "can't write the detector", status, err);
    }
    fb_template_set_release(&set);
    return failed;
}

int fb_detector_write(const char *path, enum fb_replace replace, const fastbal_detector *detector,
                      const struct fb_detector_training *origin, struct fb_error *err)
{
    struct values v;
    size_t n;
    fastbal_detector_weights(detector, &n);
    if (allocate(&v, n, path, err) != 0)
        return -1;
    copy_weights(detector, v.all);
    memcpy(v.all + v.n, fastbal_detector_calibration(detector), NNUMBERS * sizeof *v.all);
    int status = write_file(path, replace, detector, &v, origin, err);
    free(v.all);
    return status;
}
