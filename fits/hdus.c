/* hdus.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "fits/hdus.h"
#include "fits/unpack.h"

enum {
    CARD = 80,
    BLOCK = 2880,
    FIRST_READ =
        2 * BLOCK, /* an image's header fits; and nothing less than two pages is read from a disk anyway */
    NEXT_READ = 16 * BLOCK, /* a table's columns may need hundreds of cards */
    MOST_HEADER = 2000 * BLOCK,
    MOST_TEXT = 16 * MOST_HEADER,
    MOST_HDUS = 100000,
    MOST_AXES = 999,
    MOST_FIELDS = 999
};

/* ---- cards ---- */

/* key is padded with blanks to 8 characters, as on cards. */
static int is_key(const char *card, const char *key)
{
    return memcmp(card, key, 8) == 0;
}

/* The n of a card KEYn; 0 if it is another one. */
static int key_number(const char *card, const char *key, size_t length)
{
    int n = 0;
    size_t i = length;
    if (memcmp(card, key, length) != 0)
        return 0;
    for (; i < 8 && card[i] >= '0' && card[i] <= '9'; i++)
        n = 10 * n + (card[i] - '0');
    for (size_t k = i; k < 8; k++)
        if (card[k] != ' ')
            return 0;
    return i > length && n <= MOST_FIELDS ? n : 0;
}

/* The text of a card's value, without blanks at both ends and comment; the quotes of a string are taken
 * off. */
static void card_value(const char *card, char *value, size_t size)
{
    size_t i = 10, used = 0;
    int quoted;
    value[0] = '\0';
    if (card[8] != '=')
        return;
    while (i < CARD && card[i] == ' ')
        i++;
    quoted = i < CARD && card[i] == '\'';
    for (i += (size_t)quoted; i < CARD && used + 1 < size; i++) {
        if (quoted ? card[i] == '\'' && (i + 1 == CARD || card[i + 1] != '\'') : card[i] == '/')
            break;
        i += quoted && card[i] == '\''; /* '' is a quote */
        value[used++] = card[i];
    }
    while (used > 0 && value[used - 1] == ' ')
        used--;
    value[used] = '\0';
}

/* A whole number; 0 if the value is none, or too large. */
static int card_integer(const char *card, int64_t *number)
{
    char value[CARD], *end;
    card_value(card, value, sizeof value);
    errno = 0;
    long long n = strtoll(value, &end, 10);
    *number = n;
    return end != value && *end == '\0' && errno == 0;
}

static int card_is_number(const char *card, double number)
{
    char value[CARD], *end;
    card_value(card, value, sizeof value);
    double n = strtod(value, &end);
    return end != value && *end == '\0' && !(n < number) && !(n > number);
}

static int card_is_true(const char *card)
{
    char value[CARD];
    card_value(card, value, sizeof value);
    return strcmp(value, "T") == 0;
}

/* ---- one header ---- */

/* What of a header is being looked at. */
struct scan {
    const char *path;
    size_t number; /* of the HDU, 0 up */
    struct fb_hdu *hdu;
    int64_t pixels; /* product of the axes */
    int groups;
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
            card_value(card, value, sizeof value);
        else
            snprintf(value, sizeof value, "%s", key);
    }
    return fb_fail(scan->err, "%s: HDU %zu: expected %s%s%s", scan->path, scan->number, expected,
                   card ? ", found " : "", card ? value : "");
}

static int begins_like_fits(const char *card, int primary)
{
    return primary ? memcmp(card, "SIMPLE  =", 9) == 0 : memcmp(card, "XTENSION", 8) == 0;
}

static enum fb_hdu_kind kind_of(const char *card, int primary)
{
    char value[CARD];
    card_value(card, value, sizeof value);
    if (primary || strcmp(value, "IMAGE") == 0 || strcmp(value, "IUEIMAGE") == 0)
        return FB_HDU_IMAGE;
    return strcmp(value, "BINTABLE") == 0 || strcmp(value, "A3DTABLE") == 0 ? FB_HDU_TABLE : FB_HDU_OTHER;
}

