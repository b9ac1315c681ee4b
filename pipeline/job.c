/* job.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdlib.h>
#include "desi/spectra_paths.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "pipeline/deliver.h"
#include "pipeline/job.h"

/* A pixel whose rows and paths are known. */
struct fb_prepared {
    int there;
    size_t index;
    char *spectra, *table; /* table is NULL if none is written */
    struct fb_redshifts redshifts;
};

int fb_job_start(struct fb_job *job, struct fb_error *err)
{
    job->prepared = calloc((size_t)job->finder->nthreads, sizeof *job->prepared);
    return job->prepared ? 0 : fb_fail(err, "out of memory for %d threads", job->finder->nthreads);
}

static void release_prepared(struct fb_prepared *p)
{
    fb_redshifts_release(&p->redshifts);
    free(p->spectra);
    free(p->table);
    *p = (struct fb_prepared){ 0 };
}

void fb_job_release(struct fb_job *job)
{
    for (int i = 0; job->prepared && i < job->finder->nthreads; i++)
        release_prepared(&job->prepared[i]);
    free(job->prepared);
    job->prepared = NULL;
}

/* ---- prepare ---- */

static void select_targets(const struct fb_selection *selection, struct fb_redshifts *redshifts)
{
    size_t kept = 0;
    for (size_t i = 0; i < redshifts->n; i++)
        if (fb_selects_target(selection, redshifts->rows[i].targetid))
            redshifts->rows[kept++] = redshifts->rows[i];
    redshifts->n = kept;
    if (selection->targetids.n > 0) /* whether the selected targets are among these rows is unknown */
        redshifts->noutside = redshifts->nothers = 0;
}

int fb_job_read_redshifts(struct fb_finder *finder, int thread, const char *zcat,
                          const struct fb_selection *selection, struct fb_redshifts *redshifts,
                          struct fb_error *err)
{
    *redshifts = (struct fb_redshifts){ 0 };
    int failed =
        fb_need_file(zcat, "redshift catalog", err) != 0 || fb_redshifts_read(redshifts, zcat, err) != 0;
    finder->usage[thread].reading += redshifts->seconds;
    if (!failed)
        select_targets(selection, redshifts);
    return failed ? -1 : 0;
}

static int find_paths(struct fb_job *job, size_t index, struct fb_prepared *p, struct fb_error *err)
{
    int64_t pixel = job->pixels->ids[index];
    p->spectra = fb_spectra_path(&job->spectra, pixel, err);
    if (p->spectra && job->tables.root && !(p->table = fb_tree_path(&job->tables, "baltable", pixel)))
        return fb_fail(err, "pixel %" PRId64 ": out of memory", pixel);
    return p->spectra ? 0 : -1;
}

static int prepare_rows(struct fb_job *job, int thread, size_t index, struct fb_prepared *p,
                        struct fb_error *err)
{
    if (job->rows)
        return fb_pixel_rows_choose(job->rows, index, &p->redshifts, err);
    int64_t pixel = job->pixels->ids[index];
    char *zcat = fb_tree_path(&job->tables, job->zfileroot, pixel);
    int status = zcat ? fb_job_read_redshifts(job->finder, thread, zcat, job->selection, &p->redshifts, err)
                      : fb_fail(err, "pixel %" PRId64 ": out of memory", pixel);
    free(zcat);
    return status;
}

void fb_job_ahead(struct fb_job *job, int thread, size_t index)
{
    struct fb_prepared *p = &job->prepared[thread], next = { .index = index };
    struct fb_spectra **spectra = &job->finder->measurers[thread].spectra;
    struct fb_error ignored;

    if (!fb_spectra_is_cold(*spectra))
        return;
    /* an existing table will most likely be read instead of the spectra */
    if (find_paths(job, index, &next, &ignored) == 0 &&
        (!next.table || job->clobber || !fb_exists(next.table)) &&
        prepare_rows(job, thread, index, &next, &ignored) == 0) {
        double start = fb_seconds();
        fb_spectra_ahead(spectra, next.spectra, &next.redshifts);
        job->finder->usage[thread].reading += fb_seconds() - start;
        next.there = 1;
    }
    if (!next.there)
        release_prepared(&next);
    release_prepared(p);
    *p = next;
}

/* Take the pixel as it was prepared ahead, or prepare it now. */
static int prepare(struct fb_job *job, int thread, size_t index, struct fb_prepared *p, struct fb_error *err)
{
    struct fb_prepared *ahead = &job->prepared[thread];
    if (ahead->there && ahead->index == index) {
        *p = *ahead;
        *ahead = (struct fb_prepared){ 0 };
        return 0;
    }
    *p = (struct fb_prepared){ .index = index };
    if (find_paths(job, index, p, err) != 0)
        return -1;
    int failed = prepare_rows(job, thread, index, p, err);
    if (failed && p->table)
        fb_finder_note_stale(p->table, err);
    return failed;
}

/* ---- measure ---- */

