/* finder.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/system.h"
#include "pipeline/finder.h"

int fb_finder_start(struct fb_finder *finder, int nthreads, const struct fastbal_options *options,
                    const char *fit, const char *rules, const char *continuum, struct fb_error *err)
{
    snprintf(finder->made.templates, sizeof finder->made.templates, "%s", finder->templates.name);
    snprintf(finder->made.sum, sizeof finder->made.sum, "%s", finder->templates.sum);
    snprintf(finder->made.fit, sizeof finder->made.fit, "%s", fit);
    snprintf(finder->made.rules, sizeof finder->made.rules, "%s", rules);
    snprintf(finder->made.continuum, sizeof finder->made.continuum, "%s", continuum);
    snprintf(finder->made.detector, sizeof finder->made.detector, "%s",
             finder->detector ? fastbal_detector_name(finder->detector) : FB_NO_DETECTOR);
    finder->ntemplates = fastbal_templates_count(finder->templates.templates);
    finder->nthreads = nthreads;
    finder->measurers = calloc((size_t)nthreads, sizeof *finder->measurers);
    finder->usage = calloc((size_t)nthreads, sizeof *finder->usage);
    if (!finder->measurers || !finder->usage)
        return fb_fail(err, "out of memory for %d threads", nthreads);
    for (int i = 0; i < nthreads; i++) {
        finder->measurers[i].templates = finder->templates.templates;
        finder->measurers[i].options = *options;
    }
    return 0;
}

void fb_finder_release(struct fb_finder *finder)
{
    for (int i = 0; finder->measurers && i < finder->nthreads; i++)
        fb_measurer_release(&finder->measurers[i]);
    free(finder->measurers);
    free(finder->usage);
    finder->measurers = NULL;
    finder->usage = NULL;
    fb_baltable_headers_release(&finder->headers);
    fb_template_set_release(&finder->templates);
    fastbal_detector_free(finder->detector);
    finder->detector = NULL;
}

static int measure(struct fb_finder *finder, int thread, const char *spectra,
                   const struct fb_redshifts *redshifts, struct fb_balrow **rows, struct fb_error *err)
{
    *rows = malloc((redshifts->n + 1) * sizeof **rows);
    if (!*rows)
        return fb_fail(err, "%s: out of memory for %zu rows", spectra, redshifts->n);
    struct fb_measurer *measurer = &finder->measurers[thread];
    double start = fb_seconds(), before = fb_spectra_io(measurer->spectra).seconds;
    int status = fb_measure_coadd(measurer, spectra, redshifts, *rows, err);
    double reading = fb_spectra_io(measurer->spectra).seconds - before;
    finder->usage[thread].reading += reading;
    finder->usage[thread].computing += fb_seconds() - start - reading;
    finder->usage[thread].files += redshifts->n > 0;
    if (status == 0 && redshifts->n > 0 && fb_spectra_has_exposures(measurer->spectra))
        fb_note_file(&finder->usage[thread].joined, spectra);
    return status;
}

int fb_finder_write(struct fb_finder *finder, int thread, const char *path, enum fb_replace replace,
                    const struct fb_balrow *rows, size_t n, struct fb_error *err)
{
    double start = fb_seconds();
    int status = fb_baltable_write(&finder->headers, path, replace, rows, n, finder->ntemplates, err);
    finder->usage[thread].writing += fb_seconds() - start;
    return status;
}

static size_t count_fate(const struct fb_baltable *table, enum fb_fate fate)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n; i++)
        n += fb_fate_of(&table->rows[i]) == fate;
    return n;
}

int fb_finder_table(struct fb_finder *finder, int thread, const char *spectra,
                    const struct fb_redshifts *redshifts, struct fb_baltable *table, struct fb_error *err)
{
    *table = (struct fb_baltable){ .ntemplates = finder->ntemplates };
    if (fb_need_file(spectra, "spectra", err) != 0 ||
        measure(finder, thread, spectra, redshifts, &table->rows, err) != 0)
        return -1;
    table->n = redshifts->n;
    if (table->n > 0 && count_fate(table, FB_FATE_NOT_IN_COADD) == table->n)
        return fb_fail(
            err,
            "%s: none of the %zu quasar%s asked for is among its targets: are the catalog and the spectra of "
            "the same release, survey and program, or mock?",
            spectra, table->n, fb_s(table->n));
    return 0;
}

struct fb_tally fb_finder_tally(const struct fb_redshifts *redshifts, const struct fb_baltable *table)
{
    struct fb_tally tally = {
        .n = { [FB_FATE_OUTSIDE_RANGE] = redshifts->noutside, [FB_FATE_NOT_QSO] = redshifts->nothers }
    };
    for (size_t i = 0; i < table->n; i++)
        fb_tally_count(&tally, fb_fate_of(&table->rows[i]), &table->rows[i]);
    return tally;
}

static int same(float found, double expected)
{
    return found == (float)expected || (isnan(found) && isnan(expected));
}

/* Why a BAL table can't be used for these redshifts; NULL if it can. */
static const char *unfit(const struct fb_finder *finder, const struct fb_baltable *table,
                         const struct fb_redshifts *redshifts)
{
    static const char *const differs[FB_NPROVENANCE] = {
        "was made with other templates",   "was made with other templates of this name",
        "was made with another fit",       "was made by other rules",
        "was made with another continuum", "was made with another detector, or without one",
        "was made from another release",
    };
    if (table->ntemplates != finder->ntemplates)
        return differs[0];
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const char *theirs = fb_provenance_text(&table->made, &fb_provenance_keys[k]),
                   *ours = fb_provenance_text(&finder->made, &fb_provenance_keys[k]);
        /* an empty string means unknown, and matches anything */
        if (k == 0 ? !fb_same_templates(theirs, ours) : *theirs && *ours && strcmp(theirs, ours) != 0)
            return differs[k];
    }
    if (table->n != redshifts->n)
        return "has another number of rows than there are quasars";
    for (size_t i = 0; i < table->n; i++) {
        const struct fb_redshift *expected = &redshifts->rows[i];
        const struct fb_balrow *row = &table->rows[i];
        if (row->targetid != expected->targetid)
            return "has other targets";
        if (row->z != (float)expected->z || !same(row->zerr, expected->zerr) ||
            !same(row->zwarn, expected->zwarn))
            return "has other redshifts, or other errors or warnings of theirs";
    }
    return NULL;
}

