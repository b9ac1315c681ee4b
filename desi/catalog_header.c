/* catalog_header.c - SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "desi/catalog_header.h"
#include "desi/dependencies.h"
#include "fits/output.h"

enum { ROOM = FB_MOST_COLUMNS + FB_BALROW_COLUMNS };

/* The output's columns: those kept from the source, then the BAL columns. number[i] is the number in the
 * output of the source's column i, both from 1, or 0 if it is left out. */
struct columns {
    int number[FB_MOST_COLUMNS + 1];
    int nkept, n;
    char *ttype[ROOM], *tform[ROOM], *tunit[ROOM];
    char unit[FB_MOST_COLUMNS][FLEN_VALUE], form[FB_BALROW_COLUMNS][16];
};

static int list_columns(struct columns *list, const struct fb_table *t, int ntemplates, struct fb_error *err)
{
    int k = 0;
    for (int i = 0; i < t->ncolumns; i++) {
        const struct fb_column *c = &t->columns[i];
        char key[20];
        if (fb_balrow_in_catalog(c->name))
            continue;
        snprintf(key, sizeof key, "TUNIT%d", i + 1);
        fb_table_keyword(t, key, list->unit[k], FLEN_VALUE);
        list->ttype[k] = (char *)c->name;
        list->tform[k] = (char *)c->form;
        list->tunit[k] = list->unit[k];
        list->number[i + 1] = ++k;
    }
    int nbal = fb_balrow_names(FB_IN_CATALOG, ntemplates, list->ttype + k, list->tform + k, list->tunit + k,
                               list->form);
    list->nkept = k;
    list->n = k + nbal;
    if (list->n > FB_MOST_COLUMNS)
        return fb_fail(
            err, "%s: has %d columns; with the %d BAL columns that is more than the %d that FITS allows",
            t->path, k, nbal, FB_MOST_COLUMNS);
    return 0;
}

/* Copy one card of the source. Cards that describe its table as a whole are not copied, since they are written
 * anew. Neither are cards of columns beyond the source's last, which would describe BAL columns here, nor cards of columns
 * whose first 8 characters hold more than the keyword and blanks. Bytes that FITS does not allow become blanks, as CFITSIO would make them. */
static int copy_card(const struct columns *list, int ncolumns, fitsfile *to, const char *source, int *status)
{
    char card[FLEN_CARD], name[FLEN_KEYWORD], renamed[FLEN_KEYWORD + 12], changed[FLEN_CARD];
    int length = 0;
    size_t digits;

    for (int i = 0; i < FB_CARD; i++)
        card[i] = fb_card_is_printable(source + i, 1) ? source[i] : ' ';
    card[FB_CARD] = '\0';
    fits_get_keyname(card, name, &length, status);
    int column = fb_keyword_column(name, INT_MAX, &digits);
    if (column == 0)
        return fb_keyword_is_structural(name) ? *status : fits_write_record(to, card, status);
    snprintf(changed, sizeof changed, "%-8.8s", name);
    if (column > ncolumns || list->number[column] == 0 || memcmp(changed, source, 8) != 0)
        return *status;
    snprintf(renamed, sizeof renamed, "%.*s%d", (int)digits, name, list->number[column]);
    snprintf(changed, sizeof changed, "%-8.8s%.72s", renamed, card + 8);
    return fits_update_card(to, renamed, changed, status);
}

static void delete_key(fitsfile *file, const char *keyword, int *status)
{
    while (*status == 0)
        fits_delete_key(file, keyword, status);
    if (*status == KEY_NO_EXIST) {
        *status = 0;
        fits_clear_errmsg();
    }
}

static const char *const count_keys[] = { "BALNMEAS", "BALNAI  ", "BALNBI  " };
enum { NCOUNTS = 3 };