/* Measure a pixel, or keep its existing table. */
static enum fb_pixel_outcome measure(struct fb_job *job, int thread, const struct fb_prepared *p,
                                     struct fb_baltable *table, struct fb_pixel_result *result,
                                     struct fb_error *err)
{
    struct fb_finder *finder = job->finder;
    int kept = p->table && !job->clobber
                   ? fb_finder_resumes(finder, thread, p->table, &p->redshifts, table, &result->note, err)
                   : 0;
    if (kept != 0)
        return kept > 0 ? FB_PIXEL_KEPT : FB_PIXEL_FAILED;
    if (job->dry)
        return fb_need_file(p->spectra, "spectra", err) == 0 ? FB_PIXEL_DONE : FB_PIXEL_FAILED;
    int failed = fb_finder_table(finder, thread, p->spectra, &p->redshifts, table, err), unwritten = 0;
    if (!failed && p->table)
        unwritten = fb_finder_write(finder, thread, p->table, FB_REPLACE, table->rows, table->n, err);
    if (p->table && (failed || unwritten))
        fb_finder_note_stale(p->table, err);
    return failed ? FB_PIXEL_FAILED : unwritten ? FB_PIXEL_UNWRITTEN : FB_PIXEL_DONE;
}

/* ---- deliver ---- */

static void
mark(unsigned char *found, /* NOLINT(readability-non-const-parameter): it is written to, atomically */
     const struct fb_selection *selection, int64_t targetid)
{
    size_t i = fb_id_list_find(&selection->targetids, targetid);
    __atomic_store_n(&found[i], 1, __ATOMIC_RELAXED); /* several threads may mark the same target */
}

void fb_job_mark(unsigned char *found, const struct fb_selection *selection,
                 const struct fb_redshifts *redshifts)
{
    for (size_t i = 0; i < redshifts->n; i++)
        mark(found, selection, redshifts->rows[i].targetid);
}

/* Mark the selected targets of a pixel, or list them for the rank that marks them. */
static int deliver_targets(const struct fb_job *job, const struct fb_redshifts *redshifts,
                           struct fb_pixel_result *result, struct fb_error *err)
{
    if (job->selection->targetids.n == 0)
        return 0;
    if (job->leads) {
        fb_job_mark(job->found, job->selection, redshifts);
        return 0;
    }
    int64_t *ids = malloc((redshifts->n + 1) * sizeof *ids);
    if (!ids)
        return fb_fail(err, "out of memory for %zu rows", redshifts->n);
    for (size_t i = 0; i < redshifts->n; i++)
        ids[i] = redshifts->rows[i].targetid;
    result->bytes = ids;
    result->size = redshifts->n * sizeof *ids;
    return 0;
}

/* Count the rows of a redshift catalog, whether or not they could be measured. */
static enum fb_pixel_outcome count_redshifts(const struct fb_job *job, enum fb_pixel_outcome outcome,
                                             const struct fb_redshifts *redshifts, struct fb_baltable *table,
                                             struct fb_pixel_result *result, struct fb_error *err)
{
    if (!fb_pixel_failed(outcome) && deliver_targets(job, redshifts, result, err) != 0)
        outcome = FB_PIXEL_FAILED;
    if (fb_pixel_failed(outcome))
        fb_baltable_release(table); /* also clears the rows */
    result->tally = fb_finder_tally(redshifts, table);
    result->tally.n[FB_FATE_PIXEL_FAILED] = redshifts->n - table->n;
    result->nquasars = result->tally.n[FB_FATE_MEASURED];
    return outcome;
}

/* Count the quasars that would be measured, and the selected targets among them. */
static enum fb_pixel_outcome count_dry(const struct fb_job *job, enum fb_pixel_outcome outcome,
                                       const struct fb_redshifts *redshifts, struct fb_pixel_result *result,
                                       struct fb_error *err)
{
    result->nquasars = redshifts->n;
    if (!job->rows && !fb_pixel_failed(outcome) && deliver_targets(job, redshifts, result, err) != 0)
        return FB_PIXEL_FAILED;
    return outcome;
}

static enum fb_pixel_outcome deliver(struct fb_job *job, int thread, enum fb_pixel_outcome outcome,
                                     const struct fb_prepared *p, struct fb_baltable *table,
                                     struct fb_pixel_result *result, struct fb_error *err)
{
    if (!job->rows)
        return count_redshifts(job, outcome, &p->redshifts, table, result, err);
    if (fb_pixel_failed(outcome))
        return outcome;
    double start = fb_seconds();
    enum fb_pixel_outcome delivered = fb_deliver_table(job->catalog, job->rows, p->index, table, result, err);
    job->finder->usage[thread].writing += fb_seconds() - start;
    return fb_pixel_failed(delivered) ? delivered : outcome;
}

enum fb_pixel_outcome fb_job_do(struct fb_job *job, int thread, size_t index, struct fb_pixel_result *result,
                                struct fb_error *err)
{
    struct fb_prepared p;
    struct fb_baltable table = { 0 };
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;

    int failed = prepare(job, thread, index, &p, err);
    if (p.table && !job->dry)
        fb_temporary_sweep(p.table);
    if (!failed)
        outcome = measure(job, thread, &p, &table, result, err);
    if (job->dry)
        outcome = count_dry(job, outcome, &p.redshifts, result, err);
    else
        outcome = deliver(job, thread, outcome, &p, &table, result, err);
    fb_baltable_release(&table);
    release_prepared(&p);
    return outcome;
}

int fb_job_receive(struct fb_job *job, const struct fb_pixel_result *result, struct fb_error *err)
{
    const int64_t *ids = result->bytes;
    if (job->rows)
        return fb_deliver_received(job->catalog, result, err);
    for (size_t i = 0; i < result->size / sizeof *ids; i++)
        mark(job->found, job->selection, ids[i]);
    return 0;
}
