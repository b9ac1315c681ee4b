/*
 * print_table.c - the first table of a file as JSON, as our reader and as CFITSIO have it, for test_tables.py.
 *
 * usage: print_table FILE [KEYWORD | COLUMN=TEXT]...
 *
 * Of every column its form and values: whole numbers, others, texts, or null where it is of variable length; of every
 * KEYWORD its text, or null; of every COLUMN=TEXT whether the rows hold this text.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <fitsio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/table.h"

static void print_text(const char *text, size_t n)
{
    putchar('"');
    for (size_t i = 0; i < n; i++)
        printf(strchr("\"\\", text[i]) ? "\\%c" : "%c", text[i]);
    putchar('"');
}

static void print_real(double value)
{
    if (isnan(value))
        printf("NaN");
    else if (isinf(value))
        printf(value < 0 ? "-Infinity" : "Infinity");
    else
        printf("%.17g", value);
}

static void print_cell(const struct fb_column *c, const unsigned char *row)
{
    for (int64_t k = 0; k < c->values; k++) {
        size_t length;
        struct fb_number number = { 0 };
        if (k > 0)
            printf(", ");
        if (c->kind == FB_TEXT) {
            const char *text = fb_column_text(c, row, k, &length);
            print_text(text, length);
            continue;
        }
        number = fb_column_value(c, row, k);
        if (number.whole)
            printf("%lld", (long long)number.integer);
        else
            print_real(number.real);
    }
}

static int print_ours(struct fb_table *t, const struct fb_column *c, struct fb_error *err)
{
    for (int64_t i = 0; i < t->nrows; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        if (!row)
            return -1;
        printf(i > 0 ? ", [" : "[");
        print_cell(c, row);
        putchar(']');
    }
    return 0;
}

/* All numbers as doubles, nulls as NaN. */
static int print_cfitsio(fitsfile *file, const struct fb_table *t, const struct fb_column *c)
{
    int status = 0, any;
    double null = NAN, *values = calloc((size_t)c->repeat + 1, sizeof *values);
    for (int64_t i = 0; values && i < t->nrows && status == 0; i++) {
        fits_read_col(file, TDOUBLE, c->number, i + 1, 1, c->repeat, &null, values, &any, &status);
        printf(i > 0 ? ", [" : "[");
        for (int64_t k = 0; k < c->repeat; k++) {
            printf(k > 0 ? ", " : "");
            print_real(values[k]);
        }
        putchar(']');
    }
    free(values);
    return status;
}

static int print_columns(struct fb_table *t, fitsfile *file, struct fb_error *err)
{
    printf("{\"name\": \"%s\", \"columns\": {", t->name);
    for (int i = 0; i < t->ncolumns; i++) {
        const struct fb_column *c = &t->columns[i];
        printf("%s\"%s\": {\"form\": \"%s\", \"values\": ", i > 0 ? ",\n" : "", c->name, c->form);
        if (c->kind == FB_LIST) {
            printf("null}");
            continue;
        }
        putchar('[');
        if (print_ours(t, c, err) != 0)
            return -1;
        printf("], \"cfitsio\": ");
        if (c->type == c->value && strchr("BIJKED", c->type)) {
            putchar('[');
            if (print_cfitsio(file, t, c) != 0)
                return fb_fail(err, "CFITSIO can't read column %s", c->name);
            printf("]}");
        } else {
            printf("null}");
        }
    }
    printf("},\n\"asked\": {");
    return 0;
}

static int print_asked(struct fb_table *t, char *asked, struct fb_error *err)
{
    char text[1000], *equals = strchr(asked, '=');
    printf("\"%s\": ", asked);
    if (!equals) {
        if (fb_table_keyword(t, asked, text, sizeof text))
            print_text(text, strlen(text));
        else
            printf("null");
        return 0;
    }
    *equals = '\0';
    const struct fb_column *c = fb_table_find(t, asked);
    putchar('[');
    for (int64_t i = 0; c && i < t->nrows; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        int same = row ? fb_table_same_text(t, c, row, equals + 1, err) : -1;
        if (same < 0)
            return -1;
        printf("%s%d", i > 0 ? ", " : "", same);
    }
    putchar(']');
    return 0;
}

int main(int argc, char **argv)
{
    struct fb_table t = { 0 };
    struct fb_error err = { "" };
    fitsfile *file = NULL;
    int status = 0, failed = argc < 2 || fb_table_open(&t, argv[1], NULL, &err) != 0;
    if (!failed && (fits_open_diskfile(&file, argv[1], READONLY, &status) ||
                    fits_movabs_hdu(file, (int)(t.hdu - t.hdus->hdu) + 1, NULL, &status)))
        failed = fb_fail(&err, "CFITSIO can't open it");
    if (!failed)
        failed = print_columns(&t, file, &err);
    for (int i = 2; i < argc && !failed; i++) {
        printf(i > 2 ? ", " : "");
        failed = print_asked(&t, argv[i], &err);
    }
    if (failed)
        fprintf(stderr, "%s\n", err.text);
    else
        printf("}}\n");
    if (file)
        fits_close_file(file, &status);
    fb_table_close(&t);
    return failed ? 1 : 0;
}
