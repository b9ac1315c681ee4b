/* anytable.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "fits/anytable.h"
#include "fits/file.h"
#include "fits/fits.h"

/* CFITSIO's handle for the headers, and for rows of packed files; file for rows at a known place. */
struct fb_any_source {
    struct fb_table table;
    struct fb_file file;
    struct fb_io_stats stats;
    int64_t data;
    int plain;
};

/* ---- columns ---- */

/* Bytes of a value of each type, as in a file. */
static size_t type_size(char type)
{
    static const struct {
        char type;
        unsigned char size;
    } sizes[] = { { 'L', 1 }, { 'X', 1 }, { 'B', 1 }, { 'I', 2 },  { 'J', 4 }, { 'K', 8 }, { 'A', 1 },
                  { 'E', 4 }, { 'D', 8 }, { 'C', 8 }, { 'M', 16 }, { 'P', 8 }, { 'Q', 16 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].type == type)
            return sizes[i].size;
    return 0;
}

/* Texts may be several of a fixed width, as in 30A10. */
static void take_text(struct fb_cell_column *c, int64_t repeat, const char *width)
{
    int64_t each = strtoll(width, NULL, 10);
    c->kind = FB_CELL_TEXT;
    c->type = 'A';
    c->values = each > 0 && each < repeat && repeat % each == 0 ? repeat / each : 1;
    c->size = (size_t)(repeat / c->values);
}

/* Take TFORM apart; *bytes is the width of the cell. Returns 0 where it makes no sense. */
static int take_form(struct fb_cell_column *c, const char *form, size_t *bytes)
{
    char *end;
    int64_t repeat = strtoll(form, &end, 10);
    if (end == form)
        repeat = 1;
    size_t size = type_size(*end);
    if (size == 0 || repeat < 0 || repeat > 1 << 30)
        return 0;
    *c = (struct fb_cell_column){ .type = *end, .values = repeat, .size = size };
    snprintf(c->form, sizeof c->form, "%.31s", repeat == 1 ? end : form);
    *bytes = (size_t)repeat * size;
    switch (c->type) {
    case 'A':
        take_text(c, repeat, end + 1);
        break;
    case 'X':
        c->type = 'B';
        c->values = (repeat + 7) / 8;
        *bytes = (size_t)c->values;
        break;
    case 'C':
    case 'M':
        c->type = c->type == 'C' ? 'E' : 'D';
        c->size = size / 2;
        c->values = 2 * repeat;
        break;
    case 'P':
    case 'Q':
        c->kind = FB_CELL_LIST;
        break;
    default:
        break;
    }
    return 1;
}

static int describe_column(struct fb_table *t, int number, struct fb_cell_column *c, size_t *bytes,
                           struct fb_error *err)
{
    char key[FLEN_KEYWORD], form[FLEN_VALUE] = "", name[FLEN_VALUE] = "", type[FLEN_VALUE];
    LONGLONG repeat;
    double scale = 1, zero = 0;
    int status = 0;

    fits_make_keyn("TFORM", number, key, &status);
    fits_read_key(t->file, TSTRING, key, form, NULL, &status);
    fits_get_bcolparmsll(t->file, number, name, NULL, type, &repeat, &scale, &zero, NULL, NULL, &status);
    if (status)
        return fb_fits_fail(err, t->path, "can't read a column's format", status);
    form[strcspn(form, " ")] = '\0';
    if (!take_form(c, form, bytes))
        return fb_fail(err, "%s: column %s: expected a form of binary tables, found '%s'", t->path, name,
                       form);
    snprintf(c->name, sizeof c->name, "%.71s", name);
    c->scale = scale;
    c->zero = zero;
    fits_make_keyn("TNULL", number, key, &status);
    c->has_null = strchr("BIJK", c->type) && fb_fits_integer(t->file, key, &c->null, &status);
    return status ? fb_fits_fail(err, t->path, "can't read a column's keywords", status) : 0;
}

