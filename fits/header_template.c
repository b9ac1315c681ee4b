/* header_template.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/card.h"
#include "fits/file.h"
#include "fits/header_template.h"
#include "fits/output.h"
#include "fits/sum.h"
#include "fits/temporary.h"

/* ---- headers ---- */

/* Offset of a card; 0 if there is none. The first card, at offset 0, is never looked for. */
static size_t find_card(const unsigned char *header, size_t size, const char *key)
{
    for (size_t offset = 0; offset + FB_CARD <= size; offset += FB_CARD)
        if (memcmp(header + offset, key, 8) == 0)
            return offset;
    return 0;
}

int fb_header_put_number(unsigned char *header, size_t size, const char *key, size_t number)
{
    char value[24];
    size_t card = find_card(header, size, key);
    if (!card)
        return -1;
    snprintf(value, sizeof value, "%20zu", number);
    memcpy(header + card + 10, value, 20);
    return 0;
}

int fb_header_put_text(unsigned char *header, size_t size, const char *key, const char *text)
{
    unsigned char value[FB_CARD_TEXT + 2];
    size_t n = 0, quotes = 0, offset = find_card(header, size, key);
    unsigned char *card = header + offset;
    if (!offset)
        return -1;
    for (; *text && n <= FB_CARD_TEXT; text++) {
        value[n++] = (unsigned char)*text;
        if (*text == '\'')
            value[n++] = '\'';
    }
    if (n > FB_CARD_TEXT) {
        n = FB_CARD_TEXT - 3;
        for (size_t k = n; k > 0 && value[k - 1] == '\''; k--)
            quotes++;
        n -= quotes % 2; /* do not split a doubled quote */
        memset(value + n, '.', 3);
        n += 3;
    }
    memset(card + 8, ' ', FB_CARD - 8);
    card[8] = '=';
    card[10] = '\'';
    memcpy(card + 11, value, n);
    card[11 + (n > 8 ? n : 8)] = '\'';
    return 0;
}

/* Offset of the slash that begins the comment of a card with a string; FB_CARD if there is none. */
static size_t comment_offset(const unsigned char *card)
{
    int quoted = 0;
    for (size_t i = 10; i < FB_CARD; i++) {
        quoted ^= card[i] == '\'';
        if (!quoted && card[i] == '/')
            return i;
    }
    return FB_CARD;
}

/* Replace the string of a card. The comment is kept. One that begins before offset 31 is moved
 * there; what no longer fits in the card is lost. */
static void replace_text(unsigned char *card, const char *text)
{
    enum { VALUE = 10, COMMENT = 31 };
    char value[24];
    size_t comment = comment_offset(card), to = comment < COMMENT ? COMMENT : comment;
    if (comment < COMMENT) {
        memmove(card + to, card + comment, FB_CARD - to);
        comment = to;
    }
    memset(card + VALUE - 2, ' ', comment - VALUE + 2);
    card[VALUE - 2] = '=';
    int length = snprintf(value, sizeof value, "'%-8s'", text);
    memcpy(card + VALUE, value, (size_t)length < 20 ? (size_t)length : 20);
}

int fb_header_put_sums(unsigned char *header, size_t size, uint32_t data)
{
    size_t checksum = find_card(header, size, "CHECKSUM"), datasum = find_card(header, size, "DATASUM ");
    char text[24];
    if (datasum) {
        snprintf(text, sizeof text, "%lu", (unsigned long)data);
        replace_text(header + datasum, text);
    }
    if (checksum) {
        replace_text(header + checksum, "0000000000000000");
        fits_encode_chksum(fb_sum_add(data, header, size), 1, text);
        replace_text(header + checksum, text);
    }
    return checksum && datasum ? 0 : -1;
}

unsigned char *fb_header_copy(const char *cards, size_t ncards, size_t *size)
{
    static const char *const sums[] = { "CHECKSUM= '0000000000000000'   / HDU checksum",
                                        "DATASUM = '0       '           / data unit checksum" };
    size_t used = FB_CARD * ncards;
    *size = (size_t)fb_whole_blocks((int64_t)(used + 3 * FB_CARD));
    unsigned char *header = malloc(*size);
    if (!header)
        return NULL;
    memset(header, ' ', *size);
    memcpy(header, cards, used);
    for (size_t k = 0; k < 2; k++) {
        if (find_card(header, used, k == 0 ? "CHECKSUM" : "DATASUM "))
            continue;
        /* NOLINTNEXTLINE(*-not-null-terminated-result): cards are not terminated */
        memcpy(header + used, sums[k], strlen(sums[k]));
        used += FB_CARD;
    }
    memcpy(header + used, "END", 3); /* NOLINT(*-not-null-terminated-result): cards are not terminated */
    *size = (size_t)fb_whole_blocks((int64_t)(used + FB_CARD));
    return header;
}

