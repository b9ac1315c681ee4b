/*
 * rows.c - pairs the columns of two tables, and compares their rows.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "diff/diff.h"

const char *const fb_diff_indices[FB_DIFF_LINES] = { "AI_CIV", "BI_CIV", "AI_SIIV", "BI_SIIV" };
const char *const fb_diff_troughs[FB_DIFF_LINES] = { "CIV_450", "CIV_2000", "SIIV_450", "SIIV_2000" };

enum { MOST_TROUGHS = 64 };

struct trough {
    double vmin, vmax;
    int taken;
};

/* ---- columns ---- */

static int is_whole(const struct fb_column *c)
{
    return c->value != 'E' && c->value != 'D' && c->scale == 1 && c->zero == floor(c->zero);
}

/* Can the cells be compared one by one? */
static int is_comparable(const struct fb_column *a, const struct fb_column *b)
{
    return a->kind == b->kind && a->kind != FB_LIST && a->values == b->values;
}

static int is_alike(const struct fb_column *a, const struct fb_column *b)
{
    return a->type == b->type && a->size == b->size && a->scale == b->scale && a->zero == b->zero &&
           a->has_null == b->has_null && a->null == b->null;
}

static const struct fb_diff_pair *find_pair(const struct fb_diff_plan *plan, const char *begin,
                                            const char *end)
{
    char name[80];
    snprintf(name, sizeof name, "%s%s", begin, end);
    for (size_t i = 0; i < plan->npairs; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): columns have names */
        if (strcmp(plan->pairs[i].a->name, name) == 0 && plan->pairs[i].a->kind == FB_NUMBERS)
            return &plan->pairs[i];
    return NULL;
}

/* Is the column a scalar? */
static const struct fb_diff_pair *find_single(const struct fb_diff_plan *plan, const char *name)
{
    const struct fb_diff_pair *pair = find_pair(plan, name, "");
    return pair && pair->a->values == 1 ? pair : NULL;
}

/* The columns that have their own sections in the report. */
static void find_known(struct fb_diff_plan *plan, struct fb_diff *diff)
{
    static const char *const flags[FB_DIFF_FLAGS] = { "BALMASK", "BALSTATUS" };
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        plan->indices[k] = find_single(plan, fb_diff_indices[k]);
        plan->vmin[k] = find_pair(plan, "VMIN_", fb_diff_troughs[k]);
        plan->vmax[k] = find_pair(plan, "VMAX_", fb_diff_troughs[k]);
        diff->indices[k].there |= plan->indices[k] != NULL;
        diff->troughs[k].there |= plan->vmin[k] && plan->vmax[k];
    }
    for (int k = 0; k < FB_DIFF_FLAGS; k++) {
        plan->flags[k] = find_single(plan, flags[k]);
        diff->flags[k].there |= plan->flags[k] != NULL;
    }
    plan->redshift = find_single(plan, "Z");
    diff->redshifts.there |= plan->redshift != NULL;
}

static const struct fb_column *single_number(const struct fb_table *table, const char *name)
{
    const struct fb_column *c = fb_table_find(table, name);
    return c && c->kind == FB_NUMBERS && c->values == 1 ? c : NULL;
}

const struct fb_column *fb_diff_targetid(const struct fb_table *table)
{
    const struct fb_column *c = single_number(table, "TARGETID");
    return c && is_whole(c) ? c : NULL;
}

const struct fb_column *fb_diff_redshift(const struct fb_table *table)
{
    return single_number(table, "Z");
}

int fb_diff_plan_make(struct fb_diff_plan *plan, struct fb_diff *diff, const struct fb_diff_rules *rules,
                      const struct fb_table *a, const struct fb_table *b, size_t table)
{
    *plan = (struct fb_diff_plan){ .table = table,
                                   .targetid_a = fb_diff_targetid(a),
                                   .targetid_b = fb_diff_targetid(b),
                                   .z_a = fb_diff_redshift(a),
                                   .z_b = fb_diff_redshift(b) };
    plan->pairs = calloc((size_t)a->ncolumns + 1, sizeof *plan->pairs);
    if (!plan->pairs || !plan->targetid_a || !plan->targetid_b)
        return -1;
    for (size_t i = 0; i < (size_t)a->ncolumns; i++) {
        const struct fb_column *x = &a->columns[i], *y = fb_table_find(b, x->name);
        if (x == plan->targetid_a || !y || !fb_diff_rules_want(rules, x->name) || !is_comparable(x, y))
            continue;
        int64_t column = fb_diff_find_column(diff, x->name, table, i);
        if (column < 0)
            return -1;
        plan->pairs[plan->npairs++] =
            (struct fb_diff_pair){ x, y, fb_diff_rules_tolerance(rules, x->name, is_whole(x) && is_whole(y)),
                                   (size_t)column, is_alike(x, y) };
    }
    find_known(plan, diff);
    return 0;
}