static int legal_bitpix(int64_t bitpix)
{
    return bitpix == 8 || bitpix == 16 || bitpix == 32 || bitpix == 64 || bitpix == -32 || bitpix == -64;
}

/* NAXISn, n from 0. The product leaves out the first axis where it is 0: that of random groups. */
static int take_axis(struct scan *scan, const char *card, int n)
{
    int64_t length;
    char expected[50];
    snprintf(expected, sizeof expected, "a whole number NAXIS%d", n + 1);
    if (key_number(card, "NAXIS", 5) != n + 1 || !card_integer(card, &length) || length < 0)
        return header_fail(scan, expected, card);
    if (n < FB_HDU_AXES)
        scan->hdu->axis[n] = length;
    if (n == 0 && length == 0 && scan->number == 0 && scan->hdu->naxis > 1)
        return 0;
    if (__builtin_mul_overflow(scan->pixels, length, &scan->pixels)) {
        snprintf(expected, sizeof expected, "a product up to NAXIS%d of 64 bits", n + 1);
        return header_fail(scan, expected, card);
    }
    return 0;
}

/* The cards whose place is given: BITPIX, NAXIS, NAXISn. Returns 1 for any other, -1 on failure. */
static int take_fixed_card(struct scan *scan, const char *card, size_t i)
{
    struct fb_hdu *hdu = scan->hdu;
    int64_t value;
    if (i == 0) {
        hdu->kind = kind_of(card, scan->number == 0);
        return 0;
    }
    if (i == 1) {
        if (!is_key(card, "BITPIX  ") || !card_integer(card, &value) || !legal_bitpix(value))
            return header_fail(scan, "BITPIX 8, 16, 32, 64, -32 or -64", card);
        hdu->bitpix = (int)value;
        return 0;
    }
    if (i == 2) {
        if (!is_key(card, "NAXIS   ") || !card_integer(card, &value) || value < 0 || value > MOST_AXES)
            return header_fail(scan, "NAXIS 0 to 999", card);
        hdu->naxis = (int)value;
        return 0;
    }
    return i < 3 + (size_t)hdu->naxis ? take_axis(scan, card, (int)i - 3) : 1;
}

static int take_count(struct scan *scan, const char *card, const char *expected, int64_t *count)
{
    return card_integer(card, count) && *count >= 0 ? 0 : header_fail(scan, expected, card);
}

static int take_fields(struct scan *scan, const char *card)
{
    int64_t value;
    if (!card_integer(card, &value) || value < 0 || value > MOST_FIELDS)
        return header_fail(scan, "TFIELDS 0 to 999", card);
    scan->hdu->nfields = (int)value;
    return 0;
}

static int take_named_card(struct scan *scan, const char *card)
{
    struct fb_hdu *hdu = scan->hdu;
    switch (card[0]) {
    case 'B':
        if (is_key(card, "BSCALE  "))
            hdu->scaled |= !card_is_number(card, 1);
        else if (is_key(card, "BZERO   "))
            hdu->zero = card_is_number(card, 0)              ? FB_ZERO_NONE
                        : card_is_number(card, 2147483648.0) ? FB_ZERO_2_31
                                                             : FB_ZERO_OTHER;
        break;
    case 'E':
        if (is_key(card, "EXTNAME "))
            card_value(card, hdu->name, sizeof hdu->name);
        break;
    case 'G':
        if (is_key(card, "GCOUNT  "))
            return take_count(scan, card, "GCOUNT 0 or more", &hdu->gcount);
        if (is_key(card, "GROUPS  "))
            scan->groups = card_is_true(card);
        break;
    case 'P':
        if (is_key(card, "PCOUNT  "))
            return take_count(scan, card, "PCOUNT 0 or more", &hdu->pcount);
        break;
    case 'T':
        if (is_key(card, "TFIELDS "))
            return take_fields(scan, card);
        break;
    case 'Z':
        if (is_key(card, "ZIMAGE  "))
            hdu->compressed = 1;
        break;
    }
    return 0;
}