static int describe_columns(struct fb_any_table *table, struct fb_error *err)
{
    struct fb_table *t = &table->source->table;
    int64_t row_bytes = 0;
    size_t offset = 0, bytes = 0;
    int status = 0;

    table->columns = calloc((size_t)t->ncols + 1, sizeof *table->columns);
    if (!table->columns)
        return fb_fail(err, "%s: out of memory", t->path);
    for (int i = 0; i < t->ncols; i++, offset += bytes) {
        if (describe_column(t, i + 1, &table->columns[i], &bytes, err) != 0)
            return -1;
        table->columns[i].offset = offset;
    }
    if (!fb_fits_integer(t->file, "NAXIS1", &row_bytes, &status))
        return fb_fits_fail(err, t->path, "can't read NAXIS1", status);
    if ((size_t)row_bytes != offset)
        return fb_fail(err, "%s: table %s has rows of %lld bytes, but its columns take %zu", t->path,
                       t->extname, (long long)row_bytes, offset);
    table->ncolumns = (size_t)t->ncols;
    table->row_bytes = offset;
    table->nrows = t->nrows;
    snprintf(table->name, sizeof table->name, "%s", t->extname);
    return 0;
}

/* ---- keywords ---- */

/* Is it about the data, and not about the file, the moment it was written, or a count of what is in the rows (BALN...)? */
static int is_about_data(char *card, const char *name)
{
    static const char *const others[] = { "DEPNAM", "DEPVER", "DATE", "LONGSTRN", "BALN" };
    int class = fits_get_keyclass(card);
    if (class != TYP_USER_KEY && class != TYP_WCS_KEY && class != TYP_REFSYS_KEY)
        return 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0 && strcmp(name, "DATE-OBS") != 0)
            return 0;
    return name[0] != '\0';
}

static int has_keyword(const struct fb_any_table *table, const char *name)
{
    for (size_t i = 0; i < table->nkeywords; i++)
        if (strcmp(table->keywords[i].name, name) == 0)
            return 1;
    return 0;
}

enum { MOST_TEXT = 8192 };

/* A keyword without a value has an empty one. */
static char *keyword_value(fitsfile *file, const char *name, int *status)
{
    char text[MOST_TEXT];
    fb_fits_text(file, name, text, sizeof text, status);
    return strdup(text);
}

static int read_keywords(struct fb_any_table *table, struct fb_error *err)
{
    struct fb_table *t = &table->source->table;
    int n = 0, status = 0;

    fits_get_hdrspace(t->file, &n, NULL, &status);
    table->keywords = calloc((size_t)n + 1, sizeof *table->keywords);
    if (!table->keywords)
        return fb_fail(err, "%s: out of memory", t->path);
    for (int i = 1; i <= n && status == 0; i++) {
        char card[FLEN_CARD], name[FLEN_KEYWORD];
        int length;
        if (fits_read_record(t->file, i, card, &status) || fits_get_keyname(card, name, &length, &status))
            break;
        if (!is_about_data(card, name) || has_keyword(table, name))
            continue;
        struct fb_keyword *keyword = &table->keywords[table->nkeywords];
        snprintf(keyword->name, sizeof keyword->name, "%s", name);
        keyword->value = keyword_value(t->file, name, &status);
        if (!keyword->value)
            return fb_fail(err, "%s: out of memory", t->path);
        table->nkeywords++;
    }
    return status ? fb_fits_fail(err, t->path, "can't read the table's header", status) : 0;
}

int fb_any_table_text(struct fb_any_table *table, const char *keyword, char *text, size_t size)
{
    int status = 0;
    return fb_fits_text(table->source->table.file, keyword, text, size, &status) && text[0] != '\0';
}

int fb_any_table_history(struct fb_any_table *table, const char *words, char *text, size_t size)
{
    fitsfile *file = table->source->table.file;
    char card[FLEN_CARD];
    int n = 0, status = 0, found = 0;
    text[0] = '\0';
    fits_get_hdrspace(file, &n, NULL, &status);
    for (int i = 1; i <= n && fits_read_record(file, i, card, &status) == 0; i++) {
        if (strncmp(card, "HISTORY ", 8) != 0 || strncmp(card + 8, words, strlen(words)) != 0)
            continue;
        snprintf(text, size, "%s", card + 8);
        found = 1;
    }
    return found;
}

/* ---- rows ---- */

/* Are the rows in the file where CFITSIO sees them? Those of packed files are not. */
static int find_rows(struct fb_any_source *s, struct fb_error *err)
{
    LONGLONG header = 0, data = 0, end = 0;
    int status = 0;

    fits_get_hduaddrll(s->table.file, &header, &data, &end, &status);
    if (status)
        return fb_fits_fail(err, s->table.path, "can't find its rows", status);
    if (s->table.fits.packed)
        return 0;
    if (fb_file_open(&s->file, s->table.path, &s->stats, err) != 0)
        return -1;
    s->plain = s->file.nhead > 6 && memcmp(s->file.head, "SIMPLE", 6) == 0;
    s->data = data;
    return 0;
}

