/*
 * cmd_find.c - fastbal find: coadds and redshift catalogs to one BAL table per pixel, or the same for one coadd file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/measure_pixel.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/pixels.h"
#include "cli/pool.h"
#include "io/baltable.h"
#include "io/system.h"
#include "io/template_file.h"

struct find_options {
    struct fb_int_list healpix;
    const char *release, *altzdir, *zfileroot, *survey, *program, *mockdir, *out, *logfile, *templates;
    const char *coadd, *zcat;
    int mock, clobber, verbose, alttemp, tids;
    long nproc, chunk, discovery;
};

struct find {
    const struct find_options *options;
    struct fb_tree spectra, redshifts;
    struct fb_pixel_list pixels;
    struct fb_template_set templates;
    struct fb_measurer *measurers; /* one a thread */
    int nthreads;
    size_t nquasars;
};

static const char *spectra_kind(const struct find *find)
{
    return find->spectra.scheme == FB_SCHEME_MOCK ? "spectra" : "coadd";
}

/* ---- one pixel ---- */

static int find_file(struct find *find, int thread, const char *coadd, const char *zcat, const char *out,
                     struct fb_error *err)
{
    struct fb_redshifts redshifts;
    struct fb_balrow *rows = NULL;
    int ntemplates = fastbal_templates_count(find->templates.templates), status = -1;

    if (fb_redshifts_read(&redshifts, zcat, err) == 0) {
        rows = malloc((redshifts.n + 1) * sizeof *rows);
        if (!rows)
            fb_fail(err, "%s: out of memory for %zu rows", zcat, redshifts.n);
        else if (fb_measure_coadd(&find->measurers[thread], coadd, &redshifts, rows, err) == 0)
            status = fb_baltable_write(out, rows, redshifts.n, ntemplates, find->templates.name, err);
    }
    if (status == 0)
        __atomic_fetch_add(&find->nquasars, redshifts.n, __ATOMIC_RELAXED);
    free(rows);
    fb_redshifts_release(&redshifts);
    return status;
}

/* Spectra of mocks may be packed: PATH, or PATH.gz where only that is there. */
static char *spectra_path(const struct find *find, int64_t pixel)
{
    char *path = fb_tree_path(&find->spectra, spectra_kind(find), pixel);
    if (!path || fb_exists(path))
        return path;
    char *packed = fb_format("%s.gz", path);
    if (!packed || !fb_exists(packed)) {
        free(packed);
        return path;
    }
    free(path);
    return packed;
}

static enum fb_pixel_outcome find_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct find *find = context;
    int64_t pixel = find->pixels.pixels[index];
    char *coadd = spectra_path(find, pixel);
    char *zcat = fb_tree_path(&find->redshifts, find->options->zfileroot, pixel);
    char *out = fb_tree_path(&find->redshifts, "baltable", pixel);
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;

    if (!coadd || !zcat || !out)
        fb_fail(err, "pixel %" PRId64 ": out of memory", pixel);
    else if (!find->options->clobber && fb_exists(out))
        outcome = FB_PIXEL_KEPT;
    else if (!fb_exists(zcat))
        fb_fail(err, "Did not find redshift catalog %s", zcat);
    else if (!fb_exists(coadd))
        fb_fail(err, "Did not find spectra %s", coadd);
    else if (find_file(find, thread, coadd, zcat, out, err) == 0)
        outcome = FB_PIXEL_DONE;
    free(coadd);
    free(zcat);
    free(out);
    return outcome;
}

/* ---- which pixels ---- */

/* The walk through one tree, a folder PIX//100 an item. */
struct walk {
    const struct fb_tree *tree;
    const char *kind;
    struct fb_pixel_list groups, *found; /* found: one list a group */
    struct fb_error *errors;             /* one a group; empty text where all went well */
};

static void walk_group(void *context, int thread, size_t i)
{
    struct walk *walk = context;
    (void)thread;
    fb_tree_group_pixels(walk->tree, walk->groups.pixels[i], walk->kind, &walk->found[i], &walk->errors[i]);
}