static int take_header(struct fb_header_template *template, const unsigned char *bytes, size_t begin,
                       size_t end)
{
    template->header = malloc(end);
    if (!template->header)
        return -1;
    memcpy(template->header, bytes, end);
    template->table = begin;
    template->size = end;
    return fb_header_put_sums(template->header, begin, 0) != 0 ||
                   fb_header_put_sums(template->header + begin, end - begin, 0) != 0
               ? -1
               : 0;
}

int fb_header_template_create(struct fb_header_template *template, fb_header_fn *write, const void *context,
                              struct fb_error *err)
{
    fitsfile *file = NULL;
    size_t size;
    void *bytes;
    LONGLONG begin = 0, end = 0, row_bytes = 0;
    int status = 0, ignored = 0, failed;

    memset(template, 0, sizeof *template);
    fb_memory_file(&file, &bytes, &size, 8 * FB_FITS_BLOCK, &status);
    write(file, context, &status);
    fb_write_empty_sums(file, &status);
    fits_read_key(file, TLONGLONG, "NAXIS1", &row_bytes, NULL, &status);
    fb_fits_move(file, 1, &status);
    fb_write_empty_sums(file, &status);
    fb_fits_move(file, 2, &status);
    fits_get_hduaddrll(file, &begin, &end, NULL, &status);
    fits_flush_file(file, &status);
    template->row_bytes = (size_t)row_bytes;
    failed = fb_memory_file_lacks(size, (size_t)end, &status)
                 ? fb_fits_fail(err, "a table's header", "can't make it", status)
                 : 0;
    if (!failed && take_header(template, bytes, (size_t)begin, (size_t)end) != 0)
        failed = fb_fail(err, "out of memory for a header");
    if (file)
        fits_close_file(file, &ignored);
    fb_memory_file_free(bytes);
    if (failed)
        fb_header_template_release(template);
    return failed;
}

void fb_header_template_release(struct fb_header_template *template)
{
    free(template->header);
    memset(template, 0, sizeof *template);
}

/* ---- files ---- */

/* Write one table HDU; returns its end. */
static unsigned char *compose_table(const struct fb_table_content *table, unsigned char *to)
{
    const struct fb_header_template *t = table->header;
    size_t header = t->size - t->table, data = table->n * t->row_bytes,
           padded = (size_t)fb_whole_blocks((int64_t)data);
    memcpy(to, t->header + t->table, header);
    if (data > 0)
        memcpy(to + header, table->rows, data);
    memset(to + header + data, 0, padded - data);
    fb_header_put_number(to, header, "NAXIS2  ", table->n);
    fb_header_put_sums(to, header, fb_sum_add(0, to + header, padded));
    return to + header + padded;
}

static unsigned char *compose(const struct fb_table_content *tables, size_t ntables, size_t *size)
{
    const struct fb_header_template *first = tables[0].header;
    *size = first->table;
    for (size_t k = 0; k < ntables; k++) {
        const struct fb_header_template *t = tables[k].header;
        *size += t->size - t->table + (size_t)fb_whole_blocks((int64_t)(tables[k].n * t->row_bytes));
    }
    unsigned char *file = malloc(*size);
    if (!file)
        return NULL;
    memcpy(file, first->header, first->table);
    unsigned char *to = file + first->table;
    for (size_t k = 0; k < ntables; k++)
        to = compose_table(&tables[k], to);
    return file;
}

int fb_header_template_write(const char *path, enum fb_replace replace, const struct fb_table_content *tables,
                             size_t ntables, struct fb_error *err)
{
    size_t size;
    unsigned char *file = compose(tables, ntables, &size);
    int status =
        file ? fb_write_file(path, replace, file, size, err) : fb_fail(err, "%s: out of memory", path);
    free(file);
    return status;
}
