/* json.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include "diff/report.h"
#include "fastbal.h"
#include "run/json.h"

/* The object being written. */
struct writer {
    FILE *out;
    const struct fb_diff_result *result;
};

/* ---- lists of rows ---- */

static const char *table_of(const struct writer *w, const struct fb_diff_event *event)
{
    return w->result->kind == FB_DIFF_TREE ? w->result->tables.paths[event->table] : NULL;
}

/* Begin a row with the keys common to all rows. */
static void begin_row(const struct writer *w, const struct fb_diff_event *event)
{
    fprintf(w->out, "{\"targetid\": %" PRId64 ", \"table\": ", event->targetid);
    fb_json_text(w->out, table_of(w, event));
}

typedef void row_fn(const struct writer *w, const struct fb_diff_event *event);

static void put_rows(const struct writer *w, const struct fb_diff_list *list, row_fn *put)
{
    fputc('[', w->out);
    for (size_t i = 0; i < list->n; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", w->out);
        begin_row(w, &list->events[i]);
        put(w, &list->events[i]);
        fputc('}', w->out);
    }
    fputc(']', w->out);
}

static void put_redshift(const struct writer *w, const struct fb_diff_event *event)
{
    fputs(", \"z\": ", w->out);
    fb_json_number(w->out, isnan(event->a[0]) ? event->b[0] : event->a[0]);
}

static void put_values(const struct writer *w, const struct fb_diff_event *event)
{
    fputs(", \"a\": ", w->out);
    fb_json_number(w->out, event->a[0]);
    fputs(", \"b\": ", w->out);
    fb_json_number(w->out, event->b[0]);
}

static void put_redshifts(const struct writer *w, const struct fb_diff_event *event)
{
    put_values(w, event);
    fputs(", \"velocity\": ", w->out);
    fb_json_number(w->out, fb_diff_velocity(event));
}

static void put_trough(FILE *out, const char *key, const double *v)
{
    fprintf(out, ", \"%s\": ", key);
    if (isnan(v[0])) {
        fputs("null", out);
        return;
    }
    fputc('[', out);
    fb_json_number(out, v[0]);
    fputs(", ", out);
    fb_json_number(out, v[1]);
    fputc(']', out);
}

static void put_troughs(const struct writer *w, const struct fb_diff_event *event)
{
    put_trough(w->out, "a", event->a);
    put_trough(w->out, "b", event->b);
}

static void put_list(const struct writer *w, const char *before, const char *key,
                     const struct fb_diff_list *list, row_fn *put)
{
    fputs(before, w->out);
    fb_json_key(w->out, key);
    put_rows(w, list, put);
}

/* ---- sections ---- */

static void put_side(const struct writer *w, const char *key, const struct fb_diff_side *side, size_t rows)
{
    static const char *const kinds[] = { "catalog", "table", "tree" };
    fb_json_key(w->out, key);
    fputs("{\"path\": ", w->out);
    fb_json_text(w->out, side->path);
    fprintf(w->out, ", \"kind\": \"%s\", \"hdu\": ", kinds[w->result->kind]);
    fb_json_text(w->out, w->result->kind == FB_DIFF_TREE ? NULL : side->hdu);
    fprintf(w->out, ", \"tables\": %zu, \"rows\": %zu},\n  ", side->tables, rows);
}

static void put_rules(const struct writer *w, const struct fb_diff_rules *rules)
{
    fputs("\"tolerances\": {\"rtol\": ", w->out);
    fb_json_number(w->out, rules->rtol);
    fputs(", \"atol\": ", w->out);
    fb_json_number(w->out, rules->atol);
    fputs(", \"velocity\": ", w->out);
    fb_json_number(w->out, rules->velocity);
    fputs(", \"columns\": {", w->out);
    for (size_t i = 0; i < rules->ntolerances; i++) {
        fputs(i > 0 ? ", " : "", w->out);
        fb_json_key(w->out, rules->tolerances[i].pattern);
        fputc('[', w->out);
        fb_json_number(w->out, rules->tolerances[i].absolute);
        fputs(", ", w->out);
        fb_json_number(w->out, rules->tolerances[i].relative);
        fputc(']', w->out);
    }
    fputs("}},\n  ", w->out);
}

static void put_paths(const struct writer *w, const char *before, const char *key,
                      const struct fb_path_list *list)
{
    fputs(before, w->out);
    fb_json_key(w->out, key);
    fputc('[', w->out);
    for (size_t i = 0; i < list->n; i++) {
        fputs(i > 0 ? ", " : "", w->out);
        fb_json_text(w->out, list->paths[i]);
    }
    fputc(']', w->out);
}

static void put_tables(const struct writer *w)
{
    const struct fb_diff_result *r = w->result;
    fprintf(w->out, "\"tables\": {\"both\": %zu, \"different\": %zu", r->tables.n, r->ndifferent);
    put_paths(w, ", ", "only_a", &r->only_a);
    put_paths(w, ", ", "only_b", &r->only_b);
    put_paths(w, ", ", "unreadable", &r->failures);
    fputs("},\n  ", w->out);
}

static void put_all_rows(const struct writer *w, const struct fb_diff *d)
{
    fprintf(w->out, "\"rows\": {\"a\": %zu, \"b\": %zu, \"both\": %zu, \"different\": %zu", d->rows_a,
            d->rows_b, d->matched, d->differing);
    put_list(w, ", ", "only_a", &d->only_a, put_redshift);
    put_list(w, ", ", "only_b", &d->only_b, put_redshift);
    fputs("},\n  ", w->out);
}