static int collect(struct walk *walk, struct fb_pixel_list *pixels, struct fb_error *err)
{
    int status = 0;
    for (size_t i = 0; i < walk->groups.n && status == 0; i++) {
        if (walk->errors[i].text[0])
            status = fb_fail(err, "%s", walk->errors[i].text);
        for (size_t k = 0; k < walk->found[i].n && status == 0; k++)
            if (fb_pixel_list_add(pixels, walk->found[i].pixels[k]) != 0)
                status = fb_fail(err, "%s: out of memory", walk->tree->root);
    }
    return status;
}

static int walk_tree(const struct fb_tree *tree, const char *kind, long workers, struct fb_pixel_list *pixels,
                     struct fb_error *err)
{
    struct walk walk = { .tree = tree, .kind = kind };
    int status = fb_tree_groups(tree, &walk.groups, err);
    if (status == 0) {
        walk.found = calloc(walk.groups.n + 1, sizeof *walk.found);
        walk.errors = calloc(walk.groups.n + 1, sizeof *walk.errors);
        if (!walk.found || !walk.errors)
            status = fb_fail(err, "%s: out of memory", tree->root);
    }
    if (status == 0) {
        struct fb_pool pool = { (int)workers, walk_group, NULL, &walk };
        fb_pool_run(&pool, walk.groups.n);
        status = collect(&walk, pixels, err);
    }
    for (size_t i = 0; walk.found && i < walk.groups.n; i++)
        fb_pixel_list_release(&walk.found[i]);
    free(walk.found);
    free(walk.errors);
    fb_pixel_list_release(&walk.groups);
    return status;
}

/* The pixels asked for, or every pixel that has spectra or redshifts: one without the other is an error of its own. */
static int choose_pixels(struct find *find, struct fb_error *err)
{
    const struct find_options *o = find->options;
    for (size_t i = 0; i < o->healpix.n; i++) {
        if (o->healpix.values[i] >= fb_tree_npixels(find->spectra.scheme))
            return fb_fail(err, "option --healpix: there is no pixel %" PRId64, o->healpix.values[i]);
        if (fb_pixel_list_add(&find->pixels, o->healpix.values[i]) != 0)
            return fb_fail(err, "out of memory");
    }
    if (o->healpix.n == 0 && (walk_tree(&find->spectra, spectra_kind(find), o->discovery, &find->pixels, err) != 0 ||
                              walk_tree(&find->redshifts, o->zfileroot, o->discovery, &find->pixels, err) != 0))
        return -1;
    fb_pixel_list_sort(&find->pixels);
    if (find->pixels.n == 0)
        return fb_fail(err, "%s: no %s files in this tree", find->spectra.root, spectra_kind(find));
    return 0;
}

/* ---- the command ---- */

/* Where the spectra are; the caller frees it. */
static char *spectra_root(const struct find_options *o, struct fb_error *err)
{
    const char *redux = getenv("DESI_SPECTRO_REDUX"), *desi = getenv("DESI_ROOT");
    const char *release = o->release ? o->release : getenv("SPECPROD");
    if (o->mock && !o->mockdir)
        return fb_fail(err, "option --mockdir is required with --mock"), NULL;
    if (o->mock)
        return fb_format("%s", o->mockdir);
    if (!release || !*release)
        return fb_fail(err, "option --release is required (or SPECPROD in the environment)"), NULL;
    if (strchr(release, '/'))
        return fb_format("%s", release);
    if (redux && *redux)
        return fb_format("%s/%s", redux, release);
    if (desi && *desi)
        return fb_format("%s/spectro/redux/%s", desi, release);
    return fb_fail(err, "neither DESI_SPECTRO_REDUX nor DESI_ROOT is set in the environment"), NULL;
}

static int write_log(const struct find *find, const struct fb_pixel_run *run, int argc, char **argv, struct fb_error *err)
{
    struct fb_log log = { 0 };
    char *folder = fb_tree_folder(&find->redshifts);
    const char *name = find->options->logfile;
    char *path = folder ? fb_format("%s%s%s", name[0] == '/' ? "" : folder, name[0] == '/' ? "" : "/", name) : NULL;
    int status = path ? fb_log_open(&log, path, argc, argv, err) : fb_fail(err, "out of memory");
    if (status == 0) {
        fprintf(log.file, "List of healpix with errors and error types: \n");
        for (size_t i = 0; i < run->pixels->n; i++)
            if (run->why[i])
                fprintf(log.file, "%" PRId64 " : %s\n", run->pixels->pixels[i], run->why[i]);
        status = fb_log_close(&log, err);
    }
    free(path);
    free(folder);
    return status;
}

