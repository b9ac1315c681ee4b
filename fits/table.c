/* table.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "fits/card.h"
#include "fits/table.h"

enum {
    BLOCK_BYTES = 1 << 20,  /* read at a time, in whole rows */
    AHEAD_BYTES = 4 << 20,  /* of rows that are prefetched */
    STRING_BYTES = 1 << 16, /* of the heap, read at a time */
    MOST_STRING = 10000     /* characters of a variable-length string */
};

/* ---- column keywords ---- */

/* The header being read. */
struct header {
    const char *path;
    const struct fb_hdus *hdus;
    const struct fb_hdu *hdu;
    struct fb_column *columns;
    struct fb_error *err;
};

/* Keywords that describe the cells of a column. */
enum { TTYPE, TFORM, TSCAL, TZERO, TNULL, NKEYS };
static const char *const keys[NKEYS] = { "TTYPE", "TFORM", "TSCAL", "TZERO", "TNULL" };

static int refuse(const struct header *h, int key, int n, const char *expected, const char *found)
{
    return fb_fail(h->err, "%s: HDU %s: expected %s %s%d%s, found %s", h->path, h->hdu->name, expected,
                   keys[key], n, strstr(expected, "the keyword") ? " as FITS writes it" : "", found);
}

static char upper(char c)
{
    return (char)toupper((unsigned char)c);
}

/* Which of the keywords this card is, counting spellings that only other readers accept; -1 if none. *number
 * is its column. */
static int column_key(const char *card, int *number)
{
    const char *from = memcmp(card, "HIERARCH ", 9) == 0 ? card + 9 : card;
    char name[8];
    int ended = 0;
    if (upper(*from) != 'T')
        return -1;
    for (int k = 0; k < 8; k++) {
        ended |= from[k] == '=';
        name[k] = ended ? ' ' : upper(from[k]);
    }
    for (int key = 0; key < NKEYS; key++)
        if ((*number = fb_card_number(name, keys[key])) > 0)
            return key;
    return -1;
}

/* Does the card begin with the keyword in capitals and "= "? */
static int is_written_well(const char *card, int key, int number)
{
    return fb_card_number(card, keys[key]) == number && card[8] == '=' && card[9] == ' ';
}

static int take_card(const struct header *h, const char *card, unsigned char *given)
{
    int n, key = column_key(card, &n);
    if (key < 0 || n > h->hdu->nfields)
        return 0;
    struct fb_column *c = &h->columns[n - 1];
    char value[FB_CARD];
    fb_card_value(card, value, sizeof value);
    if (!is_written_well(card, key, n))
        return refuse(h, key, n, "the keyword", "it written otherwise");
    if (given[n - 1] & 1U << key)
        return refuse(h, key, n, "one keyword", "two");
    if (!fb_card_is_printable(card, FB_CARD))
        return refuse(h, key, n, "one keyword", "characters that are not printable");
    given[n - 1] |= (unsigned char)(1U << key);
    if (key == TTYPE)
        snprintf(c->name, sizeof c->name, "%.71s", value);
    else if (key == TFORM)
        snprintf(c->form, sizeof c->form, "%.71s", value);
    else if (key == TNULL)
        c->has_null = fb_card_integer(card, &c->null);
    else if (!fb_card_real(card, key == TSCAL ? &c->scale : &c->zero))
        return refuse(h, key, n, "a number", value);
    return 0;
}

/* Parse all formats and compute offsets. TSCAL, TZERO and TNULL of strings, logical values and bits are
 * ignored. */