void fb_diff_plan_release(struct fb_diff_plan *plan)
{
    free(plan->pairs);
    *plan = (struct fb_diff_plan){ 0 };
}

/* ---- headers ---- */

static void compare_forms(struct fb_diff *diff, const struct fb_diff_rules *rules, const struct fb_table *a,
                          const struct fb_table *b, size_t table)
{
    for (size_t i = 0; i < (size_t)a->ncolumns; i++) {
        const struct fb_column *x = &a->columns[i], *y = fb_table_find(b, x->name);
        int lists = y && (x->kind == FB_LIST || y->kind == FB_LIST);
        if (!fb_diff_rules_want(rules, x->name) || (y && !lists && strcmp(x->form, y->form) == 0))
            continue;
        enum fb_diff_note_kind kind = !y ? FB_DIFF_ONLY_A : lists ? FB_DIFF_NOT_COMPARED : FB_DIFF_FORM;
        fb_diff_add_note(diff, &(struct fb_diff_note){ kind, (char *)x->name, (char *)x->form,
                                                       y ? (char *)y->form : NULL, 1, table });
    }
    for (size_t i = 0; i < (size_t)b->ncolumns; i++) {
        const struct fb_column *y = &b->columns[i];
        if (fb_diff_rules_want(rules, y->name) && !fb_table_find(a, y->name))
            fb_diff_add_note(diff, &(struct fb_diff_note){ FB_DIFF_ONLY_B, (char *)y->name, NULL,
                                                           (char *)y->form, 1, table });
    }
}

struct keyword {
    char name[80], value[8192];
    size_t next; /* card */
};

/* Is it about the data, and not about the file, the moment it was written, or a count of what is in the rows (BALN...)? */
static int is_about_data(const char *name)
{
    static const char *const others[] = {
        "DEPNAM", "DEPVER", "DATE", "LONGSTRN", "BALN", "EXTVER", "EXTLEVEL"
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0 && strcmp(name, "DATE-OBS") != 0)
            return 0;
    return 1;
}

static int next_keyword(const struct fb_table *table, struct keyword *k)
{
    while (fb_table_next_keyword(table, &k->next, k->name, sizeof k->name, k->value, sizeof k->value))
        if (is_about_data(k->name))
            return 1;
    return 0;
}

/* The first keyword of a name. */
static int find_keyword(const struct fb_table *table, const char *name, struct keyword *k)
{
    for (k->next = 0; next_keyword(table, k);)
        if (strcmp(k->name, name) == 0)
            return 1;
    return 0;
}

/* Compare values as numbers: 1.0 equals 1. */
static int same_value(const char *x, const char *y)
{
    char *end_x, *end_y;
    if (strcmp(x, y) == 0)
        return 1;
    double p = strtod(x, &end_x), q = strtod(y, &end_y);
    return end_x != x && end_y != y && *end_x == '\0' && *end_y == '\0' && !(p < q || p > q);
}

/* Keywords of one table against those of the other; the second time only those that the other has not. */
static void compare_keywords(struct fb_diff *diff, const struct fb_diff_rules *rules,
                             const struct fb_table *a, const struct fb_table *b, int second, size_t table)
{
    struct keyword k = { .next = 0 }, first, other;
    while (next_keyword(a, &k)) {
        if (!fb_diff_rules_want(rules, k.name) || (find_keyword(a, k.name, &first) && first.next != k.next))
            continue;
        int found = find_keyword(b, k.name, &other);
        if (found && (second || same_value(k.value, other.value)))
            continue;
        fb_diff_add_note(diff, &(struct fb_diff_note){ FB_DIFF_KEYWORD, k.name, second ? NULL : k.value,
                                                       second  ? k.value
                                                       : found ? other.value
                                                               : NULL,
                                                       1, table });
    }
}

void fb_diff_headers(struct fb_diff *diff, const struct fb_diff_rules *rules, const struct fb_table *a,
                     const struct fb_table *b, size_t table)
{
    compare_forms(diff, rules, a, b, table);
    compare_keywords(diff, rules, a, b, 0, table);
    compare_keywords(diff, rules, b, a, 1, table);
}

/* ---- cells ---- */

/* The row being compared. */
struct row {
    struct fb_diff *diff;
    const struct fb_diff_plan *plan;
    const unsigned char *a, *b;
    struct fb_diff_event where;
};

static double real_value(const struct fb_column *c, const unsigned char *row, int64_t k)
{
    return row ? fb_column_value(c, row, k).real : NAN;
}