static int prepare(struct find *find, struct fb_error *err)
{
    const struct find_options *o = find->options;
    const char *templates = o->templates ? o->templates : o->alttemp ? "brodzeller" : NULL;

    if (fb_template_set_read(&find->templates, templates, FB_SHARE, err) != 0)
        return -1;
    if (find->templates.note[0])
        fb_complain("find", "%s", find->templates.note);
    find->nthreads = fb_threads(o->nproc);
    find->measurers = calloc((size_t)find->nthreads, sizeof *find->measurers);
    if (!find->measurers)
        return fb_fail(err, "out of memory for %d threads", find->nthreads);
    for (int i = 0; i < find->nthreads; i++)
        find->measurers[i].templates = find->templates.templates;
    return 0;
}

static int find_tree(struct find *find, int argc, char **argv, struct fb_error *err)
{
    const struct find_options *o = find->options;
    enum fb_scheme scheme = o->mock ? FB_SCHEME_MOCK : FB_SCHEME_HEALPIX;
    char *root = spectra_root(o, err);
    int status = FB_EXIT_UNUSABLE;

    if (!root)
        return status;
    find->spectra = (struct fb_tree){ scheme, root, o->survey, o->program };
    find->redshifts = (struct fb_tree){ scheme, o->altzdir, o->survey, o->program };
    struct fb_pixel_run run = { .command = "find", .pixels = &find->pixels, .chunk = o->chunk, .verbose = o->verbose,
                                .work = find_pixel, .context = find };
    if (choose_pixels(find, err) == 0 && prepare(find, err) == 0) {
        run.nthreads = find->nthreads;
        if (fb_pixel_run_all(&run, err) == 0) {
            fb_pixel_run_complain(&run);
            status = run.nfailed ? FB_EXIT_PARTLY : FB_EXIT_DONE;
            fb_say("find: %zu pixels done, %zu kept, %zu failed; %zu quasars measured with %s", run.ndone, run.nkept,
                   run.nfailed, find->nquasars, find->templates.name);
            if (write_log(find, &run, argc, argv, err) != 0) {
                fb_complain("find", "%s", err->text);
                status = FB_EXIT_PARTLY;
            }
        }
    }
    fb_pixel_run_release(&run);
    free(root);
    return status;
}

static int find_single(struct find *find, struct fb_error *err)
{
    const struct find_options *o = find->options;
    if (!o->coadd || !o->zcat || !o->out) {
        fb_fail(err, "options --coadd, --zcat and -o go together");
        return FB_EXIT_UNUSABLE;
    }
    if (!o->clobber && fb_exists(o->out)) {
        fb_say("find: %s exists and is kept", o->out);
        return FB_EXIT_DONE;
    }
    if (prepare(find, err) != 0 || find_file(find, 0, o->coadd, o->zcat, o->out, err) != 0)
        return FB_EXIT_UNUSABLE;
    fb_say("find: %zu quasars measured with %s", find->nquasars, find->templates.name);
    return FB_EXIT_DONE;
}

static void release(struct find *find)
{
    for (int i = 0; find->measurers && i < find->nthreads; i++)
        fb_measurer_release(&find->measurers[i]);
    free(find->measurers);
    fb_template_set_release(&find->templates);
    fb_pixel_list_release(&find->pixels);
}

