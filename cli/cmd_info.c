/*
 * cmd_info.c - fastbal info: what made a file, and what is in it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/options.h"
#include "desi/provenance.h"
#include "fits/anytable.h"
#include "fits/unpack.h"
#include "pipeline/tally.h"
#include "run/message.h"

/* The columns that say what became of a quasar; NULL where the table lacks one. */
struct columns {
    const struct fb_cell_column *ai, *bi, *balmask, *balstatus;
};

static const char *const table_names[] = { "BALCAT",    "ZCATALOG", "QSO_CAT", "REDSHIFTS", "ZBEST",
                                           "TEMPLATES", "FIBERMAP", "*",       NULL };

static int find_columns(const struct fb_any_table *table, struct columns *c)
{
    *c = (struct columns){ fb_any_table_column(table, "AI_CIV"), fb_any_table_column(table, "BI_CIV"),
                           fb_any_table_column(table, "BALMASK"), fb_any_table_column(table, "BALSTATUS") };
    return c->ai && c->bi;
}

static double number(const struct fb_cell_column *column, const unsigned char *row)
{
    return column && column->kind == FB_CELL_NUMBERS && column->values > 0
               ? fb_cell_number(column, row, 0).real
               : 0;
}

static void count_row(const struct columns *c, const unsigned char *bytes, struct fb_tally *tally)
{
    struct fb_balrow row = { .balmask = (uint8_t)number(c->balmask, bytes),
                             .balstatus = (int32_t)number(c->balstatus, bytes) };
    row.civ_ai.index = (float)number(c->ai, bytes);
    row.civ_bi.index = (float)number(c->bi, bytes);
    fb_tally_count(tally, fb_fate_in_catalog(&row), &row);
}

static int count_rows(struct fb_any_table *table, const struct columns *c, struct fb_tally *tally,
                      struct fb_error *err)
{
    int64_t block = (1 << 20) / (int64_t)(table->row_bytes + 1) + 1;
    unsigned char *bytes = malloc((size_t)block * table->row_bytes + 1);
    int failed = bytes ? 0 : fb_fail(err, "out of memory");
    for (int64_t first = 0; !failed && first < table->nrows; first += block) {
        int64_t n = table->nrows - first < block ? table->nrows - first : block;
        failed = fb_any_table_rows(table, first, n, bytes, err);
        for (int64_t i = 0; !failed && i < n; i++)
            count_row(c, bytes + (size_t)i * table->row_bytes, tally);
    }
    free(bytes);
    return failed;
}

/* ---- what made it ---- */

static void say_settings(struct fb_any_table *table)
{
    char text[1000];
    for (const struct fb_provenance_key *key = fb_provenance_keys; key < fb_provenance_keys + FB_NPROVENANCE;
         key++)
        if (fb_any_table_text(table, key->keyword, text, sizeof text))
            fb_print("  %s: %s", key->words, text);
    if (fb_any_table_text(table, "BALOPTS", text, sizeof text))
        fb_print("  options: %s", text);
}

/* DEPNAMnn and DEPVERnn. */
static void say_dependencies(struct fb_any_table *table)
{
    char key[16], name[100], version[500];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "DEPNAM%02d", i);
        if (!fb_any_table_text(table, key, name, sizeof name))
            continue;
        snprintf(key, sizeof key, "DEPVER%02d", i);
        fb_any_table_text(table, key, version, sizeof version);
        fb_print("  %s: %s", name, version);
    }
}

static int say_table(struct fb_any_table *table, const char *path, struct fb_error *err)
{
    char text[FB_TALLY_TEXT];
    struct fb_tally tally = { 0 };
    struct columns columns;
    int has_bals = find_columns(table, &columns);

    if (has_bals && count_rows(table, &columns, &tally, err) != 0)
        return -1;
    fb_print("%s: table %s, %" PRId64 " row%s, %zu columns%s", path, table->name, table->nrows,
             fb_s((size_t)table->nrows), table->ncolumns, has_bals ? "" : ", no BAL columns");
    fb_tally_text(&tally, NULL, text);
    if (has_bals)
        fb_print("  %s", text);
    say_settings(table);
    say_dependencies(table);
    if (fb_any_table_history(table, "Last updated", text, sizeof text))
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
    struct fb_option options[] = { { NULL, NULL, FB_OPT_POSITIONAL, &path, .metavar = "FILE",
                                     .help = "a BAL table, a catalog, a redshift catalog or templates",
                                     .required = 1 },
                                   FB_MAX_UNPACKED_OPTION,
                                   { 0 } };
    struct fb_any_table table = { 0 };
    struct fb_error err;

    enum fb_options_outcome outcome = fb_options_parse(&info_help, options, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    int failed =
        fb_any_table_open(&table, path, table_names, &err) != 0 || say_table(&table, path, &err) != 0;
    if (failed)
        fb_print_error("info", "%s", err.text);
    fb_any_table_close(&table);
    return failed ? FB_EXIT_UNUSABLE : FB_EXIT_DONE;
}