static int is_close(double x, double y, const struct fb_diff_tolerance *t)
{
    if (isnan(x) || isnan(y))
        return isnan(x) && isnan(y);
    if (!(x < y || x > y))
        return 1;
    return isfinite(x) && isfinite(y) && fabs(x - y) <= t->absolute + t->relative * fmax(fabs(x), fabs(y));
}

/* 64-bit integers are not exact as doubles, and their difference may not fit into int64_t. */
static double difference(const struct fb_number *x, const struct fb_number *y)
{
    if (!x->whole || !y->whole)
        return fabs(x->real - y->real);
    return x->integer > y->integer ? (double)((uint64_t)x->integer - (uint64_t)y->integer)
                                   : (double)((uint64_t)y->integer - (uint64_t)x->integer);
}

static int same_numbers(const struct fb_number *x, const struct fb_number *y,
                        const struct fb_diff_tolerance *t)
{
    if (x->whole && y->whole)
        return difference(x, y) <= t->absolute + t->relative * fmax(fabs(x->real), fabs(y->real));
    return is_close(x->real, y->real, t);
}

static void take_extreme(struct fb_diff_extreme *extreme, const struct row *row, double size, int64_t k,
                         double x, double y)
{
    if (!isfinite(size) || (extreme->there && size <= extreme->size))
        return;
    *extreme = (struct fb_diff_extreme){ 1, size, row->where, k };
    extreme->where.a[0] = x;
    extreme->where.b[0] = y;
}

static int compare_numbers(struct row *row, const struct fb_diff_pair *pair, struct fb_diff_column *column)
{
    int differing = 0;
    for (int64_t k = 0; k < pair->a->values; k++) {
        struct fb_number x = fb_column_value(pair->a, row->a, k), y = fb_column_value(pair->b, row->b, k);
        if (same_numbers(&x, &y, &pair->tolerance))
            continue;
        double size = difference(&x, &y), largest = fmax(fabs(x.real), fabs(y.real));
        differing++;
        take_extreme(&column->absolute, row, size, k, x.real, y.real);
        take_extreme(&column->relative, row, size / largest, k, x.real, y.real);
    }
    return differing;
}

static int compare_texts(const struct row *row, const struct fb_diff_pair *pair)
{
    int differing = 0;
    for (int64_t k = 0; k < pair->a->values; k++) {
        size_t n, m;
        const char *x = fb_column_text(pair->a, row->a, k, &n), *y = fb_column_text(pair->b, row->b, k, &m);
        differing += n != m || memcmp(x, y, n) != 0;
    }
    return differing;
}

/* Returns 1 if the cells differ by more than the tolerance. */
static int compare_cell(struct row *row, const struct fb_diff_pair *pair)
{
    struct fb_diff_column *column = &row->diff->columns[pair->column];
    const struct fb_column *a = pair->a, *b = pair->b;
    column->cells += (size_t)a->values;
    if (pair->alike && memcmp(row->a + a->offset, row->b + b->offset, (size_t)a->values * a->size) == 0)
        return 0;
    int differing = a->kind == FB_TEXT ? compare_texts(row, pair) : compare_numbers(row, pair, column);
    if (differing == 0)
        return 0;
    column->differing += (size_t)differing;
    column->rows++;
    row->diff->found++;
    return 1;
}

static struct fb_diff_event values_of(const struct row *row, const struct fb_diff_pair *pair)
{
    struct fb_diff_event event = row->where;
    event.a[0] = real_value(pair->a, row->a, 0);
    event.b[0] = real_value(pair->b, row->b, 0);
    return event;
}

static void compare_cells(struct row *row)
{
    const struct fb_diff_plan *plan = row->plan;
    struct fb_diff *diff = row->diff;
    for (size_t i = 0; i < plan->npairs; i++) {
        const struct fb_diff_pair *pair = &plan->pairs[i];
        struct fb_diff_changes *changes = pair == plan->redshift   ? &diff->redshifts
                                          : pair == plan->flags[0] ? &diff->flags[0]
                                          : pair == plan->flags[1] ? &diff->flags[1]
                                                                   : NULL;
        if (compare_cell(row, pair) && changes) {
            struct fb_diff_event event = values_of(row, pair);
            fb_diff_add(diff, &changes->rows, &event);
        }
    }
}

/* ---- BALs ---- */

static void compare_index(struct row *row, const struct fb_diff_pair *pair, struct fb_diff_index *index)
{
    struct fb_diff_event event = values_of(row, pair);
    int a = event.a[0] > 0, b = event.b[0] > 0;
    index->a += (size_t)a;
    index->b += (size_t)b;
    if (row->a && row->b && a != b)
        fb_diff_add(row->diff, b ? &index->gained : &index->lost, &event);
}

/* ---- troughs ---- */

