/* match.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include "desi/id_rows.h"
#include "pipeline/match.h"

/* The rows of a BAL table. */
struct entries {
    struct fb_baltable *table;
    struct fb_id_row *ids;
    unsigned char *taken; /* rows that have been matched */
};

/* The first free row of a target; with same_z, only one with that redshift. NULL if there is none. */
static struct fb_balrow *take_entry(struct entries *entries, const struct fb_redshift *row, int same_z)
{
    const size_t n = entries->table->n;
    for (size_t i = fb_id_rows_find(entries->ids, n, row->targetid);
         i < n && entries->ids[i].targetid == row->targetid; i++) {
        size_t k = entries->ids[i].row;
        double difference = fabs((double)entries->table->rows[k].z - row->z);
        if (!entries->taken[k] && (!same_z || difference <= FB_SAME_REDSHIFT)) {
            entries->taken[k] = 1;
            return &entries->table->rows[k];
        }
    }
    return NULL;
}

void fb_count_unmatched(struct fb_tally *tally, double z, enum fb_fate fate)
{
    fb_tally_count(tally, fb_in_z_range(z) ? fate : FB_FATE_OUTSIDE_RANGE, NULL);
}

static void take_all(struct fb_matches *matches, const struct fb_pixel_rows *s, size_t index,
                     struct entries *entries, unsigned char *matched)
{
    size_t begin = s->begin[index], n = s->begin[index + 1] - begin;
    for (int same_z = 1; same_z >= 0; same_z--) {
        for (size_t i = 0; i < n; i++) {
            size_t row = s->order[begin + i];
            struct fb_balrow *bal = matched[i] ? NULL : take_entry(entries, &s->rows[row], same_z);
            if (!bal)
                continue;
            matched[i] = 1;
            bal->balmask = fb_balmask(bal, s->rows[row].z);
            fb_tally_count(&matches->tally, fb_fate_in_catalog(bal), bal);
            matches->matches[matches->n++] = (struct fb_balcatalog_row){ row, bal };
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
    struct entries entries = { table, malloc((table->n + 1) * sizeof *entries.ids), calloc(table->n + 1, 1) };
    unsigned char *matched = calloc(n + 1, 1);
    int status = 0;

    *matches = (struct fb_matches){ .matches = malloc((n + 1) * sizeof *matches->matches) };
    if (!entries.ids || !entries.taken || !matched || !matches->matches) {
        status = fb_fail(err, "out of memory for %zu rows", table->n);
    } else {
        for (size_t i = 0; i < table->n; i++)
            entries.ids[i] = (struct fb_id_row){ table->rows[i].targetid, i };
        fb_id_rows_sort(entries.ids, table->n);
        take_all(matches, s, index, &entries, matched);
    }
    free(entries.ids);
    free(entries.taken);
    free(matched);
    return status;
}

void fb_matches_release(struct fb_matches *matches)
{
    free(matches->matches);
    *matches = (struct fb_matches){ 0 };
}