static enum fb_options_outcome parse(struct find_options *o, int argc, char **argv)
{
    struct fb_option table[] = {
        { "-hp", "--healpix", FB_OPT_LIST, &o->healpix, .metavar = "PIX", .max = 1e15,
          .help = "pixels to work on, separated by spaces or commas; default: all in the tree" },
        { "-r", "--release --specprod", FB_OPT_STRING, &o->release, .metavar = "NAME",
          .help = "spectroscopic reduction: a folder in $DESI_SPECTRO_REDUX, or a path; default $SPECPROD" },
        { "-a", "--altzdir", FB_OPT_STRING, &o->altzdir, .metavar = "DIR",
          .help = "where split put the redshift catalogs; BAL tables go there as well" },
        { "-z", "--zfileroot", FB_OPT_STRING, &o->zfileroot, .metavar = "NAME", .help = "begin of redshift file names" },
        { "-s", "--survey", FB_OPT_STRING, &o->survey, .metavar = "NAME", .help = "survey" },
        { "-m", "--moon --program", FB_OPT_STRING, &o->program, .metavar = "NAME", .help = "observing program" },
        { NULL, "--mock", FB_OPT_FLAG, &o->mock, .help = "work on a mock tree, spectra-16" },
        { NULL, "--mockdir", FB_OPT_STRING, &o->mockdir, .metavar = "DIR", .help = "the folder of the mock's spectra-16" },
        { "-o", "--outdir --outfile", FB_OPT_STRING, &o->out, .metavar = "PATH",
          .help = "with --coadd: the BAL table to write; otherwise deprecated, warned about and ignored" },
        { "-l", "--logfile", FB_OPT_STRING, &o->logfile, .metavar = "NAME", .help = "log, beside the pixels" },
        { NULL, "--nproc", FB_OPT_INT, &o->nproc, .metavar = "N", .min = 1, .max = 4096,
          .help = "worker threads; default: every core this process may use" },
        { "-c", "--clobber --overwrite", FB_OPT_FLAG, &o->clobber, .help = "replace existing BAL tables" },
        { "-v", "--verbose", FB_OPT_FLAG, &o->verbose, .help = "say how far the run is" },
        { "-t", "--alttemp", FB_OPT_FLAG, &o->alttemp, .help = "the same as --templates brodzeller" },
        { NULL, "--templates", FB_OPT_STRING, &o->templates, .metavar = "NAME",
          .help = "guo, brodzeller, builtin, or a FITS file; default: guo, or builtin where guo is not found" },
        { NULL, "--tids", FB_OPT_FLAG, &o->tids, .help = "read only the targets of the redshift catalog (always done)" },
        { NULL, "--chunk-size", FB_OPT_INT, &o->chunk, .metavar = "N", .min = 1, .max = 1e9,
          .help = "pixels handed out at a time; -v reports each chunk" },
        { NULL, "--file-discovery-workers", FB_OPT_INT, &o->discovery, .metavar = "N", .min = 1, .max = 4096,
          .help = "threads that look for files in the tree" },
        { NULL, "--coadd", FB_OPT_STRING, &o->coadd, .metavar = "FILE", .help = "work on this file alone, with --zcat and -o" },
        { NULL, "--zcat", FB_OPT_STRING, &o->zcat, .metavar = "FILE", .help = "redshift catalog for --coadd" },
        { 0 }
    };
    enum fb_options_outcome outcome =
        fb_options_parse("find", "Measure broad absorption lines in coadds: one BAL table per pixel.", table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    int single = o->coadd || o->zcat;
    if (!single && !o->altzdir) {
        fb_complain("find", "option --altzdir is required (--help explains it)");
        return FB_OPTIONS_BAD;
    }
    if (o->alttemp && o->templates && strcmp(o->templates, "brodzeller") != 0) {
        fb_complain("find", "options --alttemp and --templates contradict each other");
        return FB_OPTIONS_BAD;
    }
    if (!single && o->out)
        fb_complain("find", "option --outdir is deprecated and ignored: BAL tables go to --altzdir");
    return FB_OPTIONS_RUN;
}

int fb_cmd_find(int argc, char **argv)
{
    struct find_options options = { .zfileroot = "zafter", .survey = "main", .program = "dark",
                                    .logfile = "logfile.txt", .chunk = 50, .discovery = 8 };
    struct find find = { .options = &options };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = parse(&options, argc, argv);
    int status = outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    if (outcome == FB_OPTIONS_RUN)
        status = options.coadd || options.zcat ? find_single(&find, &err) : find_tree(&find, argc, argv, &err);
    if (status == FB_EXIT_UNUSABLE && err.text[0])
        fb_complain("find", "%s", err.text);
    release(&find);
    fb_int_list_release(&options.healpix);
    return status;
}
