/* hdus.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "fits/card.h"
#include "fits/hdus.h"
#include "fits/unpack.h"

enum {
    CARD = FB_CARD,
    FIRST_READ = 2 * FB_FITS_BLOCK, /* enough for an image's header; disks read at least two pages anyway */
    NEXT_READ = 16 * FB_FITS_BLOCK, /* tables may have hundreds of cards */
    MOST_HEADER = 2000 * FB_FITS_BLOCK,
    MOST_TEXT = 16 * MOST_HEADER,
    MOST_HDUS = 100000,
    MOST_AXES = 999
};

static int card_is_true(const char *card)
{
    char value[CARD];
    fb_card_value(card, value, sizeof value);
    return strcmp(value, "T") == 0;
}

/* ---- one header ---- */

/* The state of reading one header. */
struct scan {
    struct fb_hdus *hdus;
    struct fb_hdu *hdu; /* the HDU being read, hdus->hdu[hdus->n] */
    int64_t pixels;     /* product of the axes */
    int groups;
    unsigned counted; /* bits: which of PCOUNT, GCOUNT and TFIELDS were found */
    struct fb_error *err;
};

static int header_fail(const struct scan *scan, const char *expected, const char *card)
{
    char value[CARD], key[9] = "";
    if (card) {
        int length = 0;
        while (length < 8 && card[length] != ' ' && card[length] != '=')
            length++;
        snprintf(key, sizeof key, "%.*s", length, card);
        if (strstr(expected, key))
            fb_card_value(card, value, sizeof value);
        else
            snprintf(value, sizeof value, "%s", key);
    }
    return fb_fail(scan->err, "%s: HDU %zu: expected %s%s%s", scan->hdus->file.path, scan->hdus->n, expected,
                   card ? ", found " : "", card ? value : "");
}

static int begins_like_fits(const char *card, int primary)
{
    return primary ? memcmp(card, "SIMPLE  =", 9) == 0 : memcmp(card, "XTENSION", 8) == 0;
}

static enum fb_hdu_kind kind_of(const char *card, int primary)
{
    char value[CARD];
    fb_card_value(card, value, sizeof value);
    if (primary || strcmp(value, "IMAGE") == 0 || strcmp(value, "IUEIMAGE") == 0)
        return FB_HDU_IMAGE;
    return strcmp(value, "BINTABLE") == 0 || strcmp(value, "A3DTABLE") == 0 ? FB_HDU_TABLE : FB_HDU_OTHER;
}

static int legal_bitpix(int64_t bitpix)
{
    return bitpix == 8 || bitpix == 16 || bitpix == 32 || bitpix == 64 || bitpix == -32 || bitpix == -64;
}

/* Read NAXIS1 for n = 0, NAXIS2 for n = 1, and so on. Random groups have NAXIS1 = 0, which the product leaves
 * out. */
static int take_axis(struct scan *scan, const char *card, int n)
{
    int64_t length;
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number NAXIS%d", n + 1);
    if (fb_card_number(card, "NAXIS") != n + 1 || !fb_card_integer(card, &length) || length < 0)
        return header_fail(scan, expected, card);
    if (n < FB_HDU_AXES)
        scan->hdu->axis[n] = length;
    if (n == 0 && length == 0 && scan->hdus->n == 0 && scan->hdu->naxis > 1)
        return 0;
    if (__builtin_mul_overflow(scan->pixels, length, &scan->pixels)) {
        snprintf(expected, sizeof expected, "axes up to NAXIS%d whose product fits in 64 bits", n + 1);
        return header_fail(scan, expected, card);
    }
    return 0;
}

/* Read the cards whose position is fixed: BITPIX, NAXIS, NAXISn. Returns 1 for any other card, -1 on
 * failure. */
