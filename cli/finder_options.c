/* finder_options.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "cli/finder_options.h"
#include "desi/detector_file.h"
#include "run/message.h"
#include "run/schedule.h"

/* What an option takes: names by an enum of the library, the first of which is the default. */
struct choice {
    const char *option, *expected, *names[4];
};
static const struct choice fits = { "--fit",
                                    "exact or simplex",
                                    { [FASTBAL_FIT_EXACT] = "exact", [FASTBAL_FIT_SIMPLEX] = "simplex" } };
static const struct choice rules = { "--rules",
                                     "main, optimize or fastbal",
                                     { [FASTBAL_RULES_MAIN] = "main",
                                       [FASTBAL_RULES_OPTIMIZE] = "optimize",
                                       [FASTBAL_RULES_FASTBAL] = "fastbal" } };
static const struct choice continua = { "--continuum",
                                        "default, trough-aware or least-squares",
                                        { [FASTBAL_CONTINUUM_DEFAULT] = "default",
                                          [FASTBAL_CONTINUUM_LEAST_SQUARES] = "least-squares",
                                          [FASTBAL_CONTINUUM_TROUGH_AWARE] = "trough-aware" } };

/* The index of a name; 0 for NULL, -1 if there is no such name. */
static int find_name(const struct choice *c, const char *name)
{
    int i = 0;
    while (name && c->names[i] && strcmp(c->names[i], name) != 0)
        i++;
    return c->names[i] ? i : -1;
}

void fb_finder_old_default(struct fb_finder_options *options)
{
    options->continuum = continua.names[FASTBAL_CONTINUUM_LEAST_SQUARES];
    options->detector = "off";
}

/* What the default is for these templates and this fit, as in the library; BAL tables name it. */
static int choose_continuum(const struct fb_finder *finder, const struct fb_finder_options *options, int fit)
{
    struct fastbal_prior prior;
    int continuum = find_name(&continua, options->continuum);
    if (continuum != FASTBAL_CONTINUUM_DEFAULT)
        return continuum;
    return fastbal_templates_prior(finder->templates.templates, &prior) && fit == FASTBAL_FIT_EXACT
               ? FASTBAL_CONTINUUM_TROUGH_AWARE
               : FASTBAL_CONTINUUM_LEAST_SQUARES;
}

/* The detector of --detector; none if that is NULL. */
static int read_detector(struct fb_finder *finder, const struct fb_finder_options *options,
                         struct fb_error *err)
{
    const char *name = options->detector;
    if (!name || strcmp(name, "off") == 0)
        return 0;
    if (strcmp(name, "on") != 0)
        return fb_detector_read(&finder->detector, name, err);
    return fastbal_detector_builtin(&finder->detector) == FASTBAL_OK
               ? 0
               : fb_fail(err, "out of memory for the detector");
}

/* Create the per-thread state, after the templates and the detector have been read. */
static int start_threads(struct fb_finder *finder, const struct fb_finder_options *options,
                         struct fb_error *err)
{
    int fit = find_name(&fits, options->fit);
    int rule = find_name(&rules, options->rules);
    int continuum = choose_continuum(finder, options, fit);
    const struct fastbal_options measure = { sizeof measure, fit, rule, continuum, finder->detector };
    return fb_finder_start(finder, fb_threads(options->nproc), &measure, fits.names[fit], rules.names[rule],
                           continua.names[continuum], err);
}

int fb_finder_prepare(struct fb_finder *finder, const struct fb_finder_options *options, struct fb_error *err)
{
    const char *name = options->templates ? options->templates : options->alttemp ? "brodzeller" : NULL;

    if (fb_template_set_read(&finder->templates, name, FB_SHARE, err) != 0 ||
        read_detector(finder, options, err) != 0 || start_threads(finder, options, err) != 0)
        return -1;
    return fb_baltable_headers_create(&finder->headers, finder->ntemplates, &finder->made, err);
}

