/*
 * cmd_simulate.c - fastbal simulate: writes a tree of simulated quasars with known troughs (docs/simulate.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "cli/command.h"
#include "cli/options.h"
#include "run/message.h"
#include "run/stop.h"
#include "sim/files.h"
#include "sim/simulate.h"
#include "sim/survey.h"

#define NAME "simulate"
#define BYTES_PER_MB 1e6

struct arguments {
    struct fb_simulation sim;
    const char *layout;
    long seed;
    int no_narrow_systems, mock, no_resolution, overwrite, verbose;
};

enum { OTHERS = 3, LAYOUT = 9 }; /* indices into the option table */

static int choose_layout(struct arguments *a, int given)
{
    static const enum fb_scheme schemes[] = { FB_SCHEME_HEALPIX, FB_SCHEME_UNIQPIX, FB_SCHEME_SKIMMED,
                                              FB_SCHEME_TILES, FB_SCHEME_MOCK };
    const char *name = a->mock && !given ? "mock" : a->layout;
    size_t i = 0, n = sizeof schemes / sizeof schemes[0];
    while (i < n && strcmp(name, fb_scheme_name(schemes[i])) != 0)
        i++;
    if (i == n) {
        fb_print_error(NAME, "option --layout: expected healpix, uniqpix, skimmed, tiles or mock, found '%s'",
                       name);
        return -1;
    }
    a->sim.scheme = schemes[i];
    if (a->sim.scheme == FB_SCHEME_MOCK || !(a->mock || a->sim.aligned))
        return 0;
    fb_print_error(NAME, "option %s: expected --layout mock, found %s", a->mock ? "--mock" : "--aligned",
                   name);
    return -1;
}

static const struct fb_command_help simulate_help = {
    .command = "simulate",
    .usage = "DIR [options]",
    .summary = "Write simulated quasar spectra, their catalog and the truth about their troughs.",
    .titles[FB_GROUP_INPUT] = "what to simulate",
    .example = "fastbal simulate --quasars 50 --seed 7 sim",
};