int fb_finder_keeps(struct fb_finder *finder, int thread, const char *path,
                    const struct fb_redshifts *redshifts, struct fb_baltable *table, struct fb_error *why)
{
    const char *differs;
    why->text[0] = '\0';
    struct stat info;
    int exists = fb_look_at(path, &info, why); /* a dangling symbolic link is written through */
    if (exists <= 0)
        return exists;
    double start = fb_seconds();
    int status = fb_baltable_read(table, path, finder->with_troughs, why);
    finder->usage[thread].reading += fb_seconds() - start;
    if (status == 0 && (differs = unfit(finder, table, redshifts)) != NULL)
        status = fb_fail(why, "%s: this BAL table %s", path, differs);
    if (status != 0)
        fb_baltable_release(table);
    else if (!table->made.fit[0])
        fb_note_file(&finder->usage[thread].unknown_fit, path);
    return status == 0;
}

int fb_finder_resumes(struct fb_finder *finder, int thread, const char *path,
                      const struct fb_redshifts *redshifts, struct fb_baltable *table, char **note,
                      struct fb_error *err)
{
    struct fb_error why;
    int keeps = fb_finder_keeps(finder, thread, path, redshifts, table, &why);
    if (keeps < 0)
        return fb_fail(err, "%s", why.text);
    if (why.text[0] && finder->part)
        return fb_fail(err, "%.800s; with --targetids only --clobber replaces it", why.text);
    if (why.text[0])
        *note = fb_format("%s; the pixel is measured again", why.text);
    return keeps;
}

void fb_finder_note_stale(const char *path, struct fb_error *err)
{
    struct fb_error reason = *err;
    if (fb_exists(path))
        fb_fail(err, "%.*s; what is in %s is older", (int)(sizeof reason.text - strlen(path) - 40),
                reason.text, path);
}

void fb_finder_usage(const struct fb_finder *finder, struct fb_usage *total)
{
    for (int i = 0; i < finder->nthreads; i++)
        fb_usage_add(total, &finder->usage[i]);
}