static void put_bals(const struct writer *w, const struct fb_diff *d)
{
    fputs("\"bals\": {", w->out);
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        const struct fb_diff_index *index = &d->indices[k];
        fprintf(w->out, "%s\"%s\": ", k > 0 ? ", " : "", fb_diff_indices[k]);
        if (!index->there) {
            fputs("null", w->out);
            continue;
        }
        fprintf(w->out, "{\"a\": %zu, \"b\": %zu", index->a, index->b);
        put_list(w, ", ", "gained", &index->gained, put_values);
        put_list(w, ", ", "lost", &index->lost, put_values);
        fputc('}', w->out);
    }
    fputs("},\n  ", w->out);
}

static void put_all_troughs(const struct writer *w, const struct fb_diff *d)
{
    fputs("\"troughs\": {", w->out);
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        const struct fb_diff_lines *lines = &d->troughs[k];
        fprintf(w->out, "%s\"%s\": ", k > 0 ? ", " : "", fb_diff_troughs[k]);
        if (!lines->there) {
            fputs("null", w->out);
            continue;
        }
        fprintf(w->out, "{\"a\": %zu, \"b\": %zu", lines->a, lines->b);
        put_list(w, ", ", "moved", &lines->moved, put_troughs);
        put_list(w, ", ", "appeared", &lines->appeared, put_troughs);
        put_list(w, ", ", "vanished", &lines->vanished, put_troughs);
        fputc('}', w->out);
    }
    fputs("},\n  ", w->out);
}

static void put_changes(const struct writer *w, const char *key, const struct fb_diff_changes *changes,
                        row_fn *put)
{
    fb_json_key(w->out, key);
    if (changes->there)
        put_rows(w, &changes->rows, put);
    else
        fputs("null", w->out);
    fputs(",\n  ", w->out);
}

static void put_extreme(const struct writer *w, const char *key, const struct fb_diff_extreme *e)
{
    fprintf(w->out, ", \"%s\": ", key);
    if (!e->there) {
        fputs("null", w->out);
        return;
    }
    begin_row(w, &e->where);
    fprintf(w->out, ", \"element\": %" PRId64 ", \"difference\": ", e->element);
    fb_json_number(w->out, e->size);
    put_values(w, &e->where);
    fputc('}', w->out);
}

static void put_columns(const struct writer *w, const struct fb_diff *d)
{
    fputs("\"columns\": {", w->out);
    for (size_t i = 0; i < d->ncolumns; i++) {
        const struct fb_diff_column *c = &d->columns[i];
        fputs(i > 0 ? ",\n    " : "\n    ", w->out);
        fb_json_key(w->out, c->name);
        fprintf(w->out, "{\"cells\": %zu, \"different\": %zu, \"rows\": %zu", c->cells, c->differing,
                c->rows);
        put_extreme(w, "largest_absolute", &c->absolute);
        put_extreme(w, "largest_relative", &c->relative);
        fputc('}', w->out);
    }
    fputs("},\n  ", w->out);
}

static void put_notes(const struct writer *w, const struct fb_diff *d, const char *key,
                      enum fb_diff_note_kind kind, const char *after)
{
    const char *before = "";
    fb_json_key(w->out, key);
    fputc('[', w->out);
    for (size_t i = 0; i < d->nnotes; i++) {
        const struct fb_diff_note *note = &d->notes[i];
        if (note->kind != kind)
            continue;
        fprintf(w->out, "%s{\"name\": ", before);
        fb_json_text(w->out, note->name);
        fputs(", \"a\": ", w->out);
        fb_json_text(w->out, note->a);
        fputs(", \"b\": ", w->out);
        fb_json_text(w->out, note->b);
        fprintf(w->out, ", \"tables\": %zu}", note->tables);
        before = ", ";
    }
    fprintf(w->out, "]%s", after);
}

void fb_diff_print_json(FILE *out, const struct fb_diff_result *result, const struct fb_diff_rules *rules)
{
    const struct fb_diff *d = &result->diff;
    const struct writer w = { out, result };
    fprintf(out, "{\n  \"program\": \"fastbal %s\",\n  \"status\": %d,\n  ", fastbal_version(),
            fb_diff_status(result));
    put_side(&w, "a", &result->a, d->rows_a);
    put_side(&w, "b", &result->b, d->rows_b);
    put_rules(&w, rules);
    put_tables(&w);
    put_all_rows(&w, d);
    put_bals(&w, d);
    put_all_troughs(&w, d);
    put_changes(&w, "redshifts", &d->redshifts, put_redshifts);
    put_changes(&w, "balmask", &d->flags[FB_DIFF_BALMASK], put_values);
    put_changes(&w, "balstatus", &d->flags[FB_DIFF_BALSTATUS], put_values);
    put_columns(&w, d);
    put_notes(&w, d, "columns_only_a", FB_DIFF_ONLY_A, ",\n  ");
    put_notes(&w, d, "columns_only_b", FB_DIFF_ONLY_B, ",\n  ");
    put_notes(&w, d, "columns_of_other_form", FB_DIFF_FORM, ",\n  ");
    put_notes(&w, d, "columns_not_compared", FB_DIFF_NOT_COMPARED, ",\n  ");
    put_notes(&w, d, "keywords", FB_DIFF_KEYWORD, "\n}\n");
}
