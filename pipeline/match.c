/* match.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include "pipeline/match.h"

/* A row of a BAL table, by TARGETID. */
struct entry {
    int64_t targetid;
    size_t row;
    int taken;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* The first free entry of a target; with same_z, only one with that redshift. NULL if there is none. */
static struct entry *take_entry(const struct fb_baltable *table, struct entry *entries,
                                const struct fb_redshift *row, int same_z)
{
    size_t lo = 0, hi = table->n;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (entries[middle].targetid < row->targetid)
            lo = middle + 1;
        else
            hi = middle;
    }
    for (; lo < table->n && entries[lo].targetid == row->targetid; lo++) {
        double difference = fabs((double)table->rows[entries[lo].row].z - row->z);
        if (!entries[lo].taken && (!same_z || difference <= FB_SAME_REDSHIFT)) {
            entries[lo].taken = 1;
            return &entries[lo];
        }
    }
    return NULL;
}

void fb_count_unmatched(struct fb_tally *tally, double z, enum fb_fate fate)
{
    fb_tally_count(tally, fb_in_z_range(z) ? fate : FB_FATE_OUTSIDE_RANGE, NULL);
}

static void take_all(struct fb_matches *matches, const struct fb_pixel_rows *s, size_t index,
                     struct fb_baltable *table, struct entry *entries, unsigned char *matched)
{
    size_t begin = s->begin[index], n = s->begin[index + 1] - begin;
    for (int same_z = 1; same_z >= 0; same_z--) {
        for (size_t i = 0; i < n; i++) {
            size_t row = s->order[begin + i];
            struct entry *entry = matched[i] ? NULL : take_entry(table, entries, &s->rows[row], same_z);
            if (!entry)
                continue;
            matched[i] = 1;
            table->rows[entry->row].balmask = fb_balmask(&table->rows[entry->row], s->rows[row].z);
            fb_tally_count(&matches->tally, fb_fate_in_catalog(&table->rows[entry->row]),
                           &table->rows[entry->row]);
            matches->matches[matches->n++] = (struct fb_balcatalog_row){ row, &table->rows[entry->row] };
        }
    }
    for (size_t i = 0; i < n; i++)
        if (!matched[i])
            fb_count_unmatched(&matches->tally, s->rows[s->order[begin + i]].z, FB_FATE_NOT_IN_TABLE);
}

int fb_match_rows(struct fb_matches *matches, const struct fb_pixel_rows *s, size_t index,
                  struct fb_baltable *table, struct fb_error *err)
{
    size_t n = s->begin[index + 1] - s->begin[index];
    struct entry *entries = malloc((table->n + 1) * sizeof *entries);
    unsigned char *matched = calloc(n + 1, 1);
    int status = 0;

    *matches = (struct fb_matches){ .matches = malloc((n + 1) * sizeof *matches->matches) };
    if (!entries || !matched || !matches->matches) {
        status = fb_fail(err, "out of memory for %zu rows", table->n);
    } else {
        for (size_t i = 0; i < table->n; i++)
            entries[i] = (struct entry){ table->rows[i].targetid, i, 0 };
        qsort(entries, table->n, sizeof *entries, compare_entries);
        take_all(matches, s, index, table, entries, matched);
    }
    free(entries);
    free(matched);
    return status;
}

void fb_matches_release(struct fb_matches *matches)
{
    free(matches->matches);
    *matches = (struct fb_matches){ 0 };
}
