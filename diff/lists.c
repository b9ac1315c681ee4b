/* lists.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "diff/diff.h"

/* ---- lists of rows ---- */

enum { LISTS = 5 + 5 * FB_DIFF_LINES };

/* Iterate over all lists. */
static struct fb_diff_list *list_at(struct fb_diff *diff, size_t i)
{
    struct fb_diff_list *lists[] = { &diff->only_a, &diff->only_b, &diff->redshifts.rows,
                                     &diff->flags[0].rows, &diff->flags[1].rows };
    size_t n = sizeof lists / sizeof lists[0];
    if (i < n)
        return lists[i];
    i -= n;
    struct fb_diff_index *index = &diff->indices[i / 5];
    struct fb_diff_lines *lines = &diff->troughs[i / 5];
    struct fb_diff_list *more[] = { &index->gained, &index->lost, &lines->moved, &lines->appeared,
                                    &lines->vanished };
    return more[i % 5];
}

static int keep_event(struct fb_diff_list *list, const struct fb_diff_event *event)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        struct fb_diff_event *grown = realloc(list->events, room * sizeof *grown);
        if (!grown)
            return -1;
        list->events = grown;
        list->room = room;
    }
    list->events[list->n++] = *event;
    return 0;
}

/* Never split the events of a row: their order is only known after sorting. */
static int is_kept(const struct fb_diff *diff, const struct fb_diff_list *list,
                   const struct fb_diff_event *event)
{
    const struct fb_diff_event *last = list->n > 0 ? &list->events[list->n - 1] : NULL;
    return list->n < diff->limit || (last && last->table == event->table && last->row == event->row);
}

void fb_diff_add(struct fb_diff *diff, struct fb_diff_list *list, const struct fb_diff_event *event)
{
    list->count++;
    diff->found++;
    if (is_kept(diff, list, event) && keep_event(list, event) != 0)
        diff->failed = 1;
}

static int by_place(const void *p, const void *q)
{
    const struct fb_diff_event *x = p, *y = q;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    /* troughs of one row, by velocity */
    double v = isnan(x->a[0]) ? x->b[0] : x->a[0], w = isnan(y->a[0]) ? y->b[0] : y->a[0];
    return (v > w) - (v < w);
}

static void join_list(struct fb_diff *diff, struct fb_diff_list *list, const struct fb_diff_list *part)
{
    list->count += part->count;
    for (size_t i = 0; i < part->n; i++)
        if (keep_event(list, &part->events[i]) != 0)
            diff->failed = 1;
}

/* ---- columns ---- */

int64_t fb_diff_find_column(struct fb_diff *diff, const char *name, size_t table, size_t place)
{
    for (size_t i = 0; i < diff->ncolumns; i++) {
        /* tables of a tree have the same columns: start where the column was in the previous one */
        size_t k = (place + i) % diff->ncolumns;
        if (strcmp(diff->columns[k].name, name) == 0)
            return (int64_t)k;
    }
    struct fb_diff_column *grown = realloc(diff->columns, (diff->ncolumns + 1) * sizeof *grown);
    if (!grown) {
        diff->failed = 1;
        return -1;
    }
    diff->columns = grown;
    struct fb_diff_column *column = &diff->columns[diff->ncolumns];
    *column = (struct fb_diff_column){ .table = table, .place = place };
    snprintf(column->name, sizeof column->name, "%s", name);
    return (int64_t)diff->ncolumns++;
}

/* Keep the larger of two differences; of equal ones, the first. */
static void join_extreme(struct fb_diff_extreme *extreme, const struct fb_diff_extreme *part)
{
    if (!part->there || (extreme->there && part->size < extreme->size))
        return;
    if (!extreme->there || part->size > extreme->size || by_place(&part->where, &extreme->where) < 0)
        *extreme = *part;
}

static void join_column(struct fb_diff *diff, const struct fb_diff_column *part)
{
    int64_t i = fb_diff_find_column(diff, part->name, part->table, part->place);
    if (i < 0)
        return;
    struct fb_diff_column *column = &diff->columns[i];
    if (part->table < column->table) {
        column->table = part->table;
        column->place = part->place;
    }
    column->cells += part->cells;
    column->differing += part->differing;
    column->rows += part->rows;
    join_extreme(&column->absolute, &part->absolute);
    join_extreme(&column->relative, &part->relative);
}

