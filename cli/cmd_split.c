/*
 * cmd_split.c - fastbal split: a QSO catalog to one redshift catalog per pixel.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include "cli/command.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/pixel_rows.h"
#include "cli/pixels.h"
#include "io/system.h"

enum { WRITERS = 32 };

struct split_options {
    const char *qsocat, *altzdir, *zfileroot, *survey, *program, *logfile;
    int mock, clobber, verbose;
    long nproc, chunk;
};

struct split {
    const struct split_options *options;
    struct fb_tree tree;
    struct fb_pixel_rows sorted;
    struct fb_form form;
};

static enum fb_pixel_outcome split_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    const struct split *split = context;
    const struct fb_pixel_rows *s = &split->sorted;
    size_t begin = s->begin[index], n = s->begin[index + 1] - begin;
    char *path = fb_tree_path(&split->tree, split->options->zfileroot, s->pixels.pixels[index]);
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;
    int there;

    (void)thread;
    if (!path)
        fb_fail(err, "pixel %" PRId64 ": out of memory", s->pixels.pixels[index]);
    else if ((there = split->options->clobber ? 0 : fb_look_for(path, err)) > 0)
        outcome = FB_PIXEL_KEPT;
    else if (there == 0 && fb_redshifts_write(&split->form, path, s->rows, s->order + begin, n, err) == 0)
        outcome = FB_PIXEL_DONE;
    free(path);
    return outcome;
}

/* Threads of split spend their time waiting until a file is on the disk, many of which a disk does at a time:
 * unless
 * --nproc says otherwise, more of them than there are cores. */
static int writers(long nproc)
{
    int threads = fb_threads(nproc);
    return nproc > 0 || threads > WRITERS ? threads : WRITERS;
}

static int write_log(const struct split *split, const struct fb_pixel_run *run, int argc, char **argv,
                     struct fb_error *err)
{
    const struct fb_pixel_rows *s = &split->sorted;
    struct fb_log log = { 0 };
    struct fb_error second;
    char *label = fb_tree_label(&split->tree);
    char *path = label ? fb_log_path(split->options->altzdir, split->options->logfile, label) : NULL;
    int status = path ? fb_log_open(&log, path, argc, argv, err) : fb_fail(err, "out of memory");

    for (size_t i = 0; status == 0 && i < s->pixels.n; i++) {
        char *file = fb_tree_path(&split->tree, split->options->zfileroot, s->pixels.pixels[i]);
        if (!file)
            status = fb_fail(err, "%s: out of memory", path);
        else if (run->outcomes[i] == FB_PIXEL_FAILED)
            fprintf(log.file, "%" PRId64 " : %s\n", s->pixels.pixels[i],
                    run->why[i] ? run->why[i] : "failed, out of memory");
        else
            fprintf(log.file, "%s: %zu\n", file, s->begin[i + 1] - s->begin[i]);
        free(file);
    }
    if (fb_log_close(&log, status == 0 ? err : &second) != 0)
        status = -1;
    free(path);
    free(label);
    return status;
}

static int split_catalog(struct split *split, int argc, char **argv, struct fb_error *err)
{
    const struct split_options *o = split->options;
    struct fb_pixel_rows *s = &split->sorted;
    struct fb_pixel_run run = { .command = "split",
                                .pixels = &s->pixels,
                                .nthreads = writers(o->nproc),
                                .chunk = o->chunk,
                                .verbose = o->verbose,
                                .work = split_pixel,
                                .context = split };
    int status = FB_EXIT_UNUSABLE;

    if (fb_pixel_rows_read(s, o->qsocat, split->tree.scheme, err) != 0 ||
        fb_make_folders(o->altzdir, err) != 0 || fb_redshifts_form(&split->form, err) != 0)
        return status;
    if (fb_pixel_run_all(&run, err) == 0) {
        fb_pixel_run_complain(&run);
        if (s->nowhere > 0)
            fb_complain("split", "%s: %zu rows have no position on the sky and are left out", o->qsocat,
                        s->nowhere);
        status = run.nfailed || s->nowhere ? FB_EXIT_PARTLY : FB_EXIT_DONE;
        fb_say("split: %zu rows; %zu pixels written, %zu kept, %zu failed", s->n, run.ndone, run.nkept,
               run.nfailed);
        if (write_log(split, &run, argc, argv, err) != 0) {
            fb_complain("split", "%s", err->text);
            status = FB_EXIT_PARTLY;
        }
    }
    fb_pixel_run_release(&run);
    return status;
}

int fb_cmd_split(int argc, char **argv)
{
    struct split_options o = { .zfileroot = "zafter", .survey = "main", .program = "dark", .chunk = 1000 };
    struct fb_option table[] = {
        { "-q", "--qsocat", FB_OPT_STRING, &o.qsocat, .metavar = "FILE", .required = 1,
          .help = "QSO catalog" },
        { "-a", "--altzdir", FB_OPT_STRING, &o.altzdir, .metavar = "DIR", .required = 1,
          .help = "where the redshift catalogs go" },
        { "-z", "--zfileroot", FB_OPT_STRING, &o.zfileroot, .metavar = "NAME",
          .help = "begin of their file names" },
        { "-s", "--survey", FB_OPT_STRING, &o.survey, .metavar = "NAME", .help = "survey" },
        { "-m", "--moon --program", FB_OPT_STRING, &o.program, .metavar = "NAME",
          .help = "observing program" },
        { NULL, "--mock", FB_OPT_FLAG, &o.mock, .help = "a mock catalog: nside 16, columns RA and DEC" },
        { "-l", "--logfile", FB_OPT_STRING, &o.logfile, .metavar = "NAME",
          .help = "log, in --altzdir; default: logfile-SURVEY-PROGRAM.txt" },
        { "-c", "--clobber --overwrite", FB_OPT_FLAG, &o.clobber,
          .help = "replace existing redshift catalogs" },
        { "-v", "--verbose", FB_OPT_FLAG, &o.verbose, .help = "say how far the run is" },
        { NULL, "--nproc", FB_OPT_INT, &o.nproc, .metavar = "N", .min = 1, .max = 4096,
          .help = "worker threads; default: 32, since they mostly wait for the disk" },
        { NULL, "--chunk-size", FB_OPT_INT, &o.chunk, .metavar = "N", .min = 1, .max = 1e9,
          .help = "pixels handed out at a time; -v reports each chunk" },
        { 0 }
    };
    struct split split = { .options = &o };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = fb_options_parse(
        "split", "Split a QSO catalog into one redshift catalog per pixel.", table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    split.tree =
        (struct fb_tree){ o.mock ? FB_SCHEME_MOCK : FB_SCHEME_HEALPIX, o.altzdir, o.survey, o.program };
    int status = split_catalog(&split, argc, argv, &err);
    if (status == FB_EXIT_UNUSABLE)
        fb_complain("split", "%s", err.text);
    fb_form_release(&split.form);
    fb_pixel_rows_release(&split.sorted);
    return status;
}