static int take_fixed_card(struct scan *scan, const char *card, size_t i)
{
    struct fb_hdu *hdu = scan->hdu;
    int64_t value;
    if (i == 0) {
        hdu->kind = kind_of(card, scan->hdus->n == 0);
        return 0;
    }
    if (i == 1) {
        if (!fb_card_is(card, "BITPIX  ") || !fb_card_integer(card, &value) || !legal_bitpix(value))
            return header_fail(scan, "BITPIX 8, 16, 32, 64, -32 or -64", card);
        hdu->bitpix = (int)value;
        return 0;
    }
    if (i == 2) {
        if (!fb_card_is(card, "NAXIS   ") || !fb_card_integer(card, &value) || value < 0 || value > MOST_AXES)
            return header_fail(scan, "NAXIS 0 to 999", card);
        hdu->naxis = (int)value;
        return 0;
    }
    return i < 3 + (size_t)hdu->naxis ? take_axis(scan, card, (int)i - 3) : 1;
}

/* PCOUNT, GCOUNT and TFIELDS determine the size of the data, so none of them may be repeated. */
static int take_count(struct scan *scan, const char *card, const char *expected, int64_t most, int64_t *count)
{
    unsigned bit = 1U << (card[0] - 'A');
    if (scan->counted & bit)
        return fb_fail(scan->err, "%s: HDU %zu: expected one keyword %.*s, found two", scan->hdus->file.path,
                       scan->hdus->n, card[0] == 'T' ? 7 : 6, card);
    scan->counted |= bit;
    return fb_card_integer(card, count) && *count >= 0 && *count <= most ? 0
                                                                         : header_fail(scan, expected, card);
}

static int take_named_card(struct scan *scan, const char *card)
{
    struct fb_hdu *hdu = scan->hdu;
    int64_t nfields;
    if (fb_card_is(card, "PCOUNT  "))
        return take_count(scan, card, "PCOUNT 0 or more", INT64_MAX, &hdu->pcount);
    if (fb_card_is(card, "GCOUNT  "))
        return take_count(scan, card, "GCOUNT 0 or more", INT64_MAX, &hdu->gcount);
    if (fb_card_is(card, "TFIELDS ")) {
        if (take_count(scan, card, "TFIELDS 0 to 999", FB_MOST_COLUMNS, &nfields) != 0)
            return -1;
        hdu->nfields = (int)nfields;
    }
    if (fb_card_is(card, "EXTNAME "))
        fb_card_value(card, hdu->name, sizeof hdu->name);
    if (fb_card_is(card, "GROUPS  "))
        scan->groups = card_is_true(card);
    if (fb_card_is(card, "ZIMAGE  "))
        hdu->compressed = 1;
    return 0;
}

/* Compute the size of the data that begin at offset `data`, and check that the file holds them. */
static int measure_data(struct scan *scan, int64_t data)
{
    struct fb_file *file = &scan->hdus->file;
    struct fb_hdu *hdu = scan->hdu;
    int64_t bytes = 0, end;
    int empty =
        hdu->naxis == 0 || (hdu->naxis > 1 && scan->hdus->n == 0 && hdu->axis[0] == 0 && !scan->groups);
    if (!empty && (__builtin_add_overflow(scan->pixels, hdu->pcount, &bytes) ||
                   __builtin_mul_overflow(bytes, hdu->gcount, &bytes) ||
                   __builtin_mul_overflow(bytes, abs(hdu->bitpix) / 8, &bytes)))
        return header_fail(scan, "a data size that fits in 64 bits", NULL);
    hdu->data = data;
    hdu->size = bytes;
    end =
        __builtin_add_overflow(bytes, data + FB_FITS_BLOCK, &end) ? INT64_MAX : data + fb_whole_blocks(bytes);
    if (file->unpacking && fb_unpack_data(file, scan->hdus->n > 0 ? hdu->name : NULL, end, scan->err) != 0)
        return -1;
    if (end > file->size)
        return fb_fail(scan->err,
                       "%s: HDU %zu %s: expected %lld bytes of data at %lld%s, but the file ends at %lld",
                       scan->hdus->file.path, scan->hdus->n, hdu->name, (long long)hdu->size, (long long)data,
                       bytes <= file->size - data ? ", padded to a whole block" : "", (long long)file->size);
    return 0;
}

