/* tables.c - figures as JSON and ECSV. SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include "fastbal.h"
#include "run/binomial.h"
#include "run/json.h"
#include "score/report.h"

static const char *const kinds[] = { "catalog", "simulation", "mock" };

/* ---- JSON ---- */

static void put_table(FILE *out, const struct fb_score_table *t)
{
    fputs("{\"path\": ", out);
    fb_json_text(out, t->path);
    fputs(", \"hdu\": ", out);
    fb_json_text(out, t->hdu);
    fprintf(out, ", \"kind\": \"%s\", \"rows\": %zu, \"finds\": \"%s\"}", kinds[t->kind], t->n + t->nrepeated,
            fb_score_finds(t));
}

static void put_count(FILE *out, const char *key, int64_t count)
{
    fputs(", ", out);
    fb_json_key(out, key);
    fb_json_number(out, count < 0 ? NAN : (double)count);
}

static void put_value(FILE *out, const char *key, double value)
{
    fputs(", ", out);
    fb_json_key(out, key);
    fb_json_number(out, value);
}

static void put_figure(FILE *out, const struct fb_score_figure *f)
{
    fprintf(
        out,
        "{\"catalog\": \"%s\", \"table\": \"%s\", \"subject\": \"%s\", \"figure\": \"%s\", \"by\": \"%s\"",
        f->catalog, f->table, f->subject, f->figure, fb_score_bins[f->by].name);
    put_value(out, "low", fb_score_bins[f->by].edges[f->bin]);
    put_value(out, "high", fb_score_bins[f->by].edges[f->bin + 1]);
    put_count(out, "part", f->part);
    put_count(out, "of", f->of);
    put_value(out, "value", f->value);
    put_value(out, "lower", f->lower);
    put_value(out, "upper", f->upper);
    fputc('}', out);
}

void fb_score_print_json(FILE *out, const struct fb_score *score)
{
    fprintf(out, "{\n  \"program\": \"fastbal %s\",\n  \"agreement\": %s,\n  \"truth\": ", fastbal_version(),
            score->agreement ? "true" : "false");
    put_table(out, score->truth);
    fputs(",\n  \"catalogs\": [", out);
    for (int i = 0; i < 2 && score->catalogs[i]; i++) {
        fputs(i > 0 ? ", " : "", out);
        put_table(out, score->catalogs[i]);
    }
    fputs("],\n  \"figures\": [", out);
    for (size_t i = 0; i < score->n; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", out);
        put_figure(out, &score->figures[i]);
    }
    fputs("]\n}\n", out);
}

/* ---- ECSV ---- */

static void put_meta(FILE *out, const char *key, const char *text)
{
    fprintf(out, "#   %s: ", key);
    fb_json_text(out, text); /* a JSON string is also YAML */
    fputs("\n", out);
}

static void put_cell(FILE *out, double value)
{
    if (isnan(value))
        fputs(" nan", out);
    else if (isinf(value))
        fputs(value > 0 ? " inf" : " -inf", out);
    else
        fprintf(out, " %.17g", value);
}

static void put_count_cell(FILE *out, int64_t count)
{
    if (count < 0)
        fputs(" \"\"", out); /* masked */
    else
        fprintf(out, " %" PRId64, count);
}

struct ecsv_column {
    const char *name, *datatype;
};

/* Write everything before the rows. `finds` is that of the first catalog. */
static void begin_ecsv(FILE *out, const struct fb_score *score, const struct ecsv_column *columns, int n)
{
    fputs("# %ECSV 1.0\n# ---\n# datatype:\n", out);
    for (int i = 0; i < n; i++)
        fprintf(out, "# - {name: %s, datatype: %s}\n", columns[i].name, columns[i].datatype);
    fprintf(out, "# meta:\n#   program: fastbal %s\n#   agreement: %s\n", fastbal_version(),
            score->agreement ? "true" : "false");
    put_meta(out, "truth", score->truth->path);
    put_meta(out, "a", score->catalogs[0]->path);
    if (score->catalogs[1])
        put_meta(out, "b", score->catalogs[1]->path);
    put_meta(out, "finds", fb_score_finds(score->catalogs[0]));
    fputs("# schema: astropy-2.0\n", out);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", columns[i].name);
}

static void put_bin(FILE *out, enum fb_score_axis axis, int bin)
{
    put_cell(out, fb_score_bins[axis].edges[bin]);
    put_cell(out, fb_score_bins[axis].edges[bin + 1]);
}

void fb_score_print_ecsv(FILE *out, const struct fb_score *score)
{
    static const struct ecsv_column columns[] = {
        { "catalog", "string" }, { "table", "string" },  { "subject", "string" }, { "figure", "string" },
        { "by", "string" },      { "low", "float64" },   { "high", "float64" },   { "part", "int64" },
        { "of", "int64" },       { "value", "float64" }, { "lower", "float64" },  { "upper", "float64" }
    };
    begin_ecsv(out, score, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < score->n; i++) {
        const struct fb_score_figure *f = &score->figures[i];
        fprintf(out, "\n\"%s\" %s \"%s\" %s %s", f->catalog, f->table, f->subject, f->figure,
                fb_score_bins[f->by].name);
        put_bin(out, f->by, f->bin);
        put_count_cell(out, f->part);
        put_count_cell(out, f->of);
        put_cell(out, f->value);
        put_cell(out, f->lower);
        put_cell(out, f->upper);
    }
    fputs("\n", out);
}

/* ---- the selection function ---- */

static void put_selection(FILE *out, const struct fb_score_selection *s, enum fb_score_selection_kind kind,
                          int row, int column)
{
    const enum fb_score_axis axis = fb_score_selection_axes[kind];
    const int64_t part = s->part[kind][row][column], of = s->of[kind][row][column];
    const struct fb_share share = fb_share_of((size_t)part, (size_t)of);
    fprintf(out, "\n%s", kind == FB_SELECT_AI ? "quasars" : "troughs");
    put_bin(out, FB_BY_SNR, row);
    fprintf(out, " %s", fb_score_bins[axis].name);
    put_bin(out, axis, column);
    put_count_cell(out, part);
    put_count_cell(out, of);
    put_cell(out, share.value);
    put_cell(out, share.lower);
    put_cell(out, share.upper);
}

void fb_score_print_selection(FILE *out, const struct fb_score *score)
{
    static const struct ecsv_column columns[] = { { "table", "string" },         { "snr_low", "float64" },
                                                  { "snr_high", "float64" },     { "by", "string" },
                                                  { "low", "float64" },          { "high", "float64" },
                                                  { "part", "int64" },           { "of", "int64" },
                                                  { "completeness", "float64" }, { "lower", "float64" },
                                                  { "upper", "float64" } };
    begin_ecsv(out, score, columns, sizeof columns / sizeof *columns);
    for (int kind = 0; kind < FB_NSELECTIONS; kind++)
        for (int row = 0; row < fb_score_bins[FB_BY_SNR].n; row++)
            for (int column = 0; column < fb_score_bins[fb_score_selection_axes[kind]].n; column++)
                put_selection(out, &score->selection, (enum fb_score_selection_kind)kind, row, column);
    fputs("\n", out);
}
