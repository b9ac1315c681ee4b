/* text.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "diff/report.h"
#include "fits/system.h"

/* The report being written. */
struct report {
    FILE *out;
    const struct fb_diff_result *result;
    const struct fb_diff *diff;
    size_t most;
};

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- lists of rows ---- */

/* In trees, name the table of the row. */
static void print_table_name(const struct report *r, size_t table)
{
    if (r->result->kind != FB_DIFF_TREE)
        return;
    fprintf(r->out, "  %s", fb_base_name(r->result->tables.paths[table]));
}

typedef void print_fn(const struct report *r, const struct fb_diff_event *event);

static void print_list(const struct report *r, const char *what, const char *how,
                       const struct fb_diff_list *list, print_fn *print)
{
    size_t shown = list->n < r->most ? list->n : r->most;
    if (list->count == 0)
        return;
    fprintf(r->out, "  %s %s (%zu)\n", what, how, list->count);
    for (size_t i = 0; i < shown; i++) {
        fprintf(r->out, "    %" PRId64 "  ", list->events[i].targetid);
        print(r, &list->events[i]);
        print_table_name(r, list->events[i].table);
        fputc('\n', r->out);
    }
    if (shown < list->count)
        fprintf(r->out, "    and %zu more\n", list->count - shown);
}

static void print_redshift(const struct report *r, const struct fb_diff_event *event)
{
    fprintf(r->out, "z %.7g", isnan(event->a[0]) ? event->b[0] : event->a[0]);
}

static void print_values(const struct report *r, const struct fb_diff_event *event)
{
    fprintf(r->out, "%.7g -> %.7g", event->a[0], event->b[0]);
}

static void print_redshifts(const struct report *r, const struct fb_diff_event *event)
{
    print_values(r, event);
    fprintf(r->out, ", %+.0f km/s", fb_diff_velocity(event));
}

static void print_troughs(const struct report *r, const struct fb_diff_event *event)
{
    if (!isnan(event->a[0]))
        fprintf(r->out, "%.0f to %.0f", event->a[0], event->a[1]);
    if (!isnan(event->a[0]) && !isnan(event->b[0]))
        fprintf(r->out, " -> ");
    if (!isnan(event->b[0]))
        fprintf(r->out, "%.0f to %.0f", event->b[0], event->b[1]);
}

/* ---- sections ---- */

static void print_side(const struct report *r, const char *name, const struct fb_diff_side *side, size_t rows)
{
    fprintf(r->out, "%s  %s: ", name, side->path);
    if (r->result->kind == FB_DIFF_TREE)
        fprintf(r->out, "%zu BAL table%s\n", side->tables, plural(side->tables));
    else
        fprintf(r->out, "%s, %zu row%s, %zu columns\n", side->hdu[0] ? side->hdu : "table", rows,
                plural(rows), side->columns);
}

static void print_paths(const struct report *r, const char *what, const struct fb_path_list *list)
{
    size_t shown = list->n < r->most ? list->n : r->most;
    if (list->n == 0)
        return;
    fprintf(r->out, "  %s (%zu)\n", what, list->n);
    for (size_t i = 0; i < shown; i++)
        fprintf(r->out, "    %s\n", list->paths[i]);
    if (shown < list->n)
        fprintf(r->out, "    and %zu more\n", list->n - shown);
}

static void print_tables(const struct report *r)
{
    const struct fb_diff_result *result = r->result;
    if (result->kind != FB_DIFF_TREE)
        return;
    fprintf(r->out,
            "\nTables: %zu in both, %zu of them differ; %zu only in A, %zu only in B, %zu unreadable\n",
            result->tables.n, result->ndifferent, result->only_a.n, result->only_b.n, result->failures.n);
    print_paths(r, "only in A", &result->only_a);
    print_paths(r, "only in B", &result->only_b);
    print_paths(r, "unreadable", &result->failures);
}

static void print_rows(const struct report *r)
{
    const struct fb_diff *d = r->diff;
    fprintf(r->out, "\nRows: %zu in both, %zu of them differ; %zu only in A, %zu only in B\n", d->matched,
            d->differing, d->only_a.count, d->only_b.count);
    print_list(r, "only", "in A", &d->only_a, print_redshift);
    print_list(r, "only", "in B", &d->only_b, print_redshift);
}

static int says_something(const struct fb_diff_index *index)
{
    return index->a != index->b || index->gained.count || index->lost.count;
}

static void print_bals(const struct report *r)
{
    int any = 0;
    for (int k = 0; k < FB_DIFF_LINES; k++)
        any |= says_something(&r->diff->indices[k]);
    if (!any)
        return;
    fprintf(r->out, "\nBALs               A         B    gained      lost\n");
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        const struct fb_diff_index *index = &r->diff->indices[k];
        if (says_something(index))
            fprintf(r->out, "  %-7s > 0 %7zu %9zu %9zu %9zu\n", fb_diff_indices[k], index->a, index->b,
                    index->gained.count, index->lost.count);
    }
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        print_list(r, fb_diff_indices[k], "gained", &r->diff->indices[k].gained, print_values);
        print_list(r, fb_diff_indices[k], "lost", &r->diff->indices[k].lost, print_values);
    }
}

static size_t changed_troughs(const struct fb_diff_lines *lines)
{
    return lines->moved.count + lines->appeared.count + lines->vanished.count;
}

