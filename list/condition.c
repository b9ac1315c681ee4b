/* condition.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "list/condition.h"

static const char separators[] = " \t,";

int fb_find_element(const struct fb_table *table, const char *name, size_t length,
                    const struct fb_column **column, int64_t *element, struct fb_error *err)
{
    char plain[72];
    const char *bracket = memchr(name, '[', length);
    size_t n = bracket ? (size_t)(bracket - name) : length;
    snprintf(plain, sizeof plain, "%.*s", (int)n, name);
    *element = -1;
    *column = n < sizeof plain ? fb_table_find(table, plain) : NULL;
    if (!*column)
        return fb_fail(err, "%s: table %s has no column %.*s; --columns '*' shows all", table->path,
                       table->name, (int)n, name);
    if ((*column)->kind == FB_LIST || (*column)->values < 1)
        return fb_fail(err, "%s: column %s has no values of fixed number", table->path, plain);
    if (!bracket)
        return 0;
    char *end;
    long long index = strtoll(bracket + 1, &end, 10);
    if (!isdigit((unsigned char)bracket[1]) || end + 1 != name + length || *end != ']' ||
        index >= (*column)->values)
        return fb_fail(err, "%s: %.*s: expected %s[0] to %s[%" PRId64 "]", table->path, (int)length, name,
                       plain, plain, (*column)->values - 1);
    *element = index;
    return 0;
}

/* Read an operator; returns its length, 0 if there is none. */
static size_t take_comparison(const char *text, enum fb_comparison *comparison)
{
    static const struct {
        const char *text;
        enum fb_comparison comparison;
    } known[] = { { "<=", FB_LESS_OR_EQUAL }, { "<", FB_LESS },   { ">=", FB_GREATER_OR_EQUAL },
                  { ">", FB_GREATER },        { "==", FB_EQUAL }, { "=", FB_EQUAL },
                  { "!=", FB_NOT_EQUAL } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].text);
        if (strncmp(text, known[i].text, n) == 0) {
            *comparison = known[i].comparison;
            return n;
        }
    }
    return 0;
}

static int take_number(const char *text, size_t length, struct fb_number *number)
{
    char copy[72], *end;
    if (length == 0 || length >= sizeof copy)
        return -1;
    memcpy(copy, text, length);
    copy[length] = '\0';
    errno = 0;
    number->integer = strtoll(copy, &end, 10);
    number->whole = *end == '\0' && errno == 0;
    number->real = strtod(copy, &end);
    return *end == '\0' && !isnan(number->real) ? 0 : -1;
}

/* Read one condition; returns its length, 0 on failure. */
static size_t take_condition(struct fb_condition *c, const struct fb_table *table, const char *text,
                             struct fb_error *err)
{
    size_t name = strcspn(text, " \t,<>=!"), at = name, comparison, value;
    at += strspn(text + at, " \t");
    comparison = take_comparison(text + at, &c->comparison);
    at += comparison;
    at += strspn(text + at, " \t");
    value = strcspn(text + at, separators);
    if (name == 0 || comparison == 0 || value == 0 || value >= sizeof c->text) {
        fb_error_set(err,
                     "condition '%s': expected COLUMN, one of < <= = != >= > and a value, as in 'AI_CIV > 0'",
                     text);
        return 0;
    }
    if (fb_find_element(table, text, name, &c->column, &c->element, err) != 0)
        return 0;
    snprintf(c->text, sizeof c->text, "%.*s", (int)value, text + at);
    int is_text = c->column->kind == FB_TEXT;
    if (c->element < 0 && c->column->values != 1) {
        fb_error_set(err, "condition '%s': %s holds %" PRId64 " values; expected one, such as %s[0]", text,
                     c->column->name, c->column->values, c->column->name);
        return 0;
    }
    if (is_text ? c->comparison != FB_EQUAL && c->comparison != FB_NOT_EQUAL
                : take_number(text + at, value, &c->number) != 0) {
        fb_error_set(err, "condition '%s': expected %s", text,
                     is_text ? "= or !=, because the column holds strings" : "a number after the operator");
        return 0;
    }
    c->element = c->element < 0 ? 0 : c->element;
    return at + value;
}

int fb_conditions_add(struct fb_conditions *conditions, const struct fb_table *table, const char *text,
                      struct fb_error *err)
{
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        struct fb_condition *all = realloc(conditions->all, (conditions->n + 1) * sizeof *all);
        if (!all)
            return fb_fail(err, "out of memory for a condition");
        conditions->all = all;
        size_t length = take_condition(&all[conditions->n], table, text, err);
        if (length == 0)
            return -1;
        conditions->n++;
        text += length;
    }
    return 0;
}

static enum fb_comparison order_of(int less, int greater)
{
    return less ? FB_LESS : greater ? FB_GREATER : FB_EQUAL;
}

static int holds(const struct fb_condition *c, const unsigned char *row)
{
    if (c->column->kind == FB_TEXT) {
        size_t length;
        const char *cell = fb_column_text(c->column, row, c->element, &length);
        return fb_same_text(cell, length, c->text) == (c->comparison == FB_EQUAL);
    }
    struct fb_number a = fb_column_value(c->column, row, c->element), b = c->number;
    if (a.whole && b.whole)
        return (c->comparison & order_of(a.integer<b.integer, a.integer> b.integer)) != 0;
    return !isnan(a.real) && (c->comparison & order_of(a.real<b.real, a.real> b.real)) != 0;
}

int fb_conditions_hold(const struct fb_conditions *conditions, const unsigned char *row)
{
    for (size_t i = 0; i < conditions->n; i++)
        if (!holds(&conditions->all[i], row))
            return 0;
    return 1;
}