static int take_forms(const struct header *h, const unsigned char *given)
{
    int64_t offset = 0;
    char quoted[FB_CARD + 2];
    for (int n = 1; n <= h->hdu->nfields; n++) {
        struct fb_column *c = &h->columns[n - 1];
        if (!(given[n - 1] & 1U << TFORM))
            return refuse(h, TFORM, n, "a keyword", "none");
        int64_t bytes = fb_column_take_form(c, c->form);
        snprintf(quoted, sizeof quoted, "'%s'", c->form);
        if (bytes < 0 || __builtin_add_overflow(offset, bytes, &offset))
            return refuse(h, TFORM, n, "a format of binary tables as", quoted);
        if (c->repeat == 1)
            memmove(c->form, strchr(c->form, c->type), strlen(strchr(c->form, c->type)) + 1);
        c->number = n;
        c->offset = (size_t)(offset - bytes);
        c->has_null = c->has_null && strchr("BIJK", c->type);
        if (strchr("AXL", c->type)) {
            c->scale = 1;
            c->zero = 0;
        }
    }
    if (offset != h->hdu->axis[0])
        return fb_fail(h->err,
                       "%s: HDU %s: expected rows of %lld bytes, as its columns have, found NAXIS1 %lld",
                       h->path, h->hdu->name, (long long)offset, (long long)h->hdu->axis[0]);
    return 0;
}

static int check_table(const struct header *h)
{
    const struct fb_hdu *hdu = h->hdu;
    char value[FB_CARD];
    if (hdu->bitpix != 8 || hdu->naxis != 2 || hdu->gcount != 1)
        return fb_fail(
            h->err,
            "%s: HDU %s: expected BITPIX 8, NAXIS 2 and GCOUNT 1, as tables have, found %d, %d and %lld",
            h->path, hdu->name, hdu->bitpix, hdu->naxis, (long long)hdu->gcount);
    if (fb_hdu_text(h->hdus, hdu, "ZTABLE", value, sizeof value) != 0)
        return fb_fail(
            h->err, "%s: HDU %s: expected a table as it is, found a compressed one: funpack makes one of it",
            h->path, hdu->name);
    return 0;
}

/* Fill the nfields columns, which are all zeros, from the keywords. */
static int describe_columns(const struct header *h)
{
    unsigned char given[FB_MOST_COLUMNS + 1] = { 0 };
    int failed = check_table(h);
    for (int n = 0; n < h->hdu->nfields; n++)
        h->columns[n].scale = 1;
    for (size_t i = 0; !failed && i < h->hdu->ncards; i++)
        failed = take_card(h, fb_hdu_card(h->hdus, h->hdu, i), given);
    return failed ? -1 : take_forms(h, given);
}

/* The heap begins after the rows, or at THEAP. */
static int find_heap(struct fb_table *t, struct fb_error *err)
{
    const struct fb_hdu *hdu = t->hdu;
    int64_t rows = hdu->size - hdu->pcount, begin = rows;
    if (hdu->pcount > 0 &&
        (fb_hdu_integer(t->hdus, hdu, "THEAP", &begin) < 0 || begin < rows || begin > hdu->size))
        return fb_fail(
            err, "%s: HDU %s: expected THEAP from %lld to %lld, found a repeated keyword or another value",
            t->path, hdu->name, (long long)rows, (long long)hdu->size);
    t->heap = hdu->data + begin;
    t->heap_bytes = hdu->size - begin;
    return 0;
}

/* ---- opening ---- */

static void join_names(const char *const *names, char *text, size_t size)
{
    text[0] = '\0';
    for (; names && *names; names++) {
        size_t used = strlen(text);
        if (strcmp(*names, "*") != 0)
            snprintf(text + used, size - used, "%s%s", used ? " or " : "", *names);
    }
}

static int find_table(struct fb_table *t, const char *const *names, struct fb_error *err)
{
    static const char *const any[] = { "*", NULL };
    char wanted[200];
    t->hdu = fb_hdus_table(t->hdus, names ? names : any);
    join_names(names, wanted, sizeof wanted);
    return t->hdu ? 0 : fb_fail(err, "%s: has no table%s%s", t->path, wanted[0] ? " " : "", wanted);
}

/* Find the table and describe its columns. */
static int describe_table(struct fb_table *t, const char *const *names, struct fb_error *err)
{
    if (find_table(t, names, err) != 0)
        return -1;
    t->name = t->hdu->name;
    t->ncolumns = t->hdu->nfields;
    t->columns = calloc((size_t)t->ncolumns + 1, sizeof *t->columns);
    const struct header h = { t->path, t->hdus, t->hdu, t->columns, err };
    if (!t->columns)
        return fb_fail(err, "%s: out of memory", t->path);
    if (describe_columns(&h) != 0 || find_heap(t, err) != 0)
        return -1;
    t->row_bytes = (size_t)t->hdu->axis[0];
    t->nrows = t->hdu->axis[1];
    return 0;
}

