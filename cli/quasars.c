/* quasars.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/quasars.h"
#include "desi/catalog.h"
#include "desi/spectra_paths.h"
#include "fits/system.h"
#include "run/message.h"
#include "run/stop.h"

static int take(void *context, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                const struct fastbal_result *result, struct fb_error *err)
{
    struct fb_quasars *q = context;
    const struct fastbal_spectrum spectrum = { s->found ? s->n : 0, s->wavelength, s->flux, s->ivar,
                                               redshift->z };
    q->nmeasured += !(result->status & FASTBAL_NOT_MEASURED);
    if (fb_continua_add(&q->continua, q->finder.templates.templates, redshift->targetid, &spectrum, result) !=
        0)
        return fb_fail(err, "out of memory for target %lld", (long long)redshift->targetid);
    return q->take ? q->take(q->context, s, redshift, result, err) : 0;
}

static void keep_chosen(const struct fb_quasars *q, struct fb_redshifts *redshifts)
{
    size_t kept = 0;
    for (size_t i = 0; i < redshifts->n; i++)
        if (q->chosen.n == 0 || fb_id_list_find(&q->chosen, redshifts->rows[i].targetid) < q->chosen.n)
            redshifts->rows[kept++] = redshifts->rows[i];
    redshifts->n = kept;
}

int fb_quasars_measure_file(struct fb_quasars *q, const char *path, struct fb_redshifts *redshifts,
                            struct fb_error *err)
{
    keep_chosen(q, redshifts);
    if (redshifts->n == 0)
        return 0;
    return fb_need_file(path, "spectra", err) != 0
               ? -1
               : fb_measure_each(&q->finder.measurers[0], path, redshifts, take, q, err);
}

static int measure_pixel(struct fb_quasars *q, size_t index, struct fb_error *err)
{
    struct fb_redshifts redshifts = { 0 };
    char *path = fb_spectra_path(&q->layout.tree, q->sorted.pixels.ids[index], err);
    int failed = !path || fb_pixel_rows_choose(&q->sorted, index, &redshifts, err) != 0 ||
                 fb_quasars_measure_file(q, path, &redshifts, err) != 0;
    fb_redshifts_release(&redshifts);
    free(path);
    return failed ? -1 : 0;
}

/* A pixel that can't be read is reported, and the others are measured. */
void fb_quasars_measure(struct fb_quasars *q)
{
    struct fb_error err;
    for (size_t k = 0; k < q->sorted.pixels.n && !fb_stop_signal(); k++) {
        if (measure_pixel(q, k, &err) == 0)
            continue;
        fb_print_error(q->command, "%s", err.text);
        q->nfailed++;
    }
}

int fb_quasars_prepare_finder(struct fb_quasars *q, const char *product, struct fb_error *err)
{
    fb_finder_follow(&q->options->finder, &q->made);
    snprintf(q->finder.made.product, sizeof q->finder.made.product, "%s", product);
    if (fb_finder_prepare(&q->finder, &q->options->finder, err) != 0)
        return -1;
    if (q->finder.templates.note[0])
        fb_print_error(q->command, "%s", q->finder.templates.note);
    q->continua.ntemplates = q->finder.ntemplates;
    q->continua.made = q->finder.made;
    return 0;
}

/* The words for what differs between the settings of a catalog and ours; the number of them. */
static int list_differences(const struct fb_provenance *theirs, const struct fb_provenance *ours, char *text,
                            size_t size)
{
    int n = 0;
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const struct fb_provenance_key *key = &fb_provenance_keys[k];
        const char *a = fb_provenance_text(theirs, key), *b = fb_provenance_text(ours, key);
        int same = strcmp(a, b) == 0 || (a == theirs->templates && fb_same_templates(a, b));
        /* the tree is the user's choice, and a detector changes neither continua nor troughs */
        if (a[0] == '\0' || same || a == theirs->product || a == theirs->detector)
            continue;
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s %s, here %s", n++ > 0 ? "; " : "", key->words, a, b);
    }
    return n;
}

/* A catalog whose BAL columns were measured otherwise does not show what is found here. */
static void compare_settings(const struct fb_quasars *q)
{
    char text[900] = "";
    if (list_differences(&q->made, &q->finder.made, text, sizeof text) > 0)
        fb_print_error(q->command,
                       "%s: its BAL columns were made with other settings (%s): troughs may differ",
                       q->options->qsocat, text);
}

int fb_quasars_prepare(struct fb_quasars *q, struct fb_error *err)
{
    const struct fb_quasars_options *o = q->options;
    if (fb_layout_find(&q->layout, &o->layout, 1, err) != 0 ||
        (!q->catalog.path && fb_catalog_open(&q->catalog, o->qsocat, err) != 0))
        return -1;
    fb_provenance_read(&q->catalog, &q->made);
    if (fb_quasars_prepare_finder(q, fb_layout_product(&q->layout), err) != 0 ||
        fb_layout_read_map(&q->layout, NULL, err) != 0 ||
        fb_selection_make(&q->selection, &q->layout, &o->layout, err) != 0 ||
        fb_pixel_rows_take(&q->sorted, &q->catalog, &q->layout, &q->selection, err) != 0)
        return -1;
    compare_settings(q);
    return 0;
}

int fb_quasars_main(struct fb_quasars *q, enum fb_options_outcome outcome,
                    int (*work)(void *context, struct fb_error *err), void *context)
{
    struct fb_error err = { "" };
    int status = outcome;
    if (outcome == FB_OPTIONS_RUN && !fb_finder_options_check(q->command, &q->options->finder))
        status = FB_OPTIONS_BAD;
    if (status == FB_OPTIONS_RUN) {
        q->options->finder.nproc = 1;
        fb_stop_watch(q->command);
        status = fb_command_ends(q->command, work(context, &err), &err);
    }
    fb_id_list_release(&q->chosen);
    fb_continua_release(&q->continua);
    fb_finder_release(&q->finder);
    fb_pixel_rows_release(&q->sorted);
    fb_table_close(&q->catalog);
    fb_selection_release(&q->selection);
    fb_layout_release(&q->layout);
    fb_layout_options_release(&q->options->layout);
    return status;
}
