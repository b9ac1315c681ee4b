/* tables.c - figures as JSON and ECSV. SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include "fastbal.h"
#include "run/json.h"
#include "score/report.h"

static const char *const kinds[] = { "catalog", "simulation", "mock" };

static double low(const struct fb_score_figure *f)
{
    return fb_score_bins[f->by].edges[f->bin];
}

static double high(const struct fb_score_figure *f)
{
    return fb_score_bins[f->by].edges[f->bin + 1];
}

/* ---- JSON ---- */

static void put_table(FILE *out, const struct fb_score_table *t)
{
    fputs("{\"path\": ", out);
    fb_json_text(out, t->path);
    fputs(", \"hdu\": ", out);
    fb_json_text(out, t->hdu);
    fprintf(out, ", \"kind\": \"%s\", \"rows\": %zu}", kinds[t->kind], t->n + t->nrepeated);
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
    put_value(out, "low", low(f));
    put_value(out, "high", high(f));
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
    fb_json_text(out, text); /* which is YAML as well */
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

void fb_score_print_ecsv(FILE *out, const struct fb_score *score)
{
    static const char *const columns[] = { "catalog", "table", "subject", "figure", "by",    "low",
                                           "high",    "part",  "of",      "value",  "lower", "upper" };
    static const char *const types[] = { "string",  "string", "string", "string",  "string",  "float64",
                                         "float64", "int64",  "int64",  "float64", "float64", "float64" };
    enum { NCOLUMNS = sizeof columns / sizeof *columns };
    fputs("# %ECSV 1.0\n# ---\n# datatype:\n", out);
    for (int i = 0; i < NCOLUMNS; i++)
        fprintf(out, "# - {name: %s, datatype: %s}\n", columns[i], types[i]);
    fprintf(out, "# meta:\n#   program: fastbal %s\n#   agreement: %s\n", fastbal_version(),
            score->agreement ? "true" : "false");
    put_meta(out, "truth", score->truth->path);
    put_meta(out, "a", score->catalogs[0]->path);
    if (score->catalogs[1])
        put_meta(out, "b", score->catalogs[1]->path);
    fputs("# schema: astropy-2.0\n", out);
    for (int i = 0; i < NCOLUMNS; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", columns[i]);
    for (size_t i = 0; i < score->n; i++) {
        const struct fb_score_figure *f = &score->figures[i];
        fprintf(out, "\n\"%s\" %s \"%s\" %s %s", f->catalog, f->table, f->subject, f->figure,
                fb_score_bins[f->by].name);
        put_cell(out, low(f));
        put_cell(out, high(f));
        put_count_cell(out, f->part);
        put_count_cell(out, f->of);
        put_cell(out, f->value);
        put_cell(out, f->lower);
        put_cell(out, f->upper);
    }
    fputs("\n", out);
}