int fb_table_open(struct fb_table *t, const char *path, const char *const *names, struct fb_error *err)
{
    *t = (struct fb_table){ .path = path };
    t->hdus = &t->own;
    if (fb_hdus_open(t->hdus, path, NULL, err) == 0 && describe_table(t, names, err) == 0)
        return 0;
    fb_table_close(t);
    return -1;
}

int fb_table_use(struct fb_table *t, struct fb_hdus *hdus, const char *const *names, struct fb_error *err)
{
    *t = (struct fb_table){ .path = hdus->file.path, .hdus = hdus };
    if (describe_table(t, names, err) == 0)
        return 0;
    fb_table_close(t);
    return -1;
}

void fb_table_close(struct fb_table *t)
{
    fb_hdus_release(&t->own);
    free(t->columns);
    free(t->rows.bytes);
    free(t->strings.bytes);
    *t = (struct fb_table){ 0 };
}

int fb_table_is_packed(const struct fb_table *t)
{
    return t->hdus->file.contents != NULL;
}

/* ---- columns ---- */

/* The number of columns with this name, ignoring case. */
static int count_columns(const struct fb_table *t, const char *name)
{
    int found = 0;
    for (int i = 0; i < t->ncolumns; i++)
        found += strcasecmp(t->columns[i].name, name) == 0;
    return found;
}

const struct fb_column *fb_table_find(const struct fb_table *t, const char *name)
{
    const struct fb_column *found = NULL, *alike = NULL;
    int exact = 0, others = 0;
    for (int i = 0; i < t->ncolumns; i++) {
        const struct fb_column *c = &t->columns[i];
        if (strcmp(c->name, name) == 0) {
            found = c;
            exact++;
        } else if (strcasecmp(c->name, name) == 0) {
            alike = c;
            others++;
        }
    }
    return exact == 1 ? found : exact == 0 && others == 1 ? alike : NULL;
}

static int lacks_column(const struct fb_table *t, const char *const *names, struct fb_error *err)
{
    char wanted[200];
    join_names(names, wanted, sizeof wanted);
    return fb_fail(err, "%s: table %s has no column %s", t->path, t->name, wanted);
}

int fb_table_find_any(const struct fb_table *t, const char *const *names, const struct fb_column **column,
                      struct fb_error *err)
{
    *column = NULL;
    for (const char *const *name = names; *name && !*column; name++) {
        *column = fb_table_find(t, *name);
        if (!*column && count_columns(t, *name) > 1)
            return fb_fail(err, "%s: table %s has more than one column %s", t->path, t->name, *name);
    }
    return 0;
}

int fb_table_find_number(const struct fb_table *t, const char *const *names, int needed,
                         const struct fb_column **column, struct fb_error *err)
{
    if (fb_table_find_any(t, names, column, err) != 0)
        return -1;
    const struct fb_column *c = *column;
    if (!c)
        return needed ? lacks_column(t, names, err) : 0;
    if (!strchr("BIJKED", c->type))
        return fb_fail(err, "%s: column %s: expected numbers", t->path, c->name);
    if (c->repeat != 1)
        return fb_fail(err, "%s: column %s: expected one number a row", t->path, c->name);
    return 0;
}

int fb_hdu_columns(const struct fb_hdus *hdus, const struct fb_hdu *table, const char *const *names, size_t n,
                   struct fb_column *columns)
{
    struct fb_error ignored;
    memset(columns, 0, n * sizeof *columns);
    if (table->kind != FB_HDU_TABLE || table->compressed || table->axis[0] < 1 ||
        table->axis[0] > FB_ROWS_BUFFER)
        return 0;
    struct fb_column *all = calloc((size_t)table->nfields + 1, sizeof *all);
    const struct header h = { "", hdus, table, all, &ignored };
    int found = all && describe_columns(&h) == 0;
    for (int i = 0; found && i < table->nfields; i++)
        for (size_t k = 0; k < n; k++) {
            if (strcasecmp(all[i].name, names[k]) != 0)
                continue;
            found &= columns[k].type == 0 && !fb_column_is_scaled(&all[i]);
            columns[k] = all[i];
        }
    free(all);
    return found;
}

