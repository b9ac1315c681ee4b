/* summary.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include "cli/summary.h"
#include "pipeline/match.h"
#include "run/exit_status.h"
#include "run/message.h"
#include "run/report.h"
#include "run/stop.h"

/* Rows of another survey, program or spectral type are measured, but the user is told. */
static void print_others(const struct fb_pixel_rows *s, const char *command, const char *path)
{
    static const char *const columns[FB_NMARKS] = { "SURVEY", "PROGRAM", "SPECTYPE" },
                             *const words[FB_NMARKS] = { "survey", "program", "spectype" };
    for (int k = 0; k < FB_NMARKS; k++)
        if (s->nothers[k] > 0 && !(s->only >> k & 1))
            fb_print_error(
                command,
                "%s: %zu row%s of another %s than asked for: used like the others, or left out with "
                "--only %s",
                path, s->nothers[k], fb_s(s->nothers[k]), columns[k], words[k]);
}

int fb_print_row_problems(const struct fb_pixel_rows *s, const char *command, const char *path)
{
    print_others(s, command, path);
    if (s->nowhere > 0)
        fb_print_error(command, "%s: %zu row%s without a position on the sky that has a pixel, left out",
                       path, s->nowhere, fb_s(s->nowhere));
    if (s->missing > 0)
        fb_print_error(command, "%s: nothing in it of %zu of the pixels, tiles or targets asked for", path,
                       s->missing);
    return s->nowhere > 0 || s->missing > 0;
}

/* Print "PATH and 2 more files have WHAT", or "PATH has WHAT". */
static void tell(const char *command, const struct fb_noted_files *files, const char *what)
{
    if (files->n > 1)
        fb_print_error(command, "%s and %zu more file%s have %s", files->path, files->n - 1,
                       fb_s(files->n - 1), what);
    else if (files->n > 0)
        fb_print_error(command, "%s has %s", files->path, what);
}

char *fb_pixels_log_path(const char *command, const char *folder, const char *name,
                         const struct fb_tree *tree)
{
    char *own = folder ? NULL : fb_tree_folder(tree), *label = fb_tree_label(tree);
    char *path = fb_log_path(command, folder ? folder : own, name, label);
    free(own);
    free(label);
    return path;
}

const char *fb_goes_on(int clobber)
{
    return clobber ? "the same command without --clobber goes on from here"
                   : "the same command goes on from here";
}

void fb_print_noted_files(const char *command, const struct fb_usage *usage)
{
    tell(command, &usage->joined, "several rows per target: the exposures of each target are joined");
    tell(command, &usage->unknown_fit,
         "no keyword BALFIT, as of the reference: kept, with a fit that is not known; --clobber measures "
         "again");
}

void fb_print_usage(const char *command, const struct fb_usage *usage, size_t nquasars, double start,
                    int ranks)
{
    char several[48] = "";
    if (ranks > 1)
        snprintf(several, sizeof several, " in the largest of %d ranks", ranks);
    fb_print(
        "%s: %zu quasars, %zu files, %.1f MB read; %.2f s wall, %.2f s CPU, %.0f MB peak%s; all threads: "
        "%.2f s reading, %.2f s computing, %.2f s writing",
        command, nquasars, usage->files, (double)usage->bytes / 1e6, fb_seconds() - start, usage->cpu,
        (double)usage->peak / 1e6, several, usage->reading, usage->computing, usage->writing);
}

struct fb_tally fb_catalog_tally(const struct fb_pixel_rows *s, const struct fb_pixel_run *run)
{
    struct fb_tally tally = run->tally;
    for (size_t k = 0; k < s->pixels.n; k++)
        for (size_t i = s->begin[k]; fb_pixel_failed(run->results[k].outcome) && i < s->begin[k + 1]; i++)
            fb_count_unmatched(&tally, s->rows[s->order[i]].z, FB_FATE_PIXEL_FAILED);
    tally.n[FB_FATE_NO_POSITION] += s->nowhere;
    tally.n[FB_FATE_UNSELECTED] += s->unselected;
    return tally;
}

int fb_catalog_is_due(const struct fb_pixel_run *run, const struct fb_tally *tally)
{
    return !run->signal && !run->gave_up && !fb_pixel_run_is_empty(run) && !fb_tally_is_empty(tally);
}

int fb_catalog_finish(struct fb_balcatalog *catalog, struct fb_pixel_run *run,
                      const struct fb_provenance *made, const struct fb_layout_options *options,
                      const struct fb_tally *tally, struct fb_error *err)
{
    struct fb_balcatalog_header header = {
        .made = *made, .nmeasured = tally->n[FB_FATE_MEASURED], .nai = tally->nai, .nbi = tally->nbi
    };
    if (!fb_catalog_is_due(run, tally)) {
        fb_balcatalog_discard(catalog);
        return 0;
    }
    fb_layout_text(options, header.options, sizeof header.options);
    int failed = fb_balcatalog_commit(catalog, &header, err);
    run->signal = failed ? fb_stop_signal() : 0;
    return run->signal ? 0 : failed;
}

int fb_print_dry_run(const struct fb_pixel_run *run, int problems, int argc, char **argv)
{
    struct fb_report report;
    fb_report_start(&report, run, argc, argv);
    fb_report_pixels(&report, NULL);
    fb_report_print(
        &report,
        "%s: dry run: would measure %zu quasar%s in %zu pixel%s, keep %zu, fail in %zu; nothing was written",
        run->command, run->nquasars, fb_s(run->nquasars), run->ndone, fb_s(run->ndone), run->nkept,
        run->nfailed);
    fb_report_end(&report, NULL, NULL);
    if (fb_pixel_run_is_empty(run))
        return FB_EXIT_UNUSABLE;
    return run->nfailed > 0 || problems ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}