/* Broadcast rank 0's templates, and its detector if it has one. */
static int share_models(struct fb_finder *finder, const struct fb_ranks *ranks, struct fb_error *err)
{
    const fastbal_templates *t = finder->templates.templates; /* NULL on the others */
    const fastbal_detector *d = finder->detector;             /* the same */
    struct {
        int ncomponents, has_prior, has_detector;
        size_t nwave;
        char name[sizeof finder->templates.name], detector[FB_DETECTOR_NAME];
        struct fastbal_calibration calibration;
    } about = { 0 };
    struct fastbal_message message;
    struct fastbal_prior prior;
    size_t nvalues = 0, nweights = 0;
    void *values = t ? fb_template_set_values(&finder->templates, &nvalues) : NULL;
    void *weights = d ? fb_detector_weights(d, &nweights) : NULL;

    if (t) {
        about.ncomponents = fastbal_templates_count(t);
        about.has_prior = fastbal_templates_prior(t, &prior);
        about.nwave = fastbal_templates_size(t);
        memcpy(about.name, finder->templates.name, sizeof about.name);
    }
    if (d) {
        about.has_detector = 1;
        fb_detector_own_name(d, about.detector);
        about.calibration = *fastbal_detector_calibration(d);
    }
    int failed =
        (t && !values) || (d && !weights) ? fb_fail(err, "out of memory for templates and detector") : 0;
    failed = fb_ranks_agree(ranks, failed, err);
    if (!failed) {
        fb_ranks_broadcast(ranks, &about, sizeof about);
        failed = fb_ranks_share(ranks, &values, &nvalues, sizeof(double), err) != 0 ||
                 fb_ranks_share(ranks, &weights, &nweights, sizeof(double), err) != 0;
    }
    if (!failed && !t)
        failed = fb_template_set_create(&finder->templates, about.name, about.nwave, about.ncomponents,
                                        about.has_prior, values, err);
    if (!failed && about.has_detector && !d &&
        fastbal_detector_create(&finder->detector, about.detector, nweights, weights, &about.calibration,
                                &message) != FASTBAL_OK)
        failed = fb_fail(err, "detector %s: %s", about.detector, message.text);
    free(values);
    free(weights);
    return failed;
}

static int share_header(struct fb_header_template *template, const struct fb_ranks *ranks,
                        struct fb_error *err)
{
    void *header = template->header; /* NULL on the others */
    size_t size = template->size;

    fb_ranks_broadcast(ranks, template, sizeof *template);
    template->header = NULL;
    int failed = fb_ranks_share(ranks, &header, &size, 1, err);
    template->header = header;
    return failed;
}

/* The headers of BAL tables hold variables of the environment, which may differ between ranks: broadcast rank 0's. */
static int share_headers(struct fb_finder *finder, const struct fb_ranks *ranks, struct fb_error *err)
{
    return share_header(&finder->headers.table, ranks, err) != 0 ||
           share_header(&finder->headers.troughs, ranks, err) != 0;
}

int fb_finder_share(struct fb_finder *finder, const struct fb_finder_options *options,
                    const struct fb_ranks *ranks, struct fb_error *err)
{
    if (ranks->size == 1)
        return 0;
    int failed = share_models(finder, ranks, err);
    if (!failed && ranks->rank > 0)
        failed = start_threads(finder, options, err);
    failed = fb_ranks_agree(ranks, failed, err);
    return failed || share_headers(finder, ranks, err) != 0 ? -1 : 0;
}

/* The setting of a catalog if we have it, else the first name. */
static const char *known_name(const struct choice *c, const char *name)
{
    int i = find_name(c, name);
    return c->names[i < 0 ? 0 : i];
}

void fb_finder_follow(struct fb_finder_options *o, const struct fb_provenance *made)
{
    static const char *const templates[] = { "builtin", "PCA_Eigenvectors_Brodzeller.fits" };
    if (!o->templates && !o->alttemp && made->templates[0]) {
        if (fb_same_templates(made->templates, templates[0]))
            o->templates = "builtin";
        else if (fb_same_templates(made->templates, templates[1]))
            o->templates = "brodzeller";
    }
    if (!o->fit)
        o->fit = known_name(&fits, made->fit);
    if (!o->rules)
        o->rules = known_name(&rules, made->rules);
    if (!o->continuum && made->templates[0] && !made->continuum[0]) /* made before there was a choice */
        o->continuum = continua.names[FASTBAL_CONTINUUM_LEAST_SQUARES];
    if (!o->continuum)
        o->continuum = known_name(&continua, made->continuum);
    if (strcmp(o->fit, "simplex") == 0 && strcmp(o->continuum, "trough-aware") == 0)
        o->continuum = continua.names[FASTBAL_CONTINUUM_DEFAULT];
}

static int check_name(const char *command, const struct choice *c, const char *name)
{
    if (find_name(c, name) < 0)
        fb_print_error(command, "option %s: expected %s, found '%s'", c->option, c->expected, name);
    return find_name(c, name) >= 0;
}

int fb_finder_options_check(const char *command, const struct fb_finder_options *o)
{
    if (o->alttemp && o->templates && strcmp(o->templates, "brodzeller") != 0)
        fb_print_error(command, "options --alttemp and --templates contradict each other");
    else if (check_name(command, &fits, o->fit) && check_name(command, &rules, o->rules) &&
             check_name(command, &continua, o->continuum)) {
        if (find_name(&fits, o->fit) != FASTBAL_FIT_SIMPLEX ||
            find_name(&continua, o->continuum) != FASTBAL_CONTINUUM_TROUGH_AWARE)
            return 1;
        fb_print_error(command, "options --fit simplex and --continuum trough-aware contradict each other");
    }
    return 0;
}
