/* finder_options.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "cli/finder_options.h"
#include "desi/detector_file.h"
#include "run/message.h"
#include "run/schedule.h"

/* Names of the fits, by enum fastbal_fit; the first is the default. */
static const char *const fit_names[] = { [FASTBAL_FIT_EXACT] = "exact", [FASTBAL_FIT_SIMPLEX] = "simplex" };
/* Names of the rules, by enum fastbal_rules; the first is the default. */
static const char *const rules_names[] = {
    [FASTBAL_RULES_MAIN] = "main", [FASTBAL_RULES_OPTIMIZE] = "optimize", [FASTBAL_RULES_FASTBAL] = "fastbal"
};
/* Names of the continua, by enum fastbal_continuum. */
static const char *const continuum_names[] = { [FASTBAL_CONTINUUM_DEFAULT] = "default",
                                               [FASTBAL_CONTINUUM_LEAST_SQUARES] = "least-squares",
                                               [FASTBAL_CONTINUUM_TROUGH_AWARE] = "trough-aware" };
enum {
    NFITS = sizeof fit_names / sizeof *fit_names,
    NRULES = sizeof rules_names / sizeof *rules_names,
    NCONTINUA = sizeof continuum_names / sizeof *continuum_names
};

/* The index of a name; 0 for NULL, n if there is no such name. */
static int find_name(const char *const *names, int n, const char *name)
{
    int i = 0;
    while (name && i < n && strcmp(names[i], name) != 0)
        i++;
    return i;
}

void fb_finder_old_default(struct fb_finder_options *options)
{
    options->continuum = continuum_names[FASTBAL_CONTINUUM_LEAST_SQUARES];
    options->detector = "off";
}

/* What the default is for these templates and this fit, as in the library; BAL tables name it. */
static int choose_continuum(const struct fb_finder *finder, const struct fb_finder_options *options, int fit)
{
    struct fastbal_prior prior;
    int continuum = find_name(continuum_names, NCONTINUA, options->continuum);
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
    int fit = find_name(fit_names, NFITS, options->fit);
    int rules = find_name(rules_names, NRULES, options->rules);
    int continuum = choose_continuum(finder, options, fit);
    const struct fastbal_options measure = { sizeof measure, fit, rules, continuum, finder->detector };
    return fb_finder_start(finder, fb_threads(options->nproc), &measure, fit_names[fit], rules_names[rules],
                           continuum_names[continuum], err);
}

int fb_finder_prepare(struct fb_finder *finder, const struct fb_finder_options *options, struct fb_error *err)
{
    const char *name = options->templates ? options->templates : options->alttemp ? "brodzeller" : NULL;

    if (fb_template_set_read(&finder->templates, name, FB_SHARE, err) != 0 ||
        read_detector(finder, options, err) != 0 || start_threads(finder, options, err) != 0)
        return -1;
    return fb_baltable_headers_create(&finder->headers, finder->ntemplates, &finder->made, err);
}

/* Broadcast rank 0's templates. */
static int share_templates(struct fb_finder *finder, const struct fb_ranks *ranks, struct fb_error *err)
{
    const fastbal_templates *t = finder->templates.templates; /* NULL on the others */
    struct {
        int ncomponents, has_prior;
        size_t nwave;
        char name[sizeof finder->templates.name];
    } about = { 0 };
    size_t n = 0;
    void *values = t ? fb_template_set_values(&finder->templates, &n) : NULL;
    struct fastbal_prior prior;

    if (t) {
        about.ncomponents = fastbal_templates_count(t);
        about.has_prior = fastbal_templates_prior(t, &prior);
        about.nwave = fastbal_templates_size(t);
        memcpy(about.name, finder->templates.name, sizeof about.name);
    }
    int failed = t && !values ? fb_fail(err, "out of memory for %zu wavelengths", about.nwave) : 0;
    failed = fb_ranks_agree(ranks, failed, err);
    if (!failed) {
        fb_ranks_broadcast(ranks, &about, sizeof about);
        failed = fb_ranks_share(ranks, &values, &n, sizeof(double), err);
    }
    if (!failed && !t)
        failed = fb_template_set_create(&finder->templates, about.name, about.nwave, about.ncomponents,
                                        about.has_prior, values, err);
    free(values);
    return failed;
}