/* ---- rows ---- */

int fb_table_rows(struct fb_table *t, int64_t first, int64_t n, unsigned char *bytes, struct fb_error *err)
{
    int64_t size = (int64_t)t->row_bytes;
    return n == 0 || size == 0
               ? 0
               : fb_file_read(&t->hdus->file, bytes, (size_t)(n * size), t->hdu->data + first * size, err);
}

static int read_block(struct fb_table *t, int64_t first, struct fb_error *err)
{
    int64_t size = (int64_t)t->row_bytes, most = BLOCK_BYTES / (size + 1) + 1, left = t->nrows - first;
    struct fb_block *block = &t->rows;
    if (most > t->nrows)
        most = t->nrows;
    if (!block->bytes && !(block->bytes = malloc((size_t)(most * size) + 1)))
        return fb_fail(err, "%s: out of memory", t->path);
    block->first = first;
    block->n = left < most ? left : most;
    if (left > most)
        fb_file_want(&t->hdus->file, t->hdu->data + (first + most) * size, AHEAD_BYTES);
    if (fb_table_rows(t, first, block->n, block->bytes, err) == 0)
        return 0;
    block->n = 0;
    return -1;
}

const unsigned char *fb_table_row(struct fb_table *t, int64_t i, struct fb_error *err)
{
    const struct fb_block *block = &t->rows;
    if ((i < block->first || i >= block->first + block->n) && read_block(t, i, err) != 0)
        return NULL;
    return block->bytes + (size_t)(i - block->first) * t->row_bytes;
}

int fb_table_integer(const struct fb_table *t, const struct fb_column *c, const unsigned char *row,
                     int64_t *value, struct fb_error *err)
{
    const int bits = c->value == 'E' ? 24 : 53; /* of the significand */
    const double most = ldexp(1, bits);
    if (fb_column_is_integer(c) && !fb_column_is_scaled(c)) {
        *value = fb_column_integer(c, row);
        return 0;
    }
    struct fb_column any = *c;
    any.has_null = 0;
    struct fb_number number = fb_column_value(&any, row, 0);
    *value = number.integer;
    if (number.whole)
        return 0;
    if (!(fabs(number.real) < most) || number.real > floor(number.real))
        return fb_fail(
            err,
            "%s: column %s: expected whole numbers below 2^%d where they are floating-point, found %.17g",
            t->path, c->name, bits, number.real);
    *value = (int64_t)number.real;
    return 0;
}

int fb_table_integers(struct fb_table *t, const struct fb_column *c, int64_t *values, int64_t n,
                      struct fb_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        if (!row || fb_table_integer(t, c, row, &values[i], err) != 0)
            return -1;
    }
    return 0;
}

int fb_table_numbers(struct fb_table *t, const struct fb_column *c, double *values, int64_t n,
                     struct fb_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        if (!row)
            return -1;
        values[i] = fb_column_number(c, row);
    }
    return 0;
}

/* Read n bytes of the heap, which must hold them; NULL on failure. */
static const char *heap_bytes(struct fb_table *t, int64_t offset, int64_t n, struct fb_error *err)
{
    struct fb_block *block = &t->strings;
    if (!block->bytes && !(block->bytes = malloc(STRING_BYTES))) {
        fb_fail(err, "%s: out of memory", t->path);
        return NULL;
    }
    if (offset < block->first || offset + n > block->first + block->n) {
        block->first = offset;
        block->n = t->heap_bytes - offset < STRING_BYTES ? t->heap_bytes - offset : STRING_BYTES;
        if (fb_file_read(&t->hdus->file, block->bytes, (size_t)block->n, t->heap + offset, err) != 0) {
            block->n = 0;
            return NULL;
        }
    }
    return (const char *)block->bytes + (offset - block->first);
}

