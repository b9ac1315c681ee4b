/* tally.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "fits/error.h"
#include "pipeline/tally.h"

static const char *const words[FB_NFATES] = {
    [FB_FATE_NOT_IN_COADD] = "not in the coadd",
    [FB_FATE_NOT_IN_TABLE] = "not in the BAL table",
    [FB_FATE_Z_DIFFERS] = "with another redshift than in the BAL table",
    [FB_FATE_PIXEL_FAILED] = "in pixels that failed",
    [FB_FATE_NO_POSITION] = "without a pixel",
    [FB_FATE_NO_GOOD_PIXELS] = "without enough good pixels",
    [FB_FATE_SINGULAR] = "with a singular fit",
    [FB_FATE_NO_CIV] = "without C IV in the spectrum",
    [FB_FATE_NEGATIVE] = "with a negative continuum",
    [FB_FATE_OTHER] = "for another reason",
    [FB_FATE_OUTSIDE_RANGE] = "outside redshift 1.57 to 5",
    [FB_FATE_NOT_QSO] = "not a QSO",
    [FB_FATE_UNSELECTED] = "not selected",
};

const char *fb_fate_words(enum fb_fate fate)
{
    return words[fate];
}

enum fb_fate fb_fate_of(const struct fb_balrow *row)
{
    static const struct {
        int bit;
        enum fb_fate fate;
    } fates[] = { { FASTBAL_NO_SPECTRUM, FB_FATE_NOT_IN_COADD },  { FASTBAL_NO_CIV, FB_FATE_NO_CIV },
                  { FASTBAL_FEW_PIXELS, FB_FATE_NO_GOOD_PIXELS }, { FASTBAL_SINGULAR, FB_FATE_SINGULAR },
                  { FASTBAL_NO_DIFFERENCE, FB_FATE_NEGATIVE },    { FASTBAL_NOT_MEASURED, FB_FATE_OTHER } };
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++)
        if (row->balstatus & fates[i].bit)
            return fates[i].fate;
    return FB_FATE_MEASURED;
}

enum fb_fate fb_fate_in_catalog(const struct fb_balrow *row)
{
    if (row->balmask & FB_BALMASK_Z_RANGE)
        return FB_FATE_OUTSIDE_RANGE;
    if (row->balmask & FB_BALMASK_NO_ROW)
        return FB_FATE_NOT_IN_TABLE;
    if (row->balmask & FB_BALMASK_Z_DIFFERS)
        return FB_FATE_Z_DIFFERS;
    enum fb_fate fate = fb_fate_of(row);
    return fate == FB_FATE_MEASURED && (row->balmask & FB_BALMASK_NOT_MEASURED) ? FB_FATE_OTHER : fate;
}

/* The bin of SNR_CIV. -1 and NaN mean unknown, which is the last bin. */
static int snr_bin(float snr)
{
    static const float edges[] = { 1, 2, 4, 8 };
    enum { NEDGES = sizeof edges / sizeof *edges };
    int bin = 0;
    if (isnan(snr) || (snr >= -1 && snr <= -1))
        return FB_NSNR - 1;
    while (bin < NEDGES && snr >= edges[bin])
        bin++;
    return bin;
}

void fb_tally_count(struct fb_tally *tally, enum fb_fate fate, const struct fb_balrow *row)
{
    tally->n[fate]++;
    if (fate == FB_FATE_MEASURED) {
        const int bin = snr_bin(row->snr_civ);
        const size_t bal = row->civ_ai.index > 0;
        tally->nai += bal;
        tally->nbi += row->civ_bi.index > 0;
        tally->nrated += row->bal_prob > 0;
        tally->nlikely += row->bal_prob >= 0.5F;
        tally->snr[bin]++;
        tally->snr_ai[bin] += bal;
    }
}

void fb_tally_add(struct fb_tally *total, const struct fb_tally *part)
{
    size_t *to = (size_t *)total; /* all members are counts */
    const size_t *from = (const size_t *)part;
    for (size_t k = 0; k < sizeof *part / sizeof *from; k++)
        to[k] += from[k];
}

static size_t sum(const struct fb_tally *tally, enum fb_fate first, enum fb_fate last)
{
    size_t n = 0;
    for (int k = (int)first; k <= (int)last; k++)
        n += tally->n[k];
    return n;
}

