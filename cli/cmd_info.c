/*
 * cmd_info.c - fastbal info: shows the provenance and contents of a file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/options.h"
#include "desi/detector_file.h"
#include "desi/provenance.h"
#include "fits/table.h"
#include "fits/unpack.h"
#include "pipeline/tally.h"
#include "run/message.h"

/* The columns with the results of a quasar; NULL if the table lacks one. */
struct columns {
    const struct fb_column *ai, *bi, *probability, *snr, *balmask, *balstatus;
};

static const char *const table_names[] = { "BALCAT",    "ZCATALOG", "QSO_CAT",  "REDSHIFTS", "ZBEST",
                                           "TEMPLATES", "DETECTOR", "FIBERMAP", "*",         NULL };

static int find_columns(const struct fb_table *table, struct columns *c)
{
    *c = (struct columns){ fb_table_find(table, "AI_CIV"),   fb_table_find(table, "BI_CIV"),
                           fb_table_find(table, "BAL_PROB"), fb_table_find(table, "SNR_CIV"),
                           fb_table_find(table, "BALMASK"),  fb_table_find(table, "BALSTATUS") };
    return c->ai && c->bi &&
           c->ai->values > 0; /* so that rows have bytes, and the file says how many there are */
}

static double number(const struct fb_column *column, const unsigned char *row)
{
    return column && column->kind == FB_NUMBERS && column->values > 0 ? fb_column_number(column, row) : 0;
}

static void count_row(const struct columns *c, const unsigned char *bytes, struct fb_tally *tally)
{
    struct fb_balrow row = { .balmask = (uint8_t)number(c->balmask, bytes),
                             .balstatus = (int32_t)number(c->balstatus, bytes) };
    row.civ_ai.index = (float)number(c->ai, bytes);
    row.civ_bi.index = (float)number(c->bi, bytes);
    row.bal_prob = (float)number(c->probability, bytes);
    row.snr_civ = c->snr ? (float)number(c->snr, bytes) : NAN;
    fb_tally_count(tally, fb_fate_in_catalog(&row), &row);
}

static int count_rows(struct fb_table *table, const struct columns *c, struct fb_tally *tally,
                      struct fb_error *err)
{
    for (int64_t i = 0; i < table->nrows; i++) {
        const unsigned char *row = fb_table_row(table, i, err);
        if (!row)
            return -1;
        count_row(c, row, tally);
    }
    return 0;
}

/* ---- provenance ---- */

static void say_settings(struct fb_table *table)
{
    char text[1000];
    for (const struct fb_provenance_key *key = fb_provenance_keys; key < fb_provenance_keys + FB_NPROVENANCE;
         key++)
        if (fb_table_keyword(table, key->keyword, text, sizeof text) && text[0] != '\0')
            fb_print("  %s: %s", key->words, text);
    if (fb_table_keyword(table, "BALOPTS", text, sizeof text) && text[0] != '\0')
        fb_print("  options: %s", text);
}

/* What templates and detectors were trained on. */
static void say_training(struct fb_table *table)
{
    char n[32], product[100], catalog[500], options[500];
    if (!fb_table_keyword(table, "TRNNSPEC", n, sizeof n))
        return;
    fb_table_keyword(table, "TRNPROD", product, sizeof product);
    fb_table_keyword(table, "TRNCAT", catalog, sizeof catalog);
    fb_table_keyword(table, "TRNOPTS", options, sizeof options);
    fb_print("  trained on: %s spectra of %s, quasars of %s, %s", n, product, catalog, options);
}

/* A detector is read, to say its name with its checksum. */
static int say_detector(const struct fb_table *table, const char *path, struct fb_error *err)
{
    fastbal_detector *detector;
    if (strcmp(table->name, "DETECTOR") != 0)
        return 0;
    if (fb_detector_read(&detector, path, err) != 0)
        return -1;
    fb_print("  detector: %s", fastbal_detector_name(detector));
    fastbal_detector_free(detector);
    return 0;
}

/* DEPNAMnn and DEPVERnn. */
static void say_dependencies(struct fb_table *table)
{
    char key[16], name[100], version[500];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "DEPNAM%02d", i);
        if (!fb_table_keyword(table, key, name, sizeof name) || name[0] == '\0')
            continue;
        snprintf(key, sizeof key, "DEPVER%02d", i);
        fb_table_keyword(table, key, version, sizeof version);
        fb_print("  %s: %s", name, version);
    }
}

static int say_table(struct fb_table *table, const char *path, struct fb_error *err)
{
    char text[FB_TALLY_TEXT];
    struct fb_tally tally = { 0 };
    struct columns columns;
    int has_bals = find_columns(table, &columns);

    if (has_bals && count_rows(table, &columns, &tally, err) != 0)
        return -1;
    fb_print("%s: table %s, %" PRId64 " row%s, %d columns%s", path, table->name, table->nrows,
             fb_s((size_t)table->nrows), table->ncolumns, has_bals ? "" : ", no BAL columns");
    fb_tally_text(&tally, NULL, text);
    if (has_bals)
        fb_print("  %s", text);
    fb_tally_snr_text(&tally, text);
    if (text[0])
        fb_print("  %s", text);
    if (say_detector(table, path, err) != 0)
        return -1;
    say_settings(table);
    say_training(table);
    say_dependencies(table);
    if (fb_table_history(table, "Last updated", text, sizeof text))
        fb_print("  %s", text);
    return 0;
}

static const struct fb_command_help info_help = {
    .command = "info",
    .usage = "FILE",
    .summary = "Say what made a file, and what is in it.",
    .example = "fastbal info qso-bal.fits",
};

int fb_cmd_info(int argc, char **argv)
{
    const char *path = NULL;
    struct fb_option options[] = {
        { NULL, NULL, FB_OPT_POSITIONAL, &path, .metavar = "FILE",
          .help = "a BAL table, a catalog, a redshift catalog, templates or a detector", .required = 1 },
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    struct fb_table table = { 0 };
    struct fb_error err;

    enum fb_options_outcome outcome = fb_options_parse(&info_help, options, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    int failed = fb_table_open(&table, path, table_names, &err) != 0 || say_table(&table, path, &err) != 0;
    if (failed)
        fb_print_error("info", "%s", err.text);
    fb_table_close(&table);
    return failed ? FB_EXIT_UNUSABLE : FB_EXIT_DONE;
}