/* Entries that hold no trough are -1, or 0 in rows without a measurement. */
static int read_troughs(const struct fb_column *vmin, const struct fb_column *vmax, const unsigned char *row,
                        struct trough *troughs)
{
    int64_t entries = vmin->values < vmax->values ? vmin->values : vmax->values;
    int n = 0;
    for (int64_t k = 0; row && k < entries && n < MOST_TROUGHS; k++) {
        double low = fb_column_value(vmin, row, k).real, high = fb_column_value(vmax, row, k).real;
        if (high > 0 && high > low)
            troughs[n++] = (struct trough){ low, high, 0 };
    }
    return n;
}

/* The pair of unmatched troughs with the largest overlap; returns 0 if none overlap. */
static int largest_overlap(const struct trough *a, int na, const struct trough *b, int nb, int *i, int *j)
{
    double largest = 0;
    for (int p = 0; p < na; p++) {
        for (int q = 0; q < nb; q++) {
            double overlap = fmin(a[p].vmax, b[q].vmax) - fmax(a[p].vmin, b[q].vmin);
            if (a[p].taken || b[q].taken || overlap <= largest)
                continue;
            largest = overlap;
            *i = p;
            *j = q;
        }
    }
    return largest > 0;
}

static void add_trough(struct row *row, struct fb_diff_list *list, const struct trough *a,
                       const struct trough *b)
{
    static const struct trough none = { NAN, NAN, 0 };
    struct fb_diff_event event = row->where;
    a = a ? a : &none;
    b = b ? b : &none;
    event.a[0] = a->vmin;
    event.a[1] = a->vmax;
    event.b[0] = b->vmin;
    event.b[1] = b->vmax;
    fb_diff_add(row->diff, list, &event);
}

static void compare_troughs(struct row *row, const struct fb_diff_pair *vmin, const struct fb_diff_pair *vmax,
                            struct fb_diff_lines *lines)
{
    struct trough a[MOST_TROUGHS], b[MOST_TROUGHS];
    int na = read_troughs(vmin->a, vmax->a, row->a, a), nb = read_troughs(vmin->b, vmax->b, row->b, b), i = 0,
        j = 0;

    lines->a += (size_t)na;
    lines->b += (size_t)nb;
    if (!row->a || !row->b)
        return;
    while (largest_overlap(a, na, b, nb, &i, &j)) {
        a[i].taken = b[j].taken = 1;
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): two of the na and nb that were read */
        if (!is_close(a[i].vmin, b[j].vmin, &vmin->tolerance) ||
            !is_close(a[i].vmax, b[j].vmax, &vmax->tolerance))
            add_trough(row, &lines->moved, &a[i], &b[j]);
    }
    for (i = 0; i < na; i++)
        if (!a[i].taken)
            add_trough(row, &lines->vanished, &a[i], NULL);
    for (j = 0; j < nb; j++)
        if (!b[j].taken)
            add_trough(row, &lines->appeared, NULL, &b[j]);
}

/* ---- rows ---- */

static void add_single(struct row *row)
{
    const struct fb_diff_plan *plan = row->plan;
    struct fb_diff_event event = row->where;
    event.a[0] = row->a && plan->z_a ? real_value(plan->z_a, row->a, 0) : NAN;
    event.b[0] = row->b && plan->z_b ? real_value(plan->z_b, row->b, 0) : NAN;
    fb_diff_add(row->diff, row->a ? &row->diff->only_a : &row->diff->only_b, &event);
}

void fb_diff_row(struct fb_diff *diff, const struct fb_diff_plan *plan, int64_t number,
                 const unsigned char *a, const unsigned char *b)
{
    struct row row = { diff, plan, a, b, { .table = plan->table, .row = number } };
    size_t found = diff->found;

    row.where.targetid =
        a ? fb_column_value(plan->targetid_a, a, 0).integer : fb_column_value(plan->targetid_b, b, 0).integer;
    row.where.a[0] = row.where.a[1] = row.where.b[0] = row.where.b[1] = NAN;
    diff->rows_a += a != NULL;
    diff->rows_b += b != NULL;
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        if (plan->indices[k])
            compare_index(&row, plan->indices[k], &diff->indices[k]);
        if (plan->vmin[k] && plan->vmax[k])
            compare_troughs(&row, plan->vmin[k], plan->vmax[k], &diff->troughs[k]);
    }
    if (!a || !b) {
        add_single(&row);
        return;
    }
    diff->matched++;
    compare_cells(&row);
    diff->differing += diff->found > found;
}

double fb_diff_velocity(const struct fb_diff_event *event)
{
    return FASTBAL_LIGHT_SPEED * (event->b[0] - event->a[0]) / (1 + event->a[0]);
}
