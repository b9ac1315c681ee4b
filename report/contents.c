/* contents.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/table.h"
#include "report/contents.h"

/* Columns of numbers, each under the first of its names that is there. */
enum { MOST_NAMES = 3 };
static const char *const names[FB_NQUASAR][MOST_NAMES] = {
    [FB_QUASAR_Z] = { "Z", "Z_BEST" },
    [FB_QUASAR_RA] = { "TARGET_RA", "RA" },
    [FB_QUASAR_DEC] = { "TARGET_DEC", "DEC" },
    [FB_QUASAR_SNR] = { "SNR_CIV" },
    [FB_QUASAR_AI] = { "AI_CIV" },
    [FB_QUASAR_ERR_AI] = { "ERR_AI_CIV" },
    [FB_QUASAR_BI] = { "BI_CIV" },
    [FB_QUASAR_ERR_BI] = { "ERR_BI_CIV" },
    [FB_QUASAR_DEPTH] = { "DEPTH_CIV" },
    [FB_QUASAR_EW] = { "EW_CIV" },
    [FB_QUASAR_CHI2] = { "PCA_CHI2" },
    [FB_QUASAR_STATUS] = { "BALSTATUS" },
    [FB_QUASAR_PROBABILITY] = { "BAL_PROB" },
};

struct reader {
    struct fb_contents *quasars;
    const struct fb_id_list *targetids;
    struct fb_table *table;
    const struct fb_column *targetid, *balmask, *number[FB_NQUASAR];
};

const char *fb_quasar_column(enum fb_quasar_number number)
{
    return names[number][0];
}

int fb_quasar_is_bal(const struct fb_quasar *q)
{
    return q->fate == FB_FATE_MEASURED && (q->number[FB_QUASAR_AI] > 0 || q->number[FB_QUASAR_BI] > 0);
}

/* ---- histograms ---- */

static void plan_histograms(struct fb_bins *h)
{
    static const double snr[] = { 0, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50, 100 };
    static const double width[] = { 450,  600,  800,  1000, 1300,  1700, 2200, 3000,
                                    4000, 5500, 7500, 1e4,  1.4e4, 2e4,  3e4 };
    static const double index[] = { 1,    3,    10,   30,   100,  200,  300, 500, 700,
                                    1000, 1500, 2000, 3000, 5000, 7000, 1e4, 2e4 };
    enum {
        NSNR = sizeof snr / sizeof *snr - 1,
        NWIDTH = sizeof width / sizeof *width - 1,
        NINDEX = sizeof index / sizeof *index - 1
    };
    fb_bins_uniform(&h[FB_HISTOGRAM_Z], 1.5, 0.25, 14);
    fb_bins_edges(&h[FB_HISTOGRAM_SNR], snr, NSNR);
    fb_bins_uniform(&h[FB_HISTOGRAM_CHI2], 0, 0.125, 24);
    fb_bins_edges(&h[FB_HISTOGRAM_AI], index, NINDEX);
    fb_bins_edges(&h[FB_HISTOGRAM_BI], index, NINDEX);
    fb_bins_uniform(&h[FB_HISTOGRAM_VMIN], 0, 1000, 25);
    fb_bins_uniform(&h[FB_HISTOGRAM_VMAX], 0, 1000, 25);
    fb_bins_edges(&h[FB_HISTOGRAM_WIDTH], width, NWIDTH);
    fb_bins_uniform(&h[FB_HISTOGRAM_DEPTH], 0, 0.05, 20);
}

static void count_value(struct fb_contents *q, const struct fb_quasar *row, enum fb_histogram k,
                        enum fb_quasar_number number)
{
    const enum fb_quasar_number index[FB_NSERIES] = {
        [FB_SERIES_AI] = FB_QUASAR_AI, [FB_SERIES_BI] = FB_QUASAR_BI
    };
    for (int series = 0; series < FB_NSERIES && q->has[number]; series++)
        if (series == FB_SERIES_MEASURED || row->number[index[series]] > 0)
            fb_bins_add(&q->histograms[k], (enum fb_series)series, row->number[number]);
}