/* ---- all headers ---- */

static int make_text_room(struct fb_hdus *hdus, size_t n)
{
    if (hdus->used + n <= hdus->text_room)
        return 0;
    size_t room = 2 * hdus->text_room + n;
    char *grown = realloc(hdus->text, room);
    if (!grown)
        return -1;
    hdus->text = grown;
    hdus->text_room = room;
    return 0;
}

static int make_room(struct fb_hdus *hdus)
{
    if (hdus->n < hdus->room)
        return 0;
    size_t room = 2 * hdus->room + 20;
    struct fb_hdu *grown = realloc(hdus->hdu, room * sizeof *grown);
    if (!grown)
        return -1;
    hdus->hdu = grown;
    hdus->room = room;
    return 0;
}

/* The number of bytes from an offset on, at most n; -1 on failure. */
static int64_t bytes_ahead(struct fb_file *file, int64_t offset, int64_t n, struct fb_error *err)
{
    if (file->unpacking && fb_unpack_to(file, offset + n, err) != 0)
        return -1;
    int64_t left = file->size - offset;
    return left < 0 ? 0 : left < n ? left : n;
}

/* Read more of the header that begins at offset, of which `have` bytes have been read. Returns the new number
 * of bytes, or -1. */
static int64_t read_more(struct fb_hdus *hdus, int64_t offset, size_t have, struct fb_error *err)
{
    struct fb_file *file = &hdus->file;
    int64_t n = bytes_ahead(file, offset + (int64_t)have, have == 0 ? FIRST_READ : NEXT_READ, err);
    if (n < 0)
        return -1;
    if (n < CARD || have >= MOST_HEADER)
        return fb_fail(err, "%s: HDU %zu: expected a header that ends in END, found none in %zu bytes",
                       file->path, hdus->n, have);
    if (hdus->used + have >= MOST_TEXT)
        return fb_fail(err, "%s: expected headers of at most %d bytes in all, found more", file->path,
                       MOST_TEXT);
    if (make_text_room(hdus, have + (size_t)n) != 0)
        return fb_fail(err, "%s: out of memory for its headers", file->path);
    if (fb_file_read(file, hdus->text + hdus->used + have, (size_t)n, offset + (int64_t)have, err) != 0)
        return -1;
    return (int64_t)have + n;
}

/* Returns 1 if the card is END, 0 if not, -1 if some readers would take it for END and others would not. */
static int is_end(const char *card)
{
    if (memcmp(card, "END", 3) != 0 || isalnum((unsigned char)card[3]) || card[3] == '_' || card[3] == '-')
        return 0;
    for (int i = 3; i < CARD; i++)
        if (card[i] != ' ')
            return -1;
    return 1;
}

/* Read one header. Returns 1, 0 if none begins at the offset, -1 on failure. */
static int read_header(struct scan *scan, int64_t offset)
{
    struct fb_hdus *hdus = scan->hdus;
    size_t have = 0, i = 0;
    for (;; i++) {
        if (CARD * (i + 1) > have) {
            int64_t got = read_more(hdus, offset, have, scan->err);
            if (got < 0)
                return -1;
            have = (size_t)got;
        }
        const char *card = hdus->text + hdus->used + CARD * i;
        if (i == 0 && !begins_like_fits(card, hdus->n == 0))
            return 0;
        int status = take_fixed_card(scan, card, i);
        if (status < 0 || (status > 0 && take_named_card(scan, card) != 0))
            return -1;
        int end = status > 0 ? is_end(card) : 0;
        if (end < 0)
            return header_fail(scan, "nothing but blanks behind END", NULL);
        if (end)
            break;
    }
    scan->hdu->header = hdus->used;
    scan->hdu->ncards = i;
    hdus->used += CARD * i;
    int64_t data = offset + fb_whole_blocks((int64_t)(CARD * (i + 1)));
    return measure_data(scan, data) == 0 ? 1 : -1;
}