/* Broadcast rank 0's detector, if it has one. */
static int share_detector(struct fb_finder *finder, const struct fb_ranks *ranks, struct fb_error *err)
{
    const fastbal_detector *d = finder->detector; /* NULL on the others */
    struct {
        int has;
        char name[FB_DETECTOR_NAME];
        struct fastbal_calibration calibration;
    } about = { 0 };
    struct fastbal_message message;
    size_t n = 0;
    void *weights = d ? fb_detector_weights(d, &n) : NULL;

    if (d) {
        about.has = 1;
        fb_detector_own_name(d, about.name);
        about.calibration = *fastbal_detector_calibration(d);
    }
    int failed =
        fb_ranks_agree(ranks, d && !weights ? fb_fail(err, "out of memory for the detector") : 0, err);
    if (!failed) {
        fb_ranks_broadcast(ranks, &about, sizeof about);
        failed = fb_ranks_share(ranks, &weights, &n, sizeof(double), err);
    }
    if (!failed && about.has && !d &&
        fastbal_detector_create(&finder->detector, about.name, n, weights, &about.calibration, &message) !=
            FASTBAL_OK)
        failed = fb_fail(err, "detector %s: %s", about.name, message.text);
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
    int failed = share_templates(finder, ranks, err);
    failed = fb_ranks_agree(ranks, failed, err);
    if (!failed)
        failed = share_detector(finder, ranks, err);
    if (!failed && ranks->rank > 0)
        failed = start_threads(finder, options, err);
    failed = fb_ranks_agree(ranks, failed, err);
    return failed || share_headers(finder, ranks, err) != 0 ? -1 : 0;
}

/* The setting of a catalog if we have it, else the first name. */
static const char *known_name(const char *const *names, int n, const char *name)
{
    int i = find_name(names, n, name);
    return names[i < n ? i : 0];
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
        o->fit = known_name(fit_names, NFITS, made->fit);
    if (!o->rules)
        o->rules = known_name(rules_names, NRULES, made->rules);
    if (!o->continuum && made->templates[0] && !made->continuum[0]) /* made before there was a choice */
        o->continuum = continuum_names[FASTBAL_CONTINUUM_LEAST_SQUARES];
    if (!o->continuum)
        o->continuum = known_name(continuum_names, NCONTINUA, made->continuum);
    if (strcmp(o->fit, "simplex") == 0 && strcmp(o->continuum, "trough-aware") == 0)
        o->continuum = continuum_names[FASTBAL_CONTINUUM_DEFAULT];
}

int fb_finder_options_check(const char *command, const struct fb_finder_options *options)
{
    if (options->alttemp && options->templates && strcmp(options->templates, "brodzeller") != 0)
        fb_print_error(command, "options --alttemp and --templates contradict each other");
    else if (find_name(fit_names, NFITS, options->fit) == NFITS)
        fb_print_error(command, "option --fit: expected exact or simplex, found '%s'", options->fit);
    else if (find_name(rules_names, NRULES, options->rules) == NRULES)
        fb_print_error(command, "option --rules: expected main, optimize or fastbal, found '%s'",
                       options->rules);
    else if (find_name(continuum_names, NCONTINUA, options->continuum) == NCONTINUA)
        fb_print_error(command,
                       "option --continuum: expected default, trough-aware or least-squares, found '%s'",
                       options->continuum);
    else if (options->fit && options->continuum && strcmp(options->fit, "simplex") == 0 &&
             strcmp(options->continuum, "trough-aware") == 0)
        fb_print_error(command, "options --fit simplex and --continuum trough-aware contradict each other");
    else
        return 1;
    return 0;
}