static void count_troughs(struct fb_contents *q, size_t row)
{
    for (size_t i = q->troughs.begin[row]; i < q->troughs.begin[row + 1]; i++) {
        const struct fb_trough_range *t = &q->troughs.troughs[i];
        if (t->line != FB_TROUGHS_CIV)
            continue;
        fb_bins_add(&q->histograms[FB_HISTOGRAM_VMIN], FB_SERIES_AI, (double)t->vmin);
        fb_bins_add(&q->histograms[FB_HISTOGRAM_VMAX], FB_SERIES_AI, (double)t->vmax);
        fb_bins_add(&q->histograms[FB_HISTOGRAM_WIDTH], FB_SERIES_AI, (double)t->vmax - (double)t->vmin);
    }
}

static void count_place(struct fb_sky *sky, const struct fb_quasar *row)
{
    double ra = fmod(row->number[FB_QUASAR_RA], 360), dec = row->number[FB_QUASAR_DEC];
    ra = ra < 0 ? ra + 360 : ra;
    if (!(ra >= 0 && ra < 360 && dec >= -90 && dec <= 90))
        return;
    int i = (int)(ra / FB_SKY_CELL), k = (int)((dec + 90) / FB_SKY_CELL);
    k = k < FB_SKY_DEC ? k : FB_SKY_DEC - 1;
    sky->measured[k][i]++;
    sky->bals[k][i] += row->number[FB_QUASAR_AI] > 0;
}

static void count_measured(struct fb_contents *q, const struct fb_quasar *row)
{
    count_value(q, row, FB_HISTOGRAM_Z, FB_QUASAR_Z);
    count_value(q, row, FB_HISTOGRAM_SNR, FB_QUASAR_SNR);
    count_value(q, row, FB_HISTOGRAM_CHI2, FB_QUASAR_CHI2);
    if (row->number[FB_QUASAR_AI] > 0) {
        fb_bins_add(&q->histograms[FB_HISTOGRAM_AI], FB_SERIES_AI, row->number[FB_QUASAR_AI]);
        if (q->has[FB_QUASAR_DEPTH])
            fb_bins_add(&q->histograms[FB_HISTOGRAM_DEPTH], FB_SERIES_AI, row->number[FB_QUASAR_DEPTH]);
        count_troughs(q, row->row);
    }
    if (row->number[FB_QUASAR_BI] > 0)
        fb_bins_add(&q->histograms[FB_HISTOGRAM_BI], FB_SERIES_BI, row->number[FB_QUASAR_BI]);
    count_place(q->sky, row);
}

/* ---- rows ---- */

static int find_columns(struct reader *r, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const balmask[] = { "BALMASK", NULL };
    if (!fb_table_find(r->table, "AI_CIV"))
        return fb_fail(err,
                       "%s: expected a catalog with BAL columns, as run and append write it, found no column "
                       "AI_CIV in table %s",
                       r->table->path, r->table->name);
    if (fb_table_find_number(r->table, targetid, 1, &r->targetid, err) != 0 ||
        fb_table_find_number(r->table, balmask, 0, &r->balmask, err) != 0)
        return -1;
    for (int k = 0; k < FB_NQUASAR; k++) {
        int needed = k == FB_QUASAR_Z || k == FB_QUASAR_AI || k == FB_QUASAR_BI;
        if (fb_table_find_number(r->table, names[k], needed, &r->number[k], err) != 0)
            return -1;
        r->quasars->has[k] = r->number[k] != NULL;
    }
    return 0;
}

/* FNV-1a, of what does not depend on the machine. */
static void add_to_id(uint64_t *id, double value, int64_t targetid)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits ^= (uint64_t)targetid;
    for (int k = 0; k < 64; k += 8)
        *id = (*id ^ (bits >> k & 0xff)) * 0x100000001b3U;
}

static void take_tally(struct reader *r, struct fb_quasar *row, const unsigned char *bytes)
{
    struct fb_balrow bal = { 0 };
    double status = r->number[FB_QUASAR_STATUS] ? row->number[FB_QUASAR_STATUS] : 0;
    double mask = r->balmask ? fb_column_number(r->balmask, bytes) : 0;
    bal.balmask = mask >= 0 && mask < 256 ? (uint8_t)mask : 0;
    bal.balstatus = status >= INT32_MIN && status <= INT32_MAX ? (int32_t)status : 0;
    bal.civ_ai.index = (float)row->number[FB_QUASAR_AI];
    bal.civ_bi.index = (float)row->number[FB_QUASAR_BI];
    bal.bal_prob = (float)row->number[FB_QUASAR_PROBABILITY];
    row->fate = fb_fate_in_catalog(&bal);
    fb_tally_count(&r->quasars->tally, row->fate, &bal);
}