static void print_all_troughs(const struct report *r)
{
    size_t any = 0;
    for (int k = 0; k < FB_DIFF_LINES; k++)
        any += changed_troughs(&r->diff->troughs[k]);
    if (!any)
        return;
    fprintf(r->out,
            "\nTroughs            A         B     moved  appeared  vanished   (VMIN to VMAX, km/s)\n");
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        const struct fb_diff_lines *lines = &r->diff->troughs[k];
        if (changed_troughs(lines))
            fprintf(r->out, "  %-9s %9zu %9zu %9zu %9zu %9zu\n", fb_diff_troughs[k], lines->a, lines->b,
                    lines->moved.count, lines->appeared.count, lines->vanished.count);
    }
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        const struct fb_diff_lines *lines = &r->diff->troughs[k];
        print_list(r, fb_diff_troughs[k], "moved", &lines->moved, print_troughs);
        print_list(r, fb_diff_troughs[k], "appeared", &lines->appeared, print_troughs);
        print_list(r, fb_diff_troughs[k], "vanished", &lines->vanished, print_troughs);
    }
}

static void print_changes(const struct report *r)
{
    const struct fb_diff *d = r->diff;
    if (d->redshifts.rows.count + d->flags[0].rows.count + d->flags[1].rows.count == 0)
        return;
    fprintf(r->out, "\nChanged\n");
    print_list(r, "redshift", "Z", &d->redshifts.rows, print_redshifts);
    print_list(r, "flags", "BALMASK", &d->flags[FB_DIFF_BALMASK].rows, print_values);
    print_list(r, "flags", "BALSTATUS", &d->flags[FB_DIFF_BALSTATUS].rows, print_values);
}

static void print_extreme(const struct report *r, const struct fb_diff_extreme *e)
{
    if (e->there)
        fprintf(r->out, " %10.4g %19" PRId64, e->size, e->where.targetid);
}

static void print_columns(const struct report *r)
{
    const struct fb_diff *d = r->diff;
    size_t differing = 0;
    for (size_t i = 0; i < d->ncolumns; i++)
        differing += d->columns[i].differing > 0;
    if (differing == 0)
        return;
    fprintf(r->out, "\nColumns: %zu of %zu differ\n", differing, d->ncolumns);
    fprintf(r->out, "  %-18s %9s %9s %10s %19s %10s %19s\n", "", "cells", "rows", "largest", "in TARGETID",
            "relative", "in TARGETID");
    for (size_t i = 0; i < d->ncolumns; i++) {
        const struct fb_diff_column *c = &d->columns[i];
        if (c->differing == 0)
            continue;
        fprintf(r->out, "  %-18s %9zu %9zu", c->name, c->differing, c->rows);
        print_extreme(r, &c->absolute);
        print_extreme(r, &c->relative);
        fputc('\n', r->out);
    }
}

static void print_note(const struct report *r, const struct fb_diff_note *note)
{
    const char *a = note->a ? note->a : "", *b = note->b ? note->b : "";
    static const char *const words[] = { [FB_DIFF_ONLY_A] = "column only in A:",
                                         [FB_DIFF_ONLY_B] = "column only in B:",
                                         [FB_DIFF_FORM] = "form of column",
                                         [FB_DIFF_NOT_COMPARED] = "not compared, of variable length: column",
                                         [FB_DIFF_KEYWORD] = "keyword" };
    fprintf(r->out, "  %s %s", words[note->kind], note->name);
    if (note->kind == FB_DIFF_ONLY_A || note->kind == FB_DIFF_ONLY_B)
        fprintf(r->out, ", %s%s", a, b);
    else if (note->kind == FB_DIFF_KEYWORD && !(note->a && note->b))
        fprintf(r->out, " only in %s: '%s%s'", note->a ? "A" : "B", a, b);
    else if (note->kind == FB_DIFF_KEYWORD)
        fprintf(r->out, ": '%s' -> '%s'", a, b);
    else
        fprintf(r->out, ": %s -> %s", a, b);
    if (r->result->kind == FB_DIFF_TREE)
        fprintf(r->out, " (in %zu table%s)", note->tables, plural(note->tables));
    fputc('\n', r->out);
}

static void print_notes(const struct report *r)
{
    size_t n = r->diff->nnotes, shown = n < r->most ? n : r->most;
    if (n == 0)
        return;
    fprintf(r->out, "\nColumns and keywords\n");
    for (size_t i = 0; i < shown; i++)
        print_note(r, &r->diff->notes[i]);
    if (shown < n)
        fprintf(r->out, "    and %zu more\n", n - shown);
}

static void print_same(const struct report *r, const struct fb_diff_rules *rules)
{
    fprintf(r->out, "the same within rtol %g, atol %g and %g km/s: %zu row%s, %zu columns\n", rules->rtol,
            rules->atol, rules->velocity, r->diff->matched, plural(r->diff->matched), r->diff->ncolumns);
}

int fb_diff_status(const struct fb_diff_result *result)
{
    if (result->failures.n || result->only_a.n || result->only_b.n)
        return FB_DIFF_TROUBLE;
    for (size_t i = 0; i < result->diff.nnotes; i++)
        if (result->diff.notes[i].kind == FB_DIFF_NOT_COMPARED)
            return FB_DIFF_TROUBLE;
    return result->diff.found ? FB_DIFF_DIFFERENT : FB_DIFF_SAME;
}

void fb_diff_print_text(FILE *out, const struct fb_diff_result *result, const struct fb_diff_rules *rules,
                        size_t most)
{
    struct report report = { out, result, &result->diff, most };
    print_side(&report, "A", &result->a, result->diff.rows_a);
    print_side(&report, "B", &result->b, result->diff.rows_b);
    if (fb_diff_status(result) == FB_DIFF_SAME) {
        print_same(&report, rules);
        return;
    }
    print_tables(&report);
    print_rows(&report);
    print_bals(&report);
    print_all_troughs(&report);
    print_changes(&report);
    print_columns(&report);
    print_notes(&report);
}