int fb_table_same_text(struct fb_table *t, const struct fb_column *c, const unsigned char *row,
                       const char *text, struct fb_error *err)
{
    const unsigned char *cell = row + c->offset;
    size_t half = c->type == 'Q' ? 8 : 4;
    if (c->type == 'A')
        return fb_same_text((const char *)cell, (size_t)c->repeat, text);
    if (c->repeat == 0)
        return *text == '\0';
    uint64_t length = fb_big_endian(cell, half), offset = fb_big_endian(cell + half, half);
    if (length > MOST_STRING)
        return fb_fail(err, "%s: column %s: expected strings, found one of more than %d characters", t->path,
                       c->name, MOST_STRING);
    if (length == 0)
        return *text == '\0';
    if (offset > (uint64_t)t->heap_bytes || length > (uint64_t)t->heap_bytes - offset)
        return fb_fail(err,
                       "%s: column %s: expected strings in a heap of %lld bytes, found one of %llu at %llu",
                       t->path, c->name, (long long)t->heap_bytes, (unsigned long long)length,
                       (unsigned long long)offset);
    const char *found = heap_bytes(t, (int64_t)offset, (int64_t)length, err);
    return found ? fb_same_text(found, (size_t)length, text) : -1;
}

/* ---- keywords ---- */

int fb_table_keyword(const struct fb_table *t, const char *key, char *text, size_t size)
{
    return fb_hdu_text(t->hdus, t->hdu, key, text, size) > 0;
}

int fb_table_next_keyword(const struct fb_table *t, size_t *i, char *name, size_t name_size, char *value,
                          size_t size)
{
    size_t digits;
    while (*i < t->hdu->ncards) {
        size_t card = (*i)++;
        if (!fb_card_name(fb_hdu_card(t->hdus, t->hdu, card), name, name_size) ||
            fb_keyword_is_structural(name) || fb_keyword_column(name, t->ncolumns, &digits) > 0)
            continue;
        fb_hdu_text_at(t->hdus, t->hdu, card, value, size);
        return 1;
    }
    return 0;
}

int fb_table_history(const struct fb_table *t, const char *words, char *text, size_t size)
{
    int found = 0;
    text[0] = '\0';
    for (size_t i = 0; i < t->hdu->ncards; i++) {
        const char *card = fb_hdu_card(t->hdus, t->hdu, i);
        int length = FB_CARD - 8;
        if (!fb_card_is(card, "HISTORY ") || strncmp(card + 8, words, strlen(words)) != 0)
            continue;
        while (length > 0 && card[8 + length - 1] == ' ')
            length--;
        snprintf(text, size, "%.*s", length, card + 8);
        found = 1;
    }
    return found;
}

int fb_keyword_column(const char *name, int ncolumns, size_t *digits)
{
    static const char *const roots[] = { "TTYPE", "TFORM", "TUNIT", "TNULL", "TSCAL", "TZERO",
                                         "TDISP", "TDIM",  "TCOMM", "TDESC", "TUCD",  "TUTYP",
                                         "TLMIN", "TLMAX", "TDMIN", "TDMAX", "TCTYP", "TCUNI",
                                         "TCRPX", "TCRVL", "TCDLT", "TCROT", "TRPOS", "TXTYP" };
    *digits = strcspn(name, "0123456789");
    if (!isdigit((unsigned char)name[*digits]) ||
        strspn(name + *digits, "0123456789") != strlen(name + *digits))
        return 0;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        if (strlen(roots[i]) == *digits && strncmp(roots[i], name, *digits) == 0) {
            long column = strtol(name + *digits, NULL, 10);
            return column >= 1 && column <= ncolumns ? (int)column : 0;
        }
    }
    return 0;
}

int fb_keyword_is_structural(const char *name)
{
    static const char *const names[] = { "SIMPLE",  "XTENSION", "BITPIX",   "NAXIS",  "EXTEND",
                                         "BLOCKED", "GROUPS",   "PCOUNT",   "GCOUNT", "TFIELDS",
                                         "THEAP",   "EXTNAME",  "CHECKSUM", "DATASUM" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(name, names[i], n) == 0 &&
            strspn(name + n, strcmp(names[i], "NAXIS") == 0 ? "0123456789" : "") == strlen(name + n))
            return 1;
    }
    return 0;
}