static int list_row(struct fb_contents *q, const struct fb_quasar *row)
{
    if (q->nlisted == q->room) {
        size_t room = q->room ? 2 * q->room : 1024;
        struct fb_quasar *grown = realloc(q->listed, room * sizeof *grown);
        if (!grown)
            return -1;
        q->listed = grown;
        q->room = room;
    }
    q->listed[q->nlisted++] = *row;
    return 0;
}

static int take_row(struct reader *r, size_t i, const unsigned char *bytes, struct fb_error *err)
{
    struct fb_contents *q = r->quasars;
    struct fb_quasar row = { .row = i };
    if (fb_table_integer(r->table, r->targetid, bytes, &row.targetid, err) != 0)
        return -1;
    for (int k = 0; k < FB_NQUASAR; k++)
        row.number[k] = r->number[k] ? fb_column_number(r->number[k], bytes) : NAN;
    add_to_id(&q->id, row.number[FB_QUASAR_Z], row.targetid);
    add_to_id(&q->id, row.number[FB_QUASAR_AI], 0);
    take_tally(r, &row, bytes);
    if (row.fate == FB_FATE_MEASURED)
        count_measured(q, &row);
    q->nbals += (size_t)fb_quasar_is_bal(&row);
    if (!fb_quasar_is_bal(&row) &&
        (r->targetids->n == 0 || fb_id_list_find(r->targetids, row.targetid) == r->targetids->n))
        return 0;
    return list_row(q, &row) == 0 ? 0 : fb_fail(err, "%s: out of memory for its BALs", r->table->path);
}

/* ---- provenance ---- */

static void say(struct fb_contents *q, const char *name, const char *value)
{
    struct fb_said *grown = value[0] ? realloc(q->said, (q->nsaid + 1) * sizeof *grown) : NULL;
    if (!grown)
        return;
    q->said = grown;
    snprintf(grown[q->nsaid].name, sizeof grown->name, "%s", name);
    snprintf(grown[q->nsaid].value, sizeof grown->value, "%s", value);
    q->nsaid++;
}

static void take_header(struct fb_contents *q, struct fb_table *table)
{
    char key[16], name[72], value[500];
    for (const struct fb_provenance_key *k = fb_provenance_keys; k < fb_provenance_keys + FB_NPROVENANCE; k++)
        if (fb_table_keyword(table, k->keyword, fb_provenance_place(&q->made, k), k->size))
            say(q, k->words, fb_provenance_text(&q->made, k));
    if (fb_table_keyword(table, "BALOPTS", value, sizeof value))
        say(q, "options", value);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "DEPNAM%02d", i);
        if (!fb_table_keyword(table, key, name, sizeof name))
            continue;
        snprintf(key, sizeof key, "DEPVER%02d", i);
        fb_table_keyword(table, key, value, sizeof value);
        say(q, name, value);
    }
    if (fb_table_history(table, "Last updated", value, sizeof value))
        say(q, "history", value);
}

static int read_table(struct reader *r, struct fb_error *err)
{
    struct fb_contents *q = r->quasars;
    if (find_columns(r, err) != 0 || fb_balquasars_read(&q->troughs, r->table, err) != 0)
        return -1;
    q->sky = calloc(1, sizeof *q->sky);
    if (!q->sky)
        return fb_fail(err, "%s: out of memory", r->table->path);
    snprintf(q->table, sizeof q->table, "%s", r->table->name);
    q->nrows = (size_t)r->table->nrows;
    plan_histograms(q->histograms);
    take_header(q, r->table);
    for (size_t i = 0; i < q->nrows; i++) {
        const unsigned char *bytes = fb_table_row(r->table, (int64_t)i, err);
        if (!bytes || take_row(r, i, bytes, err) != 0)
            return -1;
    }
    return 0;
}

int fb_contents_read(struct fb_contents *q, struct fb_table *catalog, const struct fb_id_list *targetids,
                     struct fb_error *err)
{
    struct reader r = { .table = catalog, .quasars = q, .targetids = targetids };
    *q = (struct fb_contents){ .id = 0xcbf29ce484222325U };
    return read_table(&r, err);
}

void fb_contents_release(struct fb_contents *q)
{
    fb_balquasars_release(&q->troughs);
    free(q->sky);
    free(q->listed);
    free(q->said);
    *q = (struct fb_contents){ 0 };
}