/* Bytes of the data, and whether the file has them. */
static int measure_data(struct scan *scan, struct fb_file *file, int64_t data)
{
    struct fb_hdu *hdu = scan->hdu;
    int64_t bytes = 0, end;
    int empty =
        hdu->naxis == 0 || (hdu->naxis > 1 && scan->number == 0 && hdu->axis[0] == 0 && !scan->groups);
    if (!empty && (__builtin_add_overflow(scan->pixels, hdu->pcount, &bytes) ||
                   __builtin_mul_overflow(bytes, hdu->gcount, &bytes) ||
                   __builtin_mul_overflow(bytes, abs(hdu->bitpix) / 8, &bytes)))
        return header_fail(scan, "a data size of 64 bits", NULL);
    hdu->data = data;
    hdu->size = bytes;
    end = __builtin_add_overflow(bytes, data + BLOCK, &end) ? INT64_MAX : data + fb_whole_blocks(bytes);
    if (file->unpacking && fb_unpack_data(file, scan->number > 0 ? hdu->name : NULL, end, scan->err) != 0)
        return -1;
    if (end > file->size)
        return fb_fail(scan->err,
                       "%s: HDU %zu %s: expected %lld bytes of data at %lld, but the file ends at %lld",
                       scan->path, scan->number, hdu->name, (long long)hdu->size, (long long)data,
                       (long long)file->size);
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

/* Read more of the header that begins at offset, have bytes of which are there. Returns the bytes there
 * are now, or -1. */
static int64_t read_more(struct fb_hdus *hdus, struct fb_file *file, int64_t offset, size_t have,
                         struct fb_error *err)
{
    int64_t n = fb_file_ahead(file, offset + (int64_t)have, have == 0 ? FIRST_READ : NEXT_READ, err);
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

/* 1 where the header ends; -1 where it may end or not, depending on who reads it. */
static int is_end(const char *card)
{
    if (memcmp(card, "END", 3) != 0 || isalnum((unsigned char)card[3]) || card[3] == '_' || card[3] == '-')
        return 0;
    for (int i = 3; i < CARD; i++)
        if (card[i] != ' ')
            return -1;
    return 1;
}

/* Take the cards of one header. Returns 1, 0 where there is no header, -1 on failure. */
static int read_header(struct fb_hdus *hdus, struct fb_file *file, int64_t offset, struct scan *scan)
{
    size_t have = 0, i = 0;
    for (;; i++) {
        if (CARD * (i + 1) > have) {
            int64_t got = read_more(hdus, file, offset, have, scan->err);
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
    return measure_data(scan, file, data) == 0 ? 1 : -1;
}

/* Rows of the first table: what most other HDUs have as their last axis. */
static int64_t table_rows(const struct fb_hdu *hdu, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (hdu[i].kind == FB_HDU_TABLE)
            return hdu[i].axis[1];
    return 0;
}

/*
 * Where the headers from here on are not in memory, each would be waited for before the place of the next is
 * known. Files of one kind differ in their number of rows alone, so the file before tells where they are; a
 * wrong guess costs nothing but the reading.
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

/* What follows the last HDU and does not begin like one is allowed, and nobody's business. But where another HDU
 * comes after it, a header says more or less than there is, and HDUs would be lost without a word. */
static int check_rest(const struct fb_hdus *hdus, struct fb_file *file, int64_t end, struct fb_error *err)
{
    char begin[8];
    int64_t ahead;
    if (file->unpacking && fb_unpack_rest(file, err) != 0)
        return -1;
    for (int64_t place = end + BLOCK; (ahead = fb_file_ahead(file, place, CARD, err)) == CARD;
         place += BLOCK) {
        if (fb_file_read(file, begin, sizeof begin, place, err) != 0)
            return -1;
        if (begins_like_fits(begin, 0))
            return fb_fail(
                err, "%s: HDU %zu %s: expected the next HDU where its data end, at %lld, found it at %lld",
                file->path, hdus->n - 1, hdus->hdu[hdus->n - 1].name, (long long)end, (long long)place);
    }
    return ahead < 0 ? -1 : 0;
}

/* The HDUs of the file before are kept as a guess. */
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

int fb_hdus_read(struct fb_hdus *hdus, struct fb_file *file, struct fb_error *err)
{
    int64_t offset = 0, ahead;
    int guessed = 0;
    keep_last(hdus);
    if (file->nhead < CARD || !begins_like_fits((const char *)file->head, 1))
        return 0;
    while ((ahead = fb_file_ahead(file, offset, CARD, err)) == CARD) {
        if (hdus->n >= MOST_HDUS || make_room(hdus) != 0)
            return fb_fail(err, "%s: too many HDUs", file->path);
        struct fb_hdu *hdu = &hdus->hdu[hdus->n];
        struct scan scan = { .path = file->path, .number = hdus->n, .hdu = hdu, .pixels = 1, .err = err };
        *hdu = (struct fb_hdu){ .gcount = 1 };
        if (!guessed && offset + FIRST_READ > (int64_t)file->nhead) {
            want_headers(hdus, file, offset);
            guessed = 1;
        }
        int status = read_header(hdus, file, offset, &scan);
        if (status < 0)
            return -1;
        if (status == 0)
            return check_rest(hdus, file, offset, err) == 0 ? 1 : -1;
        hdus->n++;
        offset = hdu->data + fb_whole_blocks(hdu->size);
    }
    return ahead < 0 ? -1 : 1;
}

void fb_hdus_release(struct fb_hdus *hdus)
{
    free(hdus->hdu);
    free(hdus->last);
    free(hdus->text);
    *hdus = (struct fb_hdus){ 0 };
}

int fb_hdu_is_plain(const struct fb_hdu *hdu, int bitpix, int naxis)
{
    return hdu->kind == FB_HDU_IMAGE && hdu->bitpix == bitpix && hdu->naxis == naxis && hdu->pcount == 0 &&
           hdu->gcount == 1 && !hdu->scaled &&
           (hdu->zero == FB_ZERO_NONE || (hdu->zero == FB_ZERO_2_31 && bitpix == 32));
}

int fb_hdu_text(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, char *value,
                size_t size)
{
    char text[CARD];
    for (size_t i = 0; i < hdu->ncards; i++) {
        const char *card = hdus->text + hdu->header + CARD * i;
        if (!is_key(card, key))
            continue;
        card_value(card, text, sizeof text);
        size_t n = strlen(text);
        if (n >= size || (n > 0 && text[n - 1] == '&'))
            return -1;
        memcpy(value, text, n + 1);
        return 1;
    }
    return 0;
}

int fb_hdu_integer(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, int64_t *value)
{
    int found = 0;
    for (size_t i = 0; i < hdu->ncards; i++) {
        const char *card = hdus->text + hdu->header + CARD * i;
        if (is_key(card, key) && (found++ > 0 || !card_integer(card, value)))
            return -1;
    }
    return found;
}

int fb_hdu_count(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key)
{
    int found = 0;
    for (size_t i = 0; i < hdu->ncards; i++)
        found += is_key(hdus->text + hdu->header + CARD * i, key);
    return found;
}

/* ---- tables ---- */

const struct fb_hdu *fb_hdus_table(const struct fb_hdus *hdus, const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 1; i < hdus->n; i++)
            if (hdus->hdu[i].kind == FB_HDU_TABLE &&
                (strcmp(*names, "*") == 0 || strcasecmp(*names, hdus->hdu[i].name) == 0))
                return &hdus->hdu[i];
    return NULL;
}

/* A column's form and whether its numbers are scaled. */
struct field {
    char type, of;
    int scaled;
    int64_t repeat;
    int more;  /* something comes behind the type */
    int given; /* times there is a TFORM */
};

/* "rT". What comes behind it, as the length of the arrays of P and Q, says nothing about the row. */
static void take_form(const char *card, struct field *field)
{
    char value[CARD], *end = value;
    card_value(card, value, sizeof value);
    field->repeat = value[0] >= '0' && value[0] <= '9' ? strtoll(value, &end, 10) : 1;
    field->type = *end;
    field->more = *end != '\0' && end[1] != '\0';
    field->of = field->type == 'P' || field->type == 'Q' ? end[1] : '\0';
}

int fb_column_size(char type)
{
    switch (type) {
    case 'L':
    case 'A':
    case 'B':
        return 1;
    case 'I':
        return 2;
    case 'J':
    case 'E':
        return 4;
    case 'K':
    case 'D':
    case 'C':
    case 'P':
        return 8;
    case 'M':
    case 'Q':
        return 16;
    default:
        return 0;
    }
}

/* Bytes of a column in a row, -1 if its form is not known. */
static int64_t field_bytes(const struct field *field)
{
    int64_t size = fb_column_size(field->type), bytes;
    if (field->repeat < 0)
        return -1;
    if (field->type == 'X')
        return field->repeat / 8 + (field->repeat % 8 != 0);
    return size > 0 && !__builtin_mul_overflow(size, field->repeat, &bytes) ? bytes : -1;
}

/* Note which column has each name; 0 where two have the same. */
static int take_name(const char *card, int n, const char *const *names, size_t nnames, int *number)
{
    char value[CARD];
    card_value(card, value, sizeof value);
    for (size_t k = 0; k < nnames; k++) {
        if (strcasecmp(value, names[k]) != 0)
            continue;
        if (number[k] != 0)
            return 0;
        number[k] = n;
    }
    return 1;
}

static int take_column_card(const char *card, struct field *fields, const char *const *names, size_t n,
                            int *number)
{
    int i;
    if (card[0] != 'T')
        return 1;
    if ((i = key_number(card, "TTYPE", 5)) > 0)
        return take_name(card, i, names, n, number);
    if ((i = key_number(card, "TFORM", 5)) > 0) {
        if (fields[i].given++ > 0)
            return 0;
        take_form(card, &fields[i]);
        if (fields[i].more && fields[i].type != 'P' && fields[i].type != 'Q')
            fields[i].type = 0; /* for CFITSIO to make sense of */
    } else if ((i = key_number(card, "TSCAL", 5)) > 0)
        fields[i].scaled |= !card_is_number(card, 1);
    else if ((i = key_number(card, "TZERO", 5)) > 0)
        fields[i].scaled |= !card_is_number(card, 0);
    return 1;
}

enum { MOST_NAMES = 64 };

/* Places of the columns in a row, which must be as long as NAXIS1 says. */
static int place_columns(const struct fb_hdu *table, const struct field *fields, const int *number, size_t n,
                         struct fb_column *columns)
{
    int64_t offset = 0;
    for (int i = 1; i <= table->nfields; i++) {
        int64_t bytes = field_bytes(&fields[i]);
        if (bytes < 0 || bytes > table->axis[0] - offset)
            return 0;
        for (size_t k = 0; k < n; k++) {
            if (number[k] == i && fields[i].scaled)
                return 0;
            if (number[k] == i)
                columns[k] =
                    (struct fb_column){ fields[i].type, fields[i].repeat, (size_t)offset, i, fields[i].of };
        }
        offset += bytes;
    }
    return offset == table->axis[0];
}

int fb_hdu_columns(const struct fb_hdus *hdus, const struct fb_hdu *table, const char *const *names, size_t n,
                   struct fb_column *columns)
{
    struct field fields[MOST_FIELDS + 1];
    int number[MOST_NAMES] = { 0 };

    memset(columns, 0, n * sizeof *columns);
    if (n > MOST_NAMES || table->kind != FB_HDU_TABLE || table->compressed || table->bitpix != 8 ||
        table->naxis != 2 || table->gcount != 1 || table->axis[0] < 1 || table->axis[0] > FB_ROWS_BUFFER)
        return 0;
    memset(fields, 0, ((size_t)table->nfields + 1) * sizeof *fields);
    for (size_t i = 0; i < table->ncards; i++) {
        const char *card = hdus->text + table->header + CARD * i;
        int beyond = card[0] == 'T' && key_number(card, "TFORM", 5) > table->nfields;
        if (beyond || !take_column_card(card, fields, names, n, number))
            return 0;
    }
    return place_columns(table, fields, number, n, columns);
}

int64_t fb_hdu_row_bytes(const struct fb_hdus *hdus, const struct fb_hdu *table, int *missing)
{
    unsigned char given[MOST_FIELDS + 1] = { 0 };
    int64_t sum = 0;
    for (size_t i = 0; i < table->ncards; i++) {
        const char *card = hdus->text + table->header + CARD * i;
        int column = card[0] == 'T' ? key_number(card, "TFORM", 5) : 0;
        struct field field;
        if (column < 1 || column > table->nfields)
            continue;
        given[column] = 1;
        take_form(card, &field);
        int64_t bytes = field_bytes(&field);
        if (bytes < 0 || sum < 0 || __builtin_add_overflow(sum, bytes, &sum))
            sum = -1;
    }
    for (*missing = 1; *missing <= table->nfields && given[*missing]; ++*missing)
        ;
    return sum;
}

static int is_printable(const char *card, int n)
{
    for (int i = 0; i < n; i++)
        if (card[i] < ' ' || card[i] > '~')
            return 0;
    return 1;
}

int fb_hdu_odd_key(const struct fb_hdus *hdus, const struct fb_hdu *table, const char **key,
                   const char **found)
{
    static const char *const keys[] = { "TTYPE", "TFORM", "TSCAL", "TZERO", "TNULL" };
    unsigned char given[MOST_FIELDS + 1] = { 0 }; /* bit k: keys[k] */
    for (size_t i = 0; table->kind == FB_HDU_TABLE && i < table->ncards; i++) {
        const char *card = hdus->text + table->header + CARD * i;
        for (unsigned k = 0; card[0] == 'T' && k < sizeof keys / sizeof *keys; k++) {
            int n = key_number(card, keys[k], 5);
            if (n < 1)
                continue;
            *key = keys[k];
            *found = given[n] & 1U << k         ? "two"
                     : is_printable(card, CARD) ? NULL
                                                : "characters that are not printable";
            if (*found)
                return n;
            given[n] |= (unsigned char)(1U << k);
        }
    }
    return 0;
}

/* The name that CFITSIO gives a card, in capitals, or its first 8 characters. */
static void name_of(const char *card, char name[9])
{
    const char *begin = card, *end = card;
    if (memcmp(card, "HIERARCH ", 9) == 0 && memchr(card, '=', CARD)) {
        for (begin = card + 9; *begin == ' '; begin++)
            ;
        for (end = memchr(card, '=', CARD); end > begin && end[-1] == ' '; end--)
            ;
    } else {
        while (end < card + CARD && *end != ' ' && *end != '=' && *end != '\0')
            end++;
    }
    size_t n = end - begin < 8 ? (size_t)(end - begin) : 8;
    for (size_t i = 0; i < n; i++)
        name[i] = begin[i] < ' ' || begin[i] > '~' ? '?' : (char)toupper((unsigned char)begin[i]);
    name[n] = '\0';
}

/* One of the keywords that matter, with or without a number. */
static int matters(const char *name)
{
    static const char *const names[] = { "BITPIX",  "NAXIS",  "PCOUNT",  "GCOUNT", "GROUPS", "BSCALE",
                                         "BZERO",   "BLANK",  "TFIELDS", "THEAP",  "TTYPE",  "TFORM",
                                         "TSCAL",   "TZERO",  "TNULL",   "TDIM",   "ZIMAGE", "ZCMPTYPE",
                                         "ZBITPIX", "ZNAXIS", "ZTILE",   "ZNAME",  "ZVAL",   "ZQUANTIZ",
                                         "ZDITHER", "ZBLANK", "ZSCALE",  "ZZERO" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n = strlen(names[k]);
        if (strncmp(name, names[k], n) == 0 && strspn(name + n, "0123456789") == strlen(name + n))
            return 1;
    }
    return 0;
}

int fb_hdu_odd_card(const struct fb_hdus *hdus, const struct fb_hdu *hdu, char name[9])
{
    for (size_t i = 0; i < hdu->ncards; i++) {
        const char *card = hdus->text + hdu->header + CARD * i;
        char begin[11];
        name_of(card, name);
        if (!is_printable(card, 8))
            return 1; /* where it is copied it gets blanks there */
        if (!matters(name))
            continue;
        snprintf(begin, sizeof begin, "%-8s= ", name);
        if (memcmp(card, begin, 10) != 0 || !is_printable(card, CARD))
            return 1;
    }
    return 0;
}

int fb_column_is_integer(const struct fb_column *column)
{
    return column->repeat == 1 && column->type != 0 && strchr("BIJK", column->type) != NULL;
}

int fb_column_is_number(const struct fb_column *column)
{
    return column->repeat == 1 && column->type != 0 && strchr("BIJKED", column->type) != NULL;
}

int64_t fb_column_integer(const struct fb_column *column, const unsigned char *row)
{
    const unsigned char *bytes = row + column->offset;
    switch (column->type) {
    case 'B':
        return bytes[0];
    case 'I':
        return (int16_t)fb_big_endian(bytes, 2);
    case 'J':
        return (int32_t)fb_big_endian(bytes, 4);
    default:
        return (int64_t)fb_big_endian(bytes, 8);
    }
}

double fb_column_number(const struct fb_column *column, const unsigned char *row)
{
    const unsigned char *bytes = row + column->offset;
    double value;
    float single;
    if (column->type == 'D') {
        uint64_t bits = fb_big_endian(bytes, 8);
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (column->type == 'E') {
        uint32_t bits = (uint32_t)fb_big_endian(bytes, 4);
        memcpy(&single, &bits, sizeof single);
        return (double)single;
    }
    return (double)fb_column_integer(column, row);
}

int fb_hdu_rows(struct fb_file *file, const struct fb_hdu *table, unsigned char *buffer, fb_row_fn *take,
                void *context, struct fb_error *err)
{
    int64_t row = table->axis[0], n = table->axis[1];
    int64_t most = FB_ROWS_BUFFER / row;
    for (int64_t first = 0, count; first < n; first += count) {
        count = n - first < most ? n - first : most;
        if (fb_file_read(file, buffer, (size_t)(count * row), table->data + first * row, err) != 0)
            return -1;
        for (int64_t i = 0; i < count; i++)
            take(context, first + i, buffer + i * row);
    }
    return 0;
}

/* ---- numbers of images ---- */

int fb_hdu_real(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, double *value)
{
    int found = 0;
    for (size_t i = 0; i < hdu->ncards; i++) {
        const char *card = hdus->text + hdu->header + CARD * i;
        char text[CARD], *end;
        if (!is_key(card, key))
            continue;
        card_value(card, text, sizeof text);
        for (end = text; *end; end++)
            *end = *end == 'D' || *end == 'd' ? 'E' : *end;
        *value = strtod(text, &end);
        if (found++ > 0 || end == text || *end != '\0')
            return -1;
    }
    return found;
}