/* The number of rows of the first table, which is also the length of the last axis of most other HDUs. */
static int64_t table_rows(const struct fb_hdu *hdu, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (hdu[i].kind == FB_HDU_TABLE)
            return hdu[i].axis[1];
    return 0;
}

/*
 * Prefetch the headers that are not in memory. Otherwise each would have to arrive before the offset of the
 * next one is known. Files of one kind differ only in their number of rows, so the previous file predicts the
 * offsets. A wrong guess costs only the reads.
 */
static void want_headers(const struct fb_hdus *hdus, const struct fb_file *file, int64_t offset)
{
    int64_t before = table_rows(hdus->last, hdus->nlast), now = table_rows(hdus->hdu, hdus->n);
    if (before < 1 || fb_file_in_memory(file, offset))
        return;
    for (size_t i = hdus->n; i < hdus->nlast && offset < file->size; i++) {
        const struct fb_hdu *hdu = &hdus->last[i];
        int64_t header = fb_whole_blocks((int64_t)(CARD * (hdu->ncards + 1))), size = hdu->size;
        int scales = hdu->naxis > 1 && hdu->naxis <= FB_HDU_AXES && hdu->axis[hdu->naxis - 1] == before;
        if (scales && __builtin_mul_overflow(size / before, now, &size))
            return;
        fb_file_want(file, offset, hdu->naxis == 1 && size < FB_FILE_HEAD ? header + size : header);
        if (size > file->size)
            return;
        offset += header + fb_whole_blocks(size);
    }
}

/* FITS allows other bytes after the last HDU. But if another HDU follows them, a header has stated a wrong
 * size, and that HDU would be lost silently. */
static int check_rest(const struct fb_hdus *hdus, struct fb_file *file, int64_t end, struct fb_error *err)
{
    char begin[8];
    int64_t ahead;
    if (file->unpacking && fb_unpack_rest(file, err) != 0)
        return -1;
    for (int64_t at = end + FB_FITS_BLOCK; (ahead = bytes_ahead(file, at, CARD, err)) == CARD;
         at += FB_FITS_BLOCK) {
        if (fb_file_read(file, begin, sizeof begin, at, err) != 0)
            return -1;
        if (begins_like_fits(begin, 0))
            return fb_fail(
                err, "%s: HDU %zu %s: expected the next HDU where its data end, at %lld, found it at %lld",
                file->path, hdus->n - 1, hdus->hdu[hdus->n - 1].name, (long long)end, (long long)at);
    }
    return ahead < 0 ? -1 : 0;
}

/* Keep the HDUs of the previous file to predict offsets. */
static void keep_last(struct fb_hdus *hdus)
{
    struct fb_hdu *hdu = hdus->last;
    size_t room = hdus->last_room;
    hdus->last = hdus->hdu;
    hdus->nlast = hdus->n;
    hdus->last_room = hdus->room;
    hdus->hdu = hdu;
    hdus->room = room;
    hdus->n = hdus->used = 0;
}

static int read_headers(struct fb_hdus *hdus, struct fb_file *file, struct fb_error *err)
{
    int64_t offset = 0, ahead;
    int guessed = 0;
    keep_last(hdus);
    if (file->nhead < CARD || !begins_like_fits((const char *)file->head, 1))
        return fb_fail(err, "%s: not a FITS file: it does not begin with SIMPLE", file->path);
    while ((ahead = bytes_ahead(file, offset, CARD, err)) == CARD) {
        if (hdus->n >= MOST_HDUS || make_room(hdus) != 0)
            return fb_fail(err, "%s: too many HDUs", file->path);
        struct fb_hdu *hdu = &hdus->hdu[hdus->n];
        struct scan scan = { .hdus = hdus, .hdu = hdu, .pixels = 1, .err = err };
        *hdu = (struct fb_hdu){ .gcount = 1 };
        if (!guessed && offset + FIRST_READ > (int64_t)file->nhead) {
            want_headers(hdus, file, offset);
            guessed = 1;
        }
        int status = read_header(&scan, offset);
        if (status < 0)
            return -1;
        if (status == 0)
            return check_rest(hdus, file, offset, err);
        hdus->n++;
        offset = hdu->data + fb_whole_blocks(hdu->size);
    }
    return ahead < 0 ? -1 : 0;
}

