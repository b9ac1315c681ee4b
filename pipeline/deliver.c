/* deliver.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "pipeline/deliver.h"
#include "pipeline/match.h"

/* The bytes of a result are an array of these. */
struct sent_row {
    size_t row; /* of the catalog */
    struct fb_balrow bal;
};

static enum fb_replace replace_of(const struct fb_catalog_output *to)
{
    return to->clobber ? FB_REPLACE : FB_KEEP_EXISTING;
}

int fb_deliver_check(const struct fb_catalog_output *to, const char *source, struct fb_error *err)
{
    return fb_check_output(to->path, replace_of(to), err) != 0 ||
                   (to->troughs && (fb_check_output(to->troughs, replace_of(to), err) != 0 ||
                                    fb_check_apart(to->troughs, source, err) != 0 ||
                                    fb_check_distinct(to->troughs, to->path, err) != 0))
               ? -1
               : 0;
}

int fb_deliver_start(struct fb_balcatalog **catalog, const struct fb_catalog_output *to,
                     struct fb_table *source, const struct fb_pixel_rows *rows, int ntemplates,
                     fb_stop_fn *stop, struct fb_error *err)
{
    const struct fb_balcatalog_plan plan = { .path = to->path,
                                             .source = source,
                                             .rows = rows->rows,
                                             .replace = replace_of(to),
                                             .ntemplates = ntemplates,
                                             .troughs = to->troughs,
                                             .described = 1,
                                             .stop = stop };
    return fb_balcatalog_create(catalog, &plan, err);
}

/* Copy the matched rows into the result, which outlives the table. */
static int pack(const struct fb_matches *matches, struct fb_pixel_result *result, struct fb_error *err)
{
    struct sent_row *sent = calloc(matches->n + 1, sizeof *sent);
    if (!sent)
        return fb_fail(err, "out of memory for %zu rows", matches->n);
    for (size_t i = 0; i < matches->n; i++) {
        sent[i].row = matches->matches[i].row;
        sent[i].bal = *matches->matches[i].bal;
    }
    result->bytes = sent;
    result->size = matches->n * sizeof *sent;
    return 0;
}

enum fb_pixel_outcome fb_deliver_table(struct fb_balcatalog *catalog, const struct fb_pixel_rows *rows,
                                       size_t index, struct fb_baltable *table,
                                       struct fb_pixel_result *result, struct fb_error *err)
{
    struct fb_matches matches;
    enum fb_pixel_outcome outcome = FB_PIXEL_DONE;

    if (fb_match_rows(&matches, rows, index, table, err) != 0)
        outcome = FB_PIXEL_FAILED;
    else if (!catalog)
        outcome = pack(&matches, result, err) == 0 ? FB_PIXEL_DONE : FB_PIXEL_FAILED;
    else if (fb_balcatalog_put_rows(catalog, matches.matches, matches.n, err) != 0)
        outcome = FB_PIXEL_UNWRITTEN;
    if (outcome == FB_PIXEL_DONE) {
        result->tally = matches.tally;
        result->nmatched = matches.n;
        result->nquasars = matches.tally.n[FB_FATE_MEASURED];
    }
    fb_matches_release(&matches);
    return outcome;
}

int fb_deliver_received(struct fb_balcatalog *catalog, const struct fb_pixel_result *result,
                        struct fb_error *err)
{
    const struct sent_row *sent = result->bytes;
    size_t n = result->size / sizeof *sent;
    struct fb_balcatalog_row *puts = malloc((n + 1) * sizeof *puts);
    if (!puts)
        return fb_fail(err, "out of memory for %zu rows", n);
    for (size_t i = 0; i < n; i++)
        puts[i] = (struct fb_balcatalog_row){ sent[i].row, &sent[i].bal };
    int failed = fb_balcatalog_put_rows(catalog, puts, n, err);
    free(puts);
    return failed;
}

size_t fb_deliver_row_bytes(void)
{
    return sizeof(struct sent_row);
}
