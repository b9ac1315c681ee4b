/* measuring.c - SPDX-License-Identifier: BSD-3-Clause */
#include "cli/measuring.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "pipeline/deliver.h"
#include "run/distribute.h"
#include "run/launcher.h"
#include "run/message.h"
#include "run/schedule.h"
#include "run/stop.h"

void fb_measuring_begin(struct fb_measuring *m)
{
    const struct fb_launched launched = fb_launched();
    for (int i = 1; i < m->argc && launched.size > 1; i++)
        m->several |= strcmp(m->argv[i], "--mpi") == 0;
    if (m->several && launched.rank > 0)
        fb_hold_errors(&m->refusal);
}

enum fb_options_outcome fb_measuring_check(struct fb_measuring *m, const struct fb_option *table)
{
    if (!fb_finder_options_check(m->command, &m->options.finder))
        return FB_OPTIONS_BAD;
    fb_settings_start(&m->settings, m->command);
    fb_options_describe(table, &m->settings);
    return FB_OPTIONS_RUN;
}

int fb_measuring_main(struct fb_measuring *m, enum fb_options_outcome outcome, fb_measuring_step *work,
                      void *context)
{
    struct fb_error err = { "" };
    int status = outcome;
    fb_hold_errors(NULL);
    if (outcome == FB_OPTIONS_BAD && m->several)
        fb_ranks_give_up(&m->refusal);
    if (outcome == FB_OPTIONS_RUN) {
        fb_stop_watch(m->command);
        status = fb_ranks_start(&m->ranks, m->options.mpi, &m->settings, &err) == 0 ? work(context, &err)
                                                                                    : FB_EXIT_UNUSABLE;
        if (!fb_ranks_leads(&m->ranks))
            err.text[0] = '\0';
        status = fb_command_ends(m->command, status, &err);
    }
    fb_pixel_run_release(&m->run);
    fb_job_release(&m->job);
    fb_finder_release(&m->finder);
    fb_selection_release(&m->selection);
    fb_layout_release(&m->layout);
    fb_layout_options_release(&m->options.layout);
    fb_settings_release(&m->settings);
    free(m->order);
    return fb_ranks_stop(&m->ranks, status);
}

/* The options are equal on all ranks. What was detected in the file system must be too. */
int fb_measuring_compare(struct fb_measuring *m, int failed, const char *what, const char *folder,
                         struct fb_error *err)
{
    struct fb_settings settings = { 0 };
    if (fb_ranks_agree(&m->ranks, failed, err) != 0)
        return -1;
    fb_layout_describe(&m->layout, &settings);
    fb_settings_add_path(&settings, what, folder);
    fb_settings_add(&settings, "the size of rows", "%zu and %zu bytes", sizeof(struct fb_redshift),
                    fb_deliver_row_bytes());
    fb_distribute_describe(&settings);
    failed = fb_ranks_compare(&m->ranks, &settings, err);
    fb_settings_release(&settings);
    return failed;
}

int fb_measuring_read_finder(struct fb_measuring *m, struct fb_error *err)
{
    if (fb_finder_prepare(&m->finder, &m->options.finder, err) != 0)
        return -1;
    if (m->finder.templates.note[0])
        fb_print_error(m->command, "%s", m->finder.templates.note);
    return 0;
}

int fb_measuring_prepare(struct fb_measuring *m, fb_measuring_step *prepare, void *context,
                         struct fb_error *err)
{
    m->finder.part = m->options.layout.targetids.n > 0;
    snprintf(m->finder.made.product, sizeof m->finder.made.product, "%s", fb_layout_product(&m->layout));
    int failed = fb_ranks_leads(&m->ranks) && prepare(context, err) != 0;
    return fb_ranks_agree(&m->ranks, failed, err) != 0
               ? -1
               : fb_finder_share(&m->finder, &m->options.finder, &m->ranks, err);
}

/* ---- the pixels ---- */

static enum fb_pixel_outcome work_on_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct fb_measuring *m = context;
    return fb_job_do(&m->job, thread, index, &m->run.results[index], err);
}

static void look_ahead(void *context, int thread, size_t index)
{
    fb_job_ahead(&((struct fb_measuring *)context)->job, thread, index);
}

static int receive(void *context, const struct fb_pixel_result *result, struct fb_error *err)
{
    return fb_job_receive(&((struct fb_measuring *)context)->job, result, err);
}

void fb_measuring_usage(void *context, struct fb_usage *total)
{
    fb_finder_usage(&((struct fb_measuring *)context)->finder, total);
    fb_usage_add_process(total);
}

int fb_measuring_run(struct fb_measuring *m, struct fb_error *err)
{
    m->job.finder = &m->finder;
    m->job.spectra = m->layout.tree;
    m->job.clobber = m->options.clobber;
    m->job.dry = m->options.dry;
    m->job.leads = fb_ranks_leads(&m->ranks);
    if (fb_ranks_agree(&m->ranks, fb_job_start(&m->job, err), err) != 0)
        return -1;
    m->run = (struct fb_pixel_run){ .command = m->command,
                                    .pixels = m->job.pixels,
                                    .tree = &m->layout.tree,
                                    .nthreads = m->finder.nthreads,
                                    .chunk = m->options.chunk,
                                    .verbose = m->options.verbose,
                                    .ranks = &m->ranks,
                                    .order = m->order,
                                    .work = work_on_pixel,
                                    .ahead = look_ahead,
                                    .deliver = receive,
                                    .add_usage = fb_measuring_usage,
                                    .context = m };
    return fb_pixel_run_all(&m->run, err);
}