int fb_any_table_open(struct fb_any_table *table, const char *path, const char *const *names,
                      struct fb_error *err)
{
    memset(table, 0, sizeof *table);
    table->source = calloc(1, sizeof *table->source);
    if (!table->source)
        return fb_fail(err, "%s: out of memory", path);
    if (fb_table_open(&table->source->table, path, names, err) == 0 && describe_columns(table, err) == 0 &&
        read_keywords(table, err) == 0 && find_rows(table->source, err) == 0)
        return 0;
    fb_any_table_close(table);
    return -1;
}

void fb_any_table_close(struct fb_any_table *table)
{
    if (table->source) {
        fb_table_close(&table->source->table);
        fb_file_release(&table->source->file);
    }
    for (size_t i = 0; i < table->nkeywords; i++)
        free(table->keywords[i].value);
    free(table->keywords);
    free(table->columns);
    free(table->source);
    memset(table, 0, sizeof *table);
}

int fb_any_table_is_plain(const struct fb_any_table *table)
{
    return table->source->plain;
}

int fb_any_table_rows(struct fb_any_table *table, int64_t first, int64_t n, unsigned char *bytes,
                      struct fb_error *err)
{
    struct fb_any_source *s = table->source;
    size_t size = (size_t)n * table->row_bytes;
    int status = 0;

    if (size == 0)
        return 0;
    if (s->plain)
        return fb_file_read(&s->file, bytes, size, s->data + first * (int64_t)table->row_bytes, err);
    if (fits_read_tblbytes(s->table.file, first + 1, 1, (LONGLONG)size, bytes, &status))
        return fb_fits_fail(err, s->table.path, "can't read its rows", status);
    return 0;
}

const struct fb_cell_column *fb_any_table_column(const struct fb_any_table *table, const char *name)
{
    for (size_t i = 0; i < table->ncolumns; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    for (size_t i = 0; i < table->ncolumns; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

/* ---- values ---- */

static int64_t raw_integer(char type, const unsigned char *bytes)
{
    switch (type) {
    case 'L':
        return bytes[0] == 'T';
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

static double raw_real(char type, const unsigned char *bytes)
{
    uint64_t bits = fb_big_endian(bytes, type == 'D' ? 8 : 4);
    uint32_t half = (uint32_t)bits;
    double value;
    float single;
    if (type == 'D') {
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    memcpy(&single, &half, sizeof single);
    return (double)single;
}

struct fb_number fb_cell_number(const struct fb_cell_column *c, const unsigned char *row, int64_t k)
{
    const unsigned char *bytes = row + c->offset + (size_t)k * c->size;
    int64_t shifted;

    if (c->type == 'E' || c->type == 'D')
        return (struct fb_number){ .real = raw_real(c->type, bytes) * c->scale + c->zero };
    int64_t raw = raw_integer(c->type, bytes);
    if (c->has_null && raw == c->null)
        return (struct fb_number){ .real = NAN };
    if (c->scale == 1 && c->zero == 0)
        return (struct fb_number){ 1, raw, (double)raw };
    /* integers without a sign are stored less half their range */
    if (c->scale == 1 && c->zero == 0x1p63 && raw < 0)
        return (struct fb_number){ 1, raw + INT64_MAX + 1, (double)(raw + INT64_MAX + 1) };
    if (c->scale == 1 && fabs(c->zero) < 0x1p62 && c->zero == floor(c->zero) &&
        !__builtin_add_overflow(raw, (int64_t)c->zero, &shifted))
        return (struct fb_number){ 1, shifted, (double)shifted };
    return (struct fb_number){ .real = (double)raw * c->scale + c->zero };
}

const char *fb_cell_text(const struct fb_cell_column *c, const unsigned char *row, int64_t k, size_t *length)
{
    const char *text = (const char *)row + c->offset + (size_t)k * c->size;
    size_t n = 0;
    while (n < c->size && text[n] != '\0')
        n++;
    while (n > 0 && text[n - 1] == ' ')
        n--;
    *length = n;
    return text;
}