/* Reserve the cards of the description. The source's own are deleted, since they no longer hold. */
static void reserve_description(fitsfile *to, int described, int *status)
{
    static const char *const counts[NCOUNTS] = { "quasars measured", "of these with AI_CIV > 0",
                                                 "of these with BI_CIV > 0" };
    char blank[FB_CARD_TEXT + 1];
    memset(blank, '-', FB_CARD_TEXT);
    blank[FB_CARD_TEXT] = '\0';
    for (int k = 0; k <= FB_NPROVENANCE; k++) {
        const char *keyword = k < FB_NPROVENANCE ? fb_provenance_keys[k].keyword : "BALOPTS ";
        delete_key(to, keyword, status);
        if (described)
            fits_write_key_str(to, keyword, blank, NULL, status);
    }
    for (size_t k = 0; k < NCOUNTS; k++) {
        delete_key(to, count_keys[k], status);
        if (described)
            fits_write_key_lng(to, count_keys[k], 0, counts[k], status);
    }
    if (described)
        fb_write_dependencies(to, status);
}

/* Write a dummy primary HDU, and the table without rows, since CFITSIO would allocate memory for them. */
static void write_header(struct columns *list, const struct fb_table *source, int described, fitsfile *to,
                         int *status)
{
    fits_create_img(to, BYTE_IMG, 0, NULL, status);
    fits_insert_btbl(to, 0, list->n, list->ttype, list->tform, list->tunit, "ZCATALOG", 0, status);
    for (size_t i = 0; i < source->hdu->ncards && *status == 0; i++)
        copy_card(list, source->ncolumns, to, fb_hdu_card(source->hdus, source->hdu, i), status);
    fb_write_descriptions(to, FB_IN_CATALOG, list->nkept, status);
    reserve_description(to, described, status);
    fb_write_history(to, status);
    fb_write_empty_sums(to, status);
}

unsigned char *fb_catalog_header(struct fb_output *to, const struct fb_table *source, int ntemplates,
                                 int described, size_t *size, struct fb_error *err)
{
    LONGLONG begin = 0, end = 0;
    int status = 0;
    unsigned char *header = NULL;
    struct columns *list = calloc(1, sizeof *list);

    if (!list)
        fb_fail(err, "%s: out of memory", to->path);
    else if (list_columns(list, source, ntemplates, err) == 0) {
        write_header(list, source, described, to->file, &status);
        fits_get_hduaddrll(to->file, &begin, &end, NULL, &status);
        fits_flush_file(to->file, &status);
        *size = (size_t)(end - begin);
        if (fb_memory_file_lacks(to->room, (size_t)end, &status))
            fb_fits_fail(err, to->path, "can't write its header", status);
        else if (!(header = malloc(*size)))
            fb_fail(err, "%s: out of memory", to->path);
        else
            memcpy(header, (const unsigned char *)to->bytes + begin, *size);
    }
    free(list);
    return header;
}

static int put_description(const struct fb_balcatalog_header *d, unsigned char *header, size_t size)
{
    const size_t counts[NCOUNTS] = { d->nmeasured, d->nai, d->nbi };
    int failed = fb_header_put_text(header, size, "BALOPTS ", d->options);
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const char *text = fb_provenance_text(&d->made, &fb_provenance_keys[k]);
        failed |= fb_header_put_text(header, size, fb_provenance_keys[k].keyword, text[0] ? text : "unknown");
    }
    for (size_t k = 0; k < NCOUNTS; k++)
        failed |= fb_header_put_number(header, size, count_keys[k], counts[k]);
    return failed;
}

int fb_catalog_header_finish(unsigned char *header, size_t size, size_t row_bytes,
                             const struct fb_table *source, const struct fb_balcatalog_header *description,
                             uint32_t sum)
{
    return fb_header_put_number(header, size, "NAXIS1  ", row_bytes) != 0 ||
                   fb_header_put_number(header, size, "NAXIS2  ", (size_t)source->nrows) != 0 ||
                   fb_header_put_number(header, size, "PCOUNT  ", (size_t)source->heap_bytes) != 0 ||
                   (description && put_description(description, header, size) != 0) ||
                   fb_header_put_sums(header, size, sum) != 0
               ? -1
               : 0;
}