int fb_hdus_open(struct fb_hdus *hdus, const char *path, fb_keep_fn *keep, struct fb_error *err)
{
    struct fb_file *file = &hdus->file;
    if (fb_file_open(file, path, err) != 0 || fb_unpack_begin(file, keep, err) != 0)
        return -1;
    int status = read_headers(hdus, file, err);
    return file->unpacking ? fb_unpack_end(file, status, err) : status;
}

void fb_hdus_release(struct fb_hdus *hdus)
{
    fb_file_release(&hdus->file);
    free(hdus->hdu);
    free(hdus->last);
    free(hdus->text);
    *hdus = (struct fb_hdus){ 0 };
}

int fb_hdu_text_at(const struct fb_hdus *hdus, const struct fb_hdu *hdu, size_t i, char *value, size_t size)
{
    char part[CARD];
    size_t used = 0, n;
    do {
        fb_card_value(fb_hdu_card(hdus, hdu, i), part, sizeof part);
        n = strlen(part);
        if (n >= size - used) {
            value[0] = '\0';
            return -1;
        }
        memcpy(value + used, part, n + 1);
        used += n;
    } while (n > 0 && part[n - 1] == '&' && ++i < hdu->ncards &&
             fb_card_is(fb_hdu_card(hdus, hdu, i), "CONTINUE") && used--);
    return 1;
}

/* Parse an integer. One with a point or an exponent must be small enough to be exact as a double. */
static int loose_integer(const char *card, int64_t *value)
{
    const double most = 9007199254740992.0;
    double real;
    if (fb_card_integer(card, value))
        return 1;
    if (!fb_card_real(card, &real) || !(real > -most && real < most) || real != floor(real))
        return 0;
    *value = (int64_t)real;
    return 1;
}

/* Count the cards with this keyword; *card is the index of the first. */
static int find_cards(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, size_t *card)
{
    char padded[9];
    int found = 0;
    snprintf(padded, sizeof padded, "%-8.8s", key);
    for (size_t i = hdu->ncards; i-- > 0;) {
        if (fb_card_is(fb_hdu_card(hdus, hdu, i), padded)) {
            *card = i;
            found++;
        }
    }
    return found;
}

int fb_hdu_text(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, char *value,
                size_t size)
{
    size_t card;
    value[0] = '\0';
    return find_cards(hdus, hdu, key, &card) == 0 ? 0 : fb_hdu_text_at(hdus, hdu, card, value, size);
}

int fb_hdu_integer(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, int64_t *value)
{
    size_t card = 0;
    int n = find_cards(hdus, hdu, key, &card);
    return n == 0 ? 0 : n == 1 && loose_integer(fb_hdu_card(hdus, hdu, card), value) ? 1 : -1;
}

int fb_hdu_real(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, double *value)
{
    size_t card = 0;
    int n = find_cards(hdus, hdu, key, &card);
    return n == 0 ? 0 : n == 1 && fb_card_real(fb_hdu_card(hdus, hdu, card), value) ? 1 : -1;
}

int fb_hdu_count(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key)
{
    size_t card;
    return find_cards(hdus, hdu, key, &card);
}

/* ---- tables ---- */

const struct fb_hdu *fb_hdus_table(const struct fb_hdus *hdus, const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 1; i < hdus->n; i++)
            if (hdus->hdu[i].kind == FB_HDU_TABLE && !hdus->hdu[i].compressed &&
                (strcmp(*names, "*") == 0 || strcasecmp(*names, hdus->hdu[i].name) == 0))
                return &hdus->hdu[i];
    return NULL;
}
