/* print.c - a listing as aligned text, CSV or ECSV. SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>
#include "list/listing.h"
#include "run/json.h"

static void put_spaces(FILE *out, size_t n)
{
    while (n-- > 0)
        fputc(' ', out);
}

/* ---- aligned text ---- */

/* Numbers to the right, strings and arrays to the left. */
static void put_aligned(FILE *out, const struct fb_listing *l, size_t k, const char *cell)
{
    const struct fb_listing_column *c = &l->columns[k];
    const size_t gap = c->width - strlen(cell);
    const int left = c->column->kind == FB_TEXT || c->n > 1, last = k + 1 == l->ncolumns;
    fputs(k > 0 ? "  " : "", out);
    put_spaces(out, left ? 0 : gap);
    fputs(cell, out);
    put_spaces(out, left && !last ? gap : 0);
}

static void print_text(FILE *out, const struct fb_listing *l)
{
    for (size_t k = 0; k < l->ncolumns; k++)
        put_aligned(out, l, k, l->columns[k].name);
    fputc('\n', out);
    for (size_t i = 0; i < l->nrows; i++) {
        const char *cell = l->text + l->rows[i].begin;
        for (size_t k = 0; k < l->ncolumns; k++, cell += strlen(cell) + 1)
            put_aligned(out, l, k, cell);
        fputc('\n', out);
    }
    fprintf(out, "# %zu of %" PRId64 " rows", l->nmet, l->table.nrows);
    if (l->nrows < l->nmet)
        fprintf(out, ", the first %zu shown", l->nrows);
    fputc('\n', out);
}

/* ---- CSV and ECSV ---- */

static void put_quoted(FILE *out, const char *cell, int needed)
{
    if (!needed && !strpbrk(cell, " ,\"\n\r")) {
        fputs(cell, out);
        return;
    }
    fputc('"', out);
    for (; *cell; cell++) {
        if (*cell == '"')
            fputc('"', out);
        fputc(*cell, out);
    }
    fputc('"', out);
}

static void put_lines(FILE *out, const struct fb_listing *l, const char *separator)
{
    for (size_t k = 0; k < l->ncolumns; k++) {
        fputs(k > 0 ? separator : "", out);
        put_quoted(out, l->columns[k].name, 0);
    }
    for (size_t i = 0; i < l->nrows; i++) {
        const char *cell = l->text + l->rows[i].begin;
        fputc('\n', out);
        for (size_t k = 0; k < l->ncolumns; k++, cell += strlen(cell) + 1) {
            fputs(k > 0 ? separator : "", out);
            put_quoted(out, cell, *cell == '\0' && *separator == ' ');
        }
    }
    fputc('\n', out);
}

/* The type of a column's values in ECSV. */
static const char *type_name(const struct fb_column *c)
{
    static const char codes[] = "LBIJKE";
    static const char *const names[] = { "bool", "uint8", "int16", "int32", "int64", "float32" };
    if (c->kind == FB_TEXT)
        return "string";
    if (fb_column_is_scaled(c) && c->value != 'E')
        return c->value != 'D' && c->scale <= 1 && c->scale >= 1 ? "int64" : "float64";
    const char *code = strchr(codes, c->value);
    return code ? names[code - codes] : "float64";
}

static void put_description(FILE *out, const char *key, const char *text)
{
    if (text[0] == '\0')
        return;
    fprintf(out, ", %s: ", key);
    fb_json_text(out, text); /* which is YAML as well */
}

static void print_ecsv(FILE *out, const struct fb_listing *l)
{
    fputs("# %ECSV 1.0\n# ---\n# datatype:\n", out);
    for (size_t k = 0; k < l->ncolumns; k++) {
        const struct fb_listing_column *c = &l->columns[k];
        const char *type = type_name(c->column);
        fputs("# - {name: ", out);
        fb_json_text(out, c->name);
        fprintf(out, ", datatype: %s", c->n > 1 ? "string" : type);
        if (c->n > 1)
            fprintf(out, ", subtype: '%s[%" PRId64 "]'", type, c->n);
        put_description(out, "unit", c->unit);
        put_description(out, "description", c->description);
        fputs("}\n", out);
    }
    fputs("# schema: astropy-2.0\n", out);
    put_lines(out, l, " ");
}

void fb_listing_print(FILE *out, const struct fb_listing *l)
{
    if (l->request->format == FB_LISTING_TEXT)
        print_text(out, l);
    else if (l->request->format == FB_LISTING_CSV)
        put_lines(out, l, ",");
    else
        print_ecsv(out, l);
}
