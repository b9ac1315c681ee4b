/* catalog_page.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "fastbal.h"
#include "fits/system.h"
#include "report/page.h"
#include "report/catalog_page.h"
#include "run/binomial.h"
#include "run/json.h"

/* ---- lists ---- */

static void put_numbers(FILE *out, const char *key, const double *numbers, size_t n)
{
    fb_json_key(out, key);
    fputc('[', out);
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? "," : "", out);
        fb_json_number(out, numbers[i]);
    }
    fputc(']', out);
}

static void put_counts(FILE *out, const char *key, const size_t *counts, size_t n)
{
    fb_json_key(out, key);
    fputc('[', out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%zu", i > 0 ? "," : "", counts[i]);
    fputc(']', out);
}

/* ---- the catalog ---- */

static void put_catalog(FILE *out, const struct fb_catalog_page *r)
{
    const struct fb_contents *q = r->quasars;
    fprintf(out, "\"program\": \"fastbal %s\",\n\"catalog\": ", fastbal_version());
    fb_json_text(out, r->catalog);
    fputs(", \"table\": ", out);
    fb_json_text(out, q->table);
    fprintf(out,
            ", \"id\": \"%016" PRIx64
            "\", \"rows\": %zu, \"measured\": %zu, \"ai\": %zu, \"bi\": %zu, \"bals\": %zu",
            q->id, q->nrows, q->tally.n[FB_FATE_MEASURED], q->tally.nai, q->tally.nbi, q->nbals);
    fputs(",\n\"not_measured\": [", out);
    size_t written = 0;
    for (int k = 0; k < FB_NFATES; k++) {
        if (k == FB_FATE_MEASURED || q->tally.n[k] == 0)
            continue;
        fputs(written++ > 0 ? "," : "", out);
        fputc('[', out);
        fb_json_text(out, fb_fate_words((enum fb_fate)k));
        fprintf(out, ", %zu]", q->tally.n[k]);
    }
    fputs("],\n\"provenance\": [", out);
    for (size_t i = 0; i < q->nsaid; i++) {
        fputs(i > 0 ? ", [" : "[", out);
        fb_json_text(out, q->said[i].name);
        fputs(", ", out);
        fb_json_text(out, q->said[i].value);
        fputc(']', out);
    }
    fputs("]", out);
}

/* ---- histograms ---- */

static void put_fractions(FILE *out, const char *key, const struct fb_bins *bins, enum fb_series series)
{
    fputs(", ", out);
    fb_json_key(out, key);
    fputc('[', out);
    for (size_t i = 0; i < bins->n; i++) {
        struct fb_share f = fb_share_of(bins->counts[series][i], bins->counts[FB_SERIES_MEASURED][i]);
        fputs(i > 0 ? ",[" : "[", out);
        fb_json_number(out, f.value);
        fputc(',', out);
        fb_json_number(out, f.lower);
        fputc(',', out);
        fb_json_number(out, f.upper);
        fputc(']', out);
    }
    fputc(']', out);
}

static void put_histogram(FILE *out, const char *key, const struct fb_bins *bins, int with_fractions)
{
    static const char *const series[FB_NSERIES] = { "measured", "ai", "bi" };
    fb_json_key(out, key);
    fputc('{', out);
    put_numbers(out, "edges", bins->edges, bins->n + 1);
    for (int k = 0; k < FB_NSERIES; k++) {
        fputs(", ", out);
        put_counts(out, series[k], bins->counts[k], bins->n);
    }
    fputs(", ", out);
    put_counts(out, "outside", bins->outside, FB_NSERIES);
    if (with_fractions) {
        put_fractions(out, "ai_fraction", bins, FB_SERIES_AI);
        put_fractions(out, "bi_fraction", bins, FB_SERIES_BI);
    }
    fputc('}', out);
}

static void put_histograms(FILE *out, const struct fb_contents *q)
{
    static const struct {
        const char *key;
        enum fb_quasar_number column; /* that it needs */
        int with_fractions;
    } about[FB_NHISTOGRAMS] = {
        [FB_HISTOGRAM_Z] = { "z", FB_QUASAR_Z, 1 },
        [FB_HISTOGRAM_SNR] = { "snr", FB_QUASAR_SNR, 1 },
        [FB_HISTOGRAM_CHI2] = { "chi2", FB_QUASAR_CHI2, 0 },
        [FB_HISTOGRAM_AI] = { "ai", FB_QUASAR_AI, 0 },
        [FB_HISTOGRAM_BI] = { "bi", FB_QUASAR_BI, 0 },
        [FB_HISTOGRAM_VMIN] = { "vmin", FB_QUASAR_AI, 0 },
        [FB_HISTOGRAM_VMAX] = { "vmax", FB_QUASAR_AI, 0 },
        [FB_HISTOGRAM_WIDTH] = { "width", FB_QUASAR_AI, 0 },
        [FB_HISTOGRAM_DEPTH] = { "depth", FB_QUASAR_DEPTH, 0 },
    };
    size_t written = 0;
    fputs(",\n\"histograms\": {", out);
    for (int k = 0; k < FB_NHISTOGRAMS; k++) {
        if (!q->has[about[k].column])
            continue;
        fputs(written++ > 0 ? ",\n  " : "\n  ", out);
        put_histogram(out, about[k].key, &q->histograms[k], about[k].with_fractions);
    }
    fprintf(out, "},\n\"sky_cell\": %d, \"sky\": [", FB_SKY_CELL);
    written = 0;
    for (int k = 0; k < FB_SKY_DEC; k++)
        for (int i = 0; i < FB_SKY_RA; i++)
            if (q->sky->measured[k][i] > 0)
                fprintf(out, "%s[%d,%d,%zu,%zu]", written++ > 0 ? "," : "", i * FB_SKY_CELL,
                        k * FB_SKY_CELL - 90, q->sky->measured[k][i], q->sky->bals[k][i]);
    fputs("]", out);
}

/* ---- rows and spectra ---- */

static void put_column(FILE *out, const struct fb_contents *q, enum fb_quasar_number number)
{
    fputs(",\n  ", out);
    fb_json_key(out, fb_quasar_column(number));
    fputc('[', out);
    for (size_t i = 0; i < q->nlisted; i++) {
        fputs(i > 0 ? "," : "", out);
        fb_json_number(out, q->listed[i].number[number]);
    }
    fputc(']', out);
}

/* [0 for C IV and 1 for Si IV, VMIN, VMAX, ...] */
static void put_troughs(FILE *out, const struct fb_contents *q)
{
    fputs(",\n  \"troughs\": [", out);
    for (size_t i = 0; i < q->nlisted; i++) {
        const size_t row = q->listed[i].row, first = q->troughs.begin[row], end = q->troughs.begin[row + 1];
        fputs(i > 0 ? ",[" : "[", out);
        for (size_t k = first; k < end; k++) {
            const struct fb_trough_range *t = &q->troughs.troughs[k];
            fprintf(out, "%s%d,", k > first ? "," : "", t->line == FB_TROUGHS_SIIV);
            fb_json_number(out, (double)t->vmin);
            fputc(',', out);
            fb_json_number(out, (double)t->vmax);
        }
        fputc(']', out);
    }
    fputc(']', out);
}

static void put_rows(FILE *out, const struct fb_contents *q)
{
    fputs(",\n\"quasars\": {\"TARGETID\": [", out);
    for (size_t i = 0; i < q->nlisted; i++)
        fprintf(out, "%s\"%" PRId64 "\"", i > 0 ? "," : "", q->listed[i].targetid);
    fputs("],\n  \"row\": [", out);
    for (size_t i = 0; i < q->nlisted; i++)
        fprintf(out, "%s%zu", i > 0 ? "," : "", q->listed[i].row);
    fputs("],\n  \"bal\": [", out);
    for (size_t i = 0; i < q->nlisted; i++)
        fprintf(out, "%s%d", i > 0 ? "," : "", fb_quasar_is_bal(&q->listed[i]));
    fputc(']', out);
    for (int k = 0; k < FB_NQUASAR; k++)
        if (q->has[k])
            put_column(out, q, (enum fb_quasar_number)k);
    put_troughs(out, q);
    fputc('}', out);
}

static void put_spectra(FILE *out, const struct fb_catalog_page *r)
{
    fprintf(out, ",\n\"asked\": %zu, \"note\": ", r->asked);
    fb_json_text(out, r->note);
    fputs(",\n\"spectra\": [", out);
    for (size_t i = 0; i < r->spectra->n; i++) {
        const struct fb_drawn *d = &r->spectra->spectra[i];
        const double numbers[] = { d->first, d->step, d->flux_step, d->continuum_step, d->error_top, d->ai };
        static const char *const keys[] = { "first", "step", "flux", "continuum", "error", "ai" };
        fprintf(out, "%s{\"quasar\": %zu, \"n\": %zu, \"full\": %zu", i > 0 ? ",\n  " : "\n  ", d->quasar,
                d->n, d->nfull);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            fputs(", ", out);
            fb_json_key(out, keys[k]);
            fb_json_number(out, numbers[k]);
        }
        fprintf(out, ", \"status\": %" PRIu32 "}", d->status);
    }
    fputs("]}\n", out);
}

/* ---- the file ---- */

static void print_page(FILE *out, const void *context)
{
    const struct fb_catalog_page *r = context;
    (void)fwrite(fb_page_head, 1, fb_page_head_size, out); /* ferror() is asked at the end */
    fputs("<script type=\"application/json\" id=\"data\">{", out);
    put_catalog(out, r);
    put_histograms(out, r->quasars);
    put_rows(out, r->quasars);
    put_spectra(out, r);
    fputs("</script>\n", out);
    (void)fwrite(r->spectra->text ? r->spectra->text : "", 1, r->spectra->size, out);
    (void)fwrite(fb_page_tail, 1, fb_page_tail_size, out);
}

int fb_catalog_page_check(struct fb_error *err)
{
    return fb_page_lacks[0]
               ? fb_fail(err,
                         "this program was built without the page of reports: %s; build it again where npm "
                         "is, or with -DFASTBAL_UPLOT=DIR",
                         fb_page_lacks)
               : 0;
}

int fb_catalog_page_write(const struct fb_catalog_page *r, const char *path, enum fb_replace replace,
                          struct fb_error *err)
{
    return fb_catalog_page_check(err) != 0 ? -1 : fb_print_output(path, replace, print_page, r, err);
}