static enum fb_options_outcome parse_simulate_options(struct arguments *a, int argc, char **argv)
{
    struct fb_option table[] = {
        { NULL, NULL, FB_OPT_POSITIONAL, &a->sim.folder, .metavar = "DIR", .required = 1,
          .help = "folder to write to" },
        { NULL, "--pixels", FB_OPT_INT, &a->sim.pixels, .metavar = "N", .min = 1, .max = FB_MOST_PIXELS_64,
          .help = "files: HEALPix pixels, or petals of tiles" },
        { NULL, "--quasars", FB_OPT_INT, &a->sim.quasars, .metavar = "N", .min = 0, .max = 20000,
          .help = "quasars per pixel" },
        { NULL, "--others", FB_OPT_INT, &a->sim.others, .metavar = "N", .min = 0, .max = 20000,
          .help = "targets per pixel that are not quasars (mocks: 0 unless given)" },
        { NULL, "--seed", FB_OPT_INT, &a->seed, .metavar = "N", .min = 0, .max = 1e15,
          .help = "the same seed gives the same files" },
        { NULL, "--bal-fraction", FB_OPT_FLOAT, &a->sim.bal_fraction, .metavar = "F", .min = 0, .max = 1,
          .help = "share of quasars with broad absorption" },
        { NULL, "--bright", FB_OPT_FLAG, &a->sim.bright,
          .help = "a bright sample: three times the signal-to-noise" },
        { NULL, "--gaps", FB_OPT_FLAG, &a->sim.gaps, .help = "runs of missing pixels in some spectra" },
        { NULL, "--no-narrow-systems", FB_OPT_FLAG, &a->no_narrow_systems,
          .help = "leave narrow absorption by metals out: intervening, associated, of DLAs" },
        { NULL, "--layout", FB_OPT_STRING, &a->layout, .metavar = "NAME",
          .help = "healpix, uniqpix (adaptive pixels), skimmed (quasars only, nside 16), tiles, or mock" },
        { NULL, "--mock", FB_OPT_FLAG, &a->mock,
          .help = "in the format of quickquasars mocks: --layout mock" },
        { NULL, "--aligned", FB_OPT_FLAG, &a->sim.aligned,
          .help = "mocks whose cameras' wavelength grids are aligned" },
        { NULL, "--no-resolution", FB_OPT_FLAG, &a->no_resolution, .help = "leave resolution matrices out" },
        { NULL, "--truth-spectra", FB_OPT_FLAG, &a->sim.true_spectra,
          .help = "write the true continuum and transmission of every quasar" },
        { "-c", "--overwrite --clobber", FB_OPT_FLAG, &a->overwrite, .group = FB_GROUP_OUTPUT,
          .help = "write into a folder that is not empty" },
        FB_QUIET_OPTION,
        FB_VERBOSE_OPTION(a->verbose, 0, "print a line for each pixel"),
        { 0 }
    };
    const enum fb_options_outcome outcome = fb_options_parse_writer(&simulate_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    if (choose_layout(a, table[LAYOUT].given) < 0)
        return FB_OPTIONS_BAD;
    if ((a->sim.scheme == FB_SCHEME_MOCK || a->sim.scheme == FB_SCHEME_SKIMMED) && !table[OTHERS].given)
        a->sim.others = 0;
    return outcome;
}

static int check(const struct arguments *a)
{
    struct fb_error err;

    if (a->sim.pixels > fb_survey_most_pixels(a->sim.scheme)) {
        fb_print_error(NAME, "option --pixels: expected at most %ld with %s, found %ld",
                       fb_survey_most_pixels(a->sim.scheme),
                       a->sim.scheme == FB_SCHEME_MOCK ? "mocks" : fb_scheme_name(a->sim.scheme),
                       a->sim.pixels);
        return -1;
    }
    if (a->sim.quasars + a->sim.others == 0) {
        fb_print_error(NAME, "--quasars and --others are both 0");
        return -1;
    }
    const int used = fb_sim_folder_used(a->sim.folder, &err);
    if (used < 0)
        fb_print_error(NAME, "%s", err.text);
    else if (used && !a->overwrite)
        fb_print_error(NAME, "%s: is not empty (--overwrite writes there anyway)", a->sim.folder);
    return used < 0 || (used && !a->overwrite) ? -1 : 0;
}

static void tell_progress(void *context, size_t done, size_t all, const char *path)
{
    (void)context;
    fb_print("%zu of %zu: %s", done, all, path);
}

static int tell_summary(const struct arguments *a, const struct fb_simulation_summary *s)
{
    const char *tree = fb_simulation_tree(a->sim.scheme);
    if (fb_print(
            "%zu pixels, %zu quasars (%zu with broad absorption, %zu troughs), %zu other targets, %.1f MB",
            s->pixels, s->quasars, s->bals, s->troughs, s->others, (double)s->bytes / BYTES_PER_MB) < 0 ||
        fb_print("spectra: %s/%s", a->sim.folder, tree) < 0 ||
        fb_print("catalog: %s/qso.fits", a->sim.folder) < 0 ||
        fb_print("truth:   %s/truth.fits", a->sim.folder) < 0)
        return -1;
    return 0;
}

int fb_cmd_simulate(int argc, char **argv)
{
    struct arguments a = { .layout = "healpix",
                           .seed = 1,
                           .sim = { .pixels = 4,
                                    .quasars = 60,
                                    .others = 140,
                                    .bal_fraction = FB_BAL_FRACTION,
                                    .stop = fb_stop_signal } };
    struct fb_simulation_summary summary;
    struct fb_error err;

    const enum fb_options_outcome outcome = parse_simulate_options(&a, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    if (check(&a) < 0)
        return FB_EXIT_UNUSABLE;
    a.sim.seed = (uint64_t)a.seed;
    a.sim.narrow_systems = !a.no_narrow_systems;
    a.sim.resolution = !a.no_resolution;
    a.sim.progress = a.verbose ? tell_progress : NULL;
    fb_stop_watch(NAME);
    if (fb_simulate(&a.sim, &summary, &err) < 0) {
        fb_print_error(NAME, "%s", err.text);
        if (fb_stop_signal()) {
            fb_print_error(NAME, "stopped by %s: the same command with --overwrite starts again",
                           fb_stop_name(fb_stop_signal()));
            return fb_stop_status(fb_stop_signal());
        }
        return summary.pixels > 0 ? FB_EXIT_PARTLY : FB_EXIT_UNUSABLE;
    }
    return tell_summary(&a, &summary) < 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}