static int by_appearance(const void *p, const void *q)
{
    const struct fb_diff_column *x = p, *y = q;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* ---- notes ---- */

static int same_word(const char *x, const char *y)
{
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static char *copy_word(struct fb_diff *diff, const char *word)
{
    char *copy = word ? strdup(word) : NULL;
    if (word && !copy)
        diff->failed = 1;
    return copy;
}

void fb_diff_add_note(struct fb_diff *diff, const struct fb_diff_note *note)
{
    diff->found++;
    for (size_t i = 0; i < diff->nnotes; i++) {
        struct fb_diff_note *known = &diff->notes[i];
        if (known->kind == note->kind && same_word(known->name, note->name) && same_word(known->a, note->a) &&
            same_word(known->b, note->b)) {
            known->tables += note->tables;
            known->first = note->first < known->first ? note->first : known->first;
            return;
        }
    }
    struct fb_diff_note *grown = realloc(diff->notes, (diff->nnotes + 1) * sizeof *grown);
    if (!grown) {
        diff->failed = 1;
        return;
    }
    diff->notes = grown;
    diff->notes[diff->nnotes++] = (struct fb_diff_note){ note->kind,
                                                         copy_word(diff, note->name),
                                                         copy_word(diff, note->a),
                                                         copy_word(diff, note->b),
                                                         note->tables,
                                                         note->first };
}

static int by_note(const void *p, const void *q)
{
    const struct fb_diff_note *x = p, *y = q;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->name && y->name ? strcmp(x->name, y->name) : 0;
}

/* ---- all differences ---- */

static void join_counts(struct fb_diff *diff, const struct fb_diff *part)
{
    diff->failed |= part->failed;
    diff->rows_a += part->rows_a;
    diff->rows_b += part->rows_b;
    diff->matched += part->matched;
    diff->differing += part->differing;
    for (int k = 0; k < FB_DIFF_LINES; k++) {
        diff->indices[k].there |= part->indices[k].there;
        diff->indices[k].a += part->indices[k].a;
        diff->indices[k].b += part->indices[k].b;
        diff->troughs[k].there |= part->troughs[k].there;
        diff->troughs[k].a += part->troughs[k].a;
        diff->troughs[k].b += part->troughs[k].b;
    }
    for (int k = 0; k < FB_DIFF_FLAGS; k++)
        diff->flags[k].there |= part->flags[k].there;
    diff->redshifts.there |= part->redshifts.there;
}

void fb_diff_join(struct fb_diff *diff, const struct fb_diff *part)
{
    struct fb_diff *readable = (struct fb_diff *)part;
    size_t found = diff->found + part->found;
    join_counts(diff, part);
    for (size_t i = 0; i < LISTS; i++)
        join_list(diff, list_at(diff, i), list_at(readable, i));
    for (size_t i = 0; i < part->ncolumns; i++)
        join_column(diff, &part->columns[i]);
    for (size_t i = 0; i < part->nnotes; i++)
        fb_diff_add_note(diff, &part->notes[i]);
    diff->found = found;
}

void fb_diff_sort(struct fb_diff *diff)
{
    for (size_t i = 0; i < LISTS; i++) {
        struct fb_diff_list *list = list_at(diff, i);
        if (list->n > 0)
            qsort(list->events, list->n, sizeof *list->events, by_place);
        list->n = list->n < diff->limit ? list->n : diff->limit;
    }
    if (diff->ncolumns > 0)
        qsort(diff->columns, diff->ncolumns, sizeof *diff->columns, by_appearance);
    if (diff->nnotes > 0)
        qsort(diff->notes, diff->nnotes, sizeof *diff->notes, by_note);
}

void fb_diff_release(struct fb_diff *diff)
{
    for (size_t i = 0; i < LISTS; i++)
        free(list_at(diff, i)->events);
    for (size_t i = 0; i < diff->nnotes; i++) {
        free(diff->notes[i].name);
        free(diff->notes[i].a);
        free(diff->notes[i].b);
    }
    free(diff->columns);
    free(diff->notes);
    memset(diff, 0, sizeof *diff);
}