size_t fb_tally_rows(const struct fb_tally *tally)
{
    return sum(tally, FB_FATE_MEASURED, FB_NFATES - 1);
}

size_t fb_tally_asked(const struct fb_tally *tally)
{
    return sum(tally, FB_FATE_MEASURED, FB_FATE_OTHER);
}

size_t fb_tally_lost(const struct fb_tally *tally)
{
    return sum(tally, FB_FATE_NOT_IN_COADD, FB_FATE_NO_POSITION);
}

int fb_tally_is_empty(const struct fb_tally *tally)
{
    return tally->n[FB_FATE_MEASURED] == 0 && fb_tally_asked(tally) > 0;
}

/* "2 not in the coadd, 1 not a QSO" */
static void list_fates(const struct fb_tally *tally, enum fb_fate first, enum fb_fate last, char *text,
                       size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int k = (int)first; k <= (int)last; k++)
        if (tally->n[k] > 0)
            used += (size_t)snprintf(text + used, size - used, "%s%zu %s", used ? ", " : "", tally->n[k],
                                     words[k]);
}

void fb_tally_text(const struct fb_tally *tally, const char *templates, char text[FB_TALLY_TEXT])
{
    char reasons[FB_TALLY_TEXT / 2], likely[64] = "";
    size_t n = fb_tally_rows(tally);
    if (tally->nrated > 0)
        snprintf(likely, sizeof likely, ", %zu with BAL_PROB >= 0.5", tally->nlikely);
    list_fates(tally, FB_FATE_NOT_IN_COADD, FB_NFATES - 1, reasons, sizeof reasons);
    snprintf(text, FB_TALLY_TEXT, "%zu row%s: %zu measured%s%s, %zu BAL%s (AI > 0), %zu with BI > 0%s%s%s", n,
             fb_s(n), tally->n[FB_FATE_MEASURED], templates ? " with " : "", templates ? templates : "",
             tally->nai, fb_s(tally->nai), tally->nbi, likely, reasons[0] ? "; not measured: " : "", reasons);
}

static size_t share_text(char *text, size_t size, size_t part, size_t of)
{
    return (size_t)snprintf(text, size, "%zu of %zu (%.*f %%)", part, of, part * 10 < of ? 1 : 0,
                            100 * (double)part / (double)of);
}

void fb_tally_snr_text(const struct fb_tally *tally, char text[FB_TALLY_TEXT])
{
    static const char *const bins[FB_NSNR] = { " below 1",   " at 1 to 2", " at 2 to 4",
                                               " at 4 to 8", " from 8",    " where it is not known" };
    size_t used = 0, n = tally->n[FB_FATE_MEASURED];
    text[0] = '\0';
    if (n == 0)
        return;
    for (int k = 0; k < FB_NSNR; k++) {
        if (tally->snr[k] == 0)
            continue;
        used += (size_t)snprintf(text + used, FB_TALLY_TEXT - used, "%s", used ? ", " : "BALs by SNR_CIV: ");
        used += share_text(text + used, FB_TALLY_TEXT - used, tally->snr_ai[k], tally->snr[k]);
        used += (size_t)snprintf(text + used, FB_TALLY_TEXT - used, "%s", bins[k]);
    }
    used += (size_t)snprintf(text + used, FB_TALLY_TEXT - used, "; ");
    used += share_text(text + used, FB_TALLY_TEXT - used, tally->nai, n);
    snprintf(text + used, FB_TALLY_TEXT - used, " in all");
}

void fb_tally_lost_text(const struct fb_tally *tally, char text[FB_TALLY_TEXT])
{
    char reasons[FB_TALLY_TEXT / 2];
    text[0] = '\0';
    list_fates(tally, FB_FATE_NOT_IN_COADD, FB_FATE_NO_POSITION, reasons, sizeof reasons);
    size_t n = fb_tally_asked(tally);
    if (reasons[0])
        snprintf(text, FB_TALLY_TEXT, "%zu of %zu quasar%s not measured: %s", fb_tally_lost(tally), n,
                 fb_s(n), reasons);
}

void fb_tally_reasons(const struct fb_tally *tally, char text[FB_TALLY_TEXT])
{
    list_fates(tally, FB_FATE_NOT_IN_COADD, FB_FATE_OTHER, text, FB_TALLY_TEXT);
}
