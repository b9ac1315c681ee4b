/*
 * balcatalog.c - a QSO catalog with BAL columns appended.
 *
 * BAL tables arrive pixel by pixel, while the catalog's rows are in any order. So BAL cells are kept in
 * compact form until all have arrived (desi/balstore.h). Then the file is written sequentially: every row is
 * read once and written once, and checksums are computed on the way. Memory grows by 5 bytes per row of the
 * catalog.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "desi/balstore.h"
#include "desi/catalog.h"
#include "desi/dependencies.h"
#include "desi/trough_table.h"
#include "fits/file.h"
#include "fits/header_template.h"
#include "fits/output.h"
#include "fits/sum.h"
#include "fits/system.h"
#include "fits/table.h"

enum {
    BLOCK_BYTES = 1 << 20,
    KEPT_BYTES = 96 << 20 /* of packed cells in memory, unless the plan says otherwise */
};

/* A range of bytes of the source's rows that is kept. */
struct piece {
    size_t begin, length;
};

/* The source's table, and the columns that are kept. */
struct source {
    struct fb_table table;
    int *number; /* per column, its number in the output, from 1; 0 if it is left out */
    struct piece *pieces;
    size_t npieces, kept_bytes;
    int nkept;
};

/* The file from which the kept cells of the source are read, in any order. */
struct cells {
    const char *path; /* borrowed */
    int descriptor;
    off_t data; /* offset of the first row */
    size_t row_bytes;
    struct piece *pieces; /* owned */
    size_t npieces;
};

struct fb_balcatalog {
    struct fb_output out;
    fb_stop_fn *stop; /* may be NULL */
    char *source;     /* its path */
    struct cells cells;
    struct fb_balstore store;
    enum fb_replace replace;
    char *troughs_path; /* NULL: no table of troughs is wanted */
    struct fb_trough_list troughs;
    int descriptor; /* the output's */
    int ntemplates;
    size_t nrows, heap_bytes;
    unsigned char *balmask;                 /* of rows without BAL cells */
    off_t header, data;                     /* offsets of the table and of its first row */
    size_t row_bytes, bal_begin, bal_bytes; /* of a row in the output */
    uint32_t sum;                           /* checksum of the data written so far */
    int has_description;                    /* the header has room for it */
    struct fb_balcatalog_header description;
};

/* ---- the source ---- */

static int is_bal_column(const char *name)
{
    size_t n;
    const struct fb_balrow_column *c = fb_balrow_columns(&n);
    for (size_t i = 0; i < n; i++)
        if ((c[i].use & FB_IN_CATALOG) && strcasecmp(c[i].name, name) == 0)
            return 1;
    return 0;
}

static void release_source(struct source *s)
{
    fb_table_close(&s->table);
    free(s->number);
    free(s->pieces);
    memset(s, 0, sizeof *s);
}

static void keep_piece(struct source *s, size_t begin, size_t length)
{
    struct piece *last = s->npieces > 0 ? &s->pieces[s->npieces - 1] : NULL;
    if (last && last->begin + last->length == begin)
        last->length += length;
    else
        s->pieces[s->npieces++] = (struct piece){ begin, length };
    s->kept_bytes += length;
}

static int count_bal_columns(void)
{
    size_t n;
    const struct fb_balrow_column *c = fb_balrow_columns(&n);
    int count = 0;
    for (size_t i = 0; i < n; i++)
        count += (c[i].use & FB_IN_CATALOG) != 0;
    return count;
}

/* Choose the columns to keep. A column's bytes end where the next column begins. */
static int choose_columns(struct source *s, struct fb_error *err)
{
    const struct fb_table *t = &s->table;
    s->number = calloc((size_t)t->ncolumns + 1, sizeof *s->number);
    s->pieces = calloc((size_t)t->ncolumns + 1, sizeof *s->pieces);
    if (!s->number || !s->pieces)
        return fb_fail(err, "%s: out of memory", t->path);
    for (int i = 0; i < t->ncolumns; i++) {
        const struct fb_column *c = &t->columns[i];
        size_t end = i + 1 < t->ncolumns ? c[1].offset : t->row_bytes;
        if (is_bal_column(c->name))
            continue;
        s->number[i + 1] = ++s->nkept;
        keep_piece(s, c->offset, end - c->offset);
    }
    if (s->nkept + count_bal_columns() > FB_MOST_COLUMNS)
        return fb_fail(
            err, "%s: has %d columns; with the %d BAL columns that is more than the %d that FITS allows",
            t->path, s->nkept, count_bal_columns(), FB_MOST_COLUMNS);
    return 0;
}

static int open_source(struct source *s, const char *path, struct fb_error *err)
{
    static const char *const names[] = { "QSO_CAT", "ZCATALOG", "*", NULL };
    memset(s, 0, sizeof *s);
    if (fb_table_open(&s->table, path, names, err) == 0 && choose_columns(s, err) == 0)
        return 0;
    release_source(s);
    return -1;
}

/* ---- the header ---- */

/* Copy one card. Cards that describe the old table as a whole are left out; they are written anew. So are those of columns
 * beyond the last, which would describe BAL columns here. */
static int copy_card(const struct source *s, fitsfile *to, char *card, int *status)
{
    char name[FLEN_KEYWORD], renamed[FLEN_KEYWORD + 12], changed[FLEN_CARD];
    int length = 0;
    size_t digits;

    fits_get_keyname(card, name, &length, status);
    int column = fb_keyword_column(name, INT_MAX, &digits);
    if (column == 0)
        return fb_keyword_is_structural(name) ? *status : fits_write_record(to, card, status);
    if (column > s->table.ncolumns || s->number[column] == 0)
        return *status;
    snprintf(renamed, sizeof renamed, "%.*s%d", (int)digits, name, s->number[column]);
    snprintf(changed, sizeof changed, "%-8.8s%.72s", renamed, card + 8);
    return fits_update_card(to, renamed, changed, status);
}

static int copy_header(const struct source *s, fitsfile *to, int *status)
{
    const struct fb_table *t = &s->table;
    for (size_t i = 0; i < t->hdu->ncards && *status == 0; i++) {
        char card[FLEN_CARD];
        snprintf(card, sizeof card, "%.80s", fb_hdu_card(t->hdus, t->hdu, i));
        copy_card(s, to, card, status);
    }
    return *status;
}

/* Names, formats and units of the output's columns. The strings of the source's columns are in `text`. */
struct column_list {
    int n;
    char **ttype, **tform, **tunit;
    char (*text)[3][FLEN_VALUE];
};

static void release_columns(struct column_list *list)
{
    free(list->ttype);
    free(list->text);
}

static int allocate_columns(struct column_list *list, size_t n)
{
    list->n = 0;
    list->ttype = calloc(3 * n, sizeof *list->ttype);
    list->text = calloc(n, sizeof *list->text);
    if (!list->ttype || !list->text) {
        release_columns(list);
        return -1;
    }
    list->tform = list->ttype + n;
    list->tunit = list->ttype + 2 * n;
    return 0;
}

/* Add a column whose three strings point to buffers of their own. */
static char (*add_column(struct column_list *list))[FLEN_VALUE]
{
    char(*text)[FLEN_VALUE] = list->text[list->n];
    list->ttype[list->n] = text[0];
    list->tform[list->n] = text[1];
    list->tunit[list->n++] = text[2];
    return text;
}

static void list_columns(const struct source *s, int ntemplates, struct column_list *list)
{
    size_t n;
    const struct fb_balrow_column *c = fb_balrow_columns(&n);

    for (int i = 0; i < s->table.ncolumns; i++) {
        const struct fb_column *column = &s->table.columns[i];
        char key[20];
        if (!s->number[i + 1])
            continue;
        char(*text)[FLEN_VALUE] = add_column(list);
        snprintf(key, sizeof key, "TUNIT%d", i + 1);
        snprintf(text[0], FLEN_VALUE, "%.70s", column->name);
        snprintf(text[1], FLEN_VALUE, "%.70s", column->form);
        fb_table_keyword(&s->table, key, text[2], FLEN_VALUE);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(c[i].use & FB_IN_CATALOG))
            continue;
        char(*text)[FLEN_VALUE] = add_column(list);
        int repeat = fb_balrow_repeat(&c[i], ntemplates);
        snprintf(text[0], FLEN_VALUE, "%s", c[i].name);
        if (repeat == 1)
            snprintf(text[1], FLEN_VALUE, "%c", c[i].type);
        else
            snprintf(text[1], FLEN_VALUE, "%d%c", repeat, c[i].type);
        snprintf(text[2], FLEN_VALUE, "%s", c[i].unit);
    }
}

/* Counts in the header of a described catalog. */
static const char *const count_keys[] = { "BALNMEAS", "BALNAI  ", "BALNBI  " };

static void delete_key(fitsfile *file, const char *keyword, int *status)
{
    while (*status == 0)
        fits_delete_key(file, keyword, status);
    if (*status == KEY_NO_EXIST) {
        *status = 0;
        fits_clear_errmsg();
    }
}

/* Reserve the cards that fb_balcatalog_describe() fills. Those of the source no longer hold. */
static void write_description(fitsfile *to, int described, int *status)
{
    static const char *const counts[] = { "quasars measured", "of these with AI_CIV > 0",
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
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        delete_key(to, count_keys[k], status);
        if (described)
            fits_write_key_lng(to, count_keys[k], 0, counts[k], status);
    }
    if (described)
        fb_write_dependencies(to, status);
}

/* Compose the table's header, with cards for its checksums. The primary HDU before it is a dummy. */
static int compose_header(struct fb_balcatalog *catalog, const struct source *s, struct fb_error *err)
{
    struct column_list list;
    fitsfile *to = catalog->out.file;
    int status = 0;

    if (allocate_columns(&list, (size_t)(s->nkept + count_bal_columns())) != 0)
        return fb_fail(err, "%s: out of memory", catalog->out.path);
    list_columns(s, catalog->ntemplates, &list);
    fits_create_img(to, BYTE_IMG, 0, NULL, &status);
    /* 0 rows, or CFITSIO would allocate the data */
    fits_insert_btbl(to, 0, list.n, list.ttype, list.tform, list.tunit, "ZCATALOG", 0, &status);
    copy_header(s, to, &status);
    fb_write_descriptions(to, FB_IN_CATALOG, s->nkept, &status);
    write_description(to, catalog->has_description, &status);
    fb_write_history(to, &status);
    fb_write_empty_sums(to, &status);
    release_columns(&list);
    return status ? fb_fits_fail(err, catalog->out.path, "can't write its header", status) : 0;
}

/* ---- reading and writing at an offset ---- */

/* Fails once the user has asked to stop; polled between blocks. */
static int give_up(const struct fb_balcatalog *catalog, struct fb_error *err)
{
    return catalog->stop && catalog->stop()
               ? fb_fail(err, "%s: stopped before it was finished: the same command starts again",
                         catalog->out.path)
               : 0;
}

static int write_at(struct fb_balcatalog *catalog, const unsigned char *bytes, size_t n, off_t offset,
                    struct fb_error *err)
{
    return fb_write_at(catalog->descriptor, bytes, n, offset) == 0
               ? 0
               : fb_fail(err, "%s: can't write it: %s", catalog->out.path, strerror(errno));
}

static int read_at(const char *path, int descriptor, unsigned char *bytes, size_t n, off_t offset,
                   struct fb_error *err)
{
    ssize_t got = fb_read_at(descriptor, bytes, n, offset);
    return got == (ssize_t)n ? 0
                             : fb_fail(err, "%s: can't read its rows: %s", path,
                                       got < 0 ? strerror(errno) : "the file is too short");
}

/* ---- cells of the source ---- */

/* Copy the kept cells of one row. Returns the end of the copy. */
static unsigned char *copy_cells(const struct piece *pieces, size_t npieces, const unsigned char *from,
                                 unsigned char *to)
{
    for (size_t k = 0; k < npieces; k++) {
        memcpy(to, from + pieces[k].begin, pieces[k].length);
        to += pieces[k].length;
    }
    return to;
}

/* For a gzipped source, which is in memory: write its cells to the output, and release them. */
static int unpack_cells(struct fb_balcatalog *catalog, struct source *s, struct fb_error *err)
{
    size_t block = BLOCK_BYTES / catalog->row_bytes + 1, row_bytes = s->table.row_bytes;
    unsigned char *in = malloc(block * row_bytes), *out = calloc(block, catalog->row_bytes);
    int failed = in && out ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);

    for (size_t first = 0; !failed && first < catalog->nrows; first += block) {
        size_t n = catalog->nrows - first < block ? catalog->nrows - first : block;
        failed =
            give_up(catalog, err) != 0 || fb_table_rows(&s->table, (int64_t)first, (int64_t)n, in, err) != 0;
        if (failed)
            break;
        for (size_t i = 0; i < n; i++)
            copy_cells(s->pieces, s->npieces, in + i * row_bytes, out + i * catalog->row_bytes);
        failed = write_at(catalog, out, n * catalog->row_bytes,
                          catalog->data + (off_t)(first * catalog->row_bytes), err);
    }
    free(in);
    free(out);
    return failed;
}

static int take_cells(struct fb_balcatalog *catalog, struct source *s, struct fb_error *err)
{
    struct cells *cells = &catalog->cells;

    if (!fb_table_is_packed(&s->table)) {
        cells->descriptor = open(s->table.path, O_RDONLY | O_CLOEXEC);
        if (cells->descriptor < 0)
            return fb_fail(err, "%s: %s", s->table.path, strerror(errno));
        cells->path = catalog->source;
        cells->data = (off_t)s->table.hdu->data;
        cells->row_bytes = s->table.row_bytes;
        cells->npieces = s->npieces;
        cells->pieces = s->pieces;
        s->pieces = NULL;
        return 0;
    }
    cells->path = catalog->out.path;
    cells->descriptor = dup(catalog->descriptor);
    cells->data = catalog->data;
    cells->row_bytes = catalog->row_bytes;
    cells->npieces = 1;
    cells->pieces = malloc(sizeof *cells->pieces);
    if (cells->descriptor < 0 || !cells->pieces)
        return fb_fail(err, "%s: out of memory", catalog->out.path);
    cells->pieces[0] = (struct piece){ 0, s->kept_bytes };
    return unpack_cells(catalog, s, err);
}

/* Copy n bytes of the source, which begin at a block, and add them to a checksum. */
static int copy_bytes(struct fb_balcatalog *catalog, struct source *s, int64_t from, int64_t n, off_t to,
                      uint32_t *sum, struct fb_error *err)
{
    unsigned char *bytes = malloc(BLOCK_BYTES);
    int failed = bytes ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);
    for (int64_t done = 0; !failed && done < n; done += BLOCK_BYTES) {
        size_t part = (size_t)(n - done < BLOCK_BYTES ? n - done : BLOCK_BYTES);
        failed = give_up(catalog, err) != 0 ||
                 fb_file_read(&s->table.hdus->file, bytes, part, from + done, err) != 0 ||
                 write_at(catalog, bytes, part, to + (off_t)done, err) != 0;
        if (!failed)
            *sum = fb_sum_add_at(*sum, bytes, part, (uint64_t)done);
    }
    free(bytes);
    return failed ? -1 : 0;
}

/* Copy the heap of variable-length columns, byte for byte, to the end of the rows. */
static int copy_heap(struct fb_balcatalog *catalog, struct source *s, struct fb_error *err)
{
    size_t rows = catalog->nrows * catalog->row_bytes;
    uint32_t sum = 0;
    if (copy_bytes(catalog, s, s->table.heap, s->table.heap_bytes, catalog->data + (off_t)rows, &sum, err) !=
        0)
        return -1;
    catalog->sum = fb_sum_join(catalog->sum, fb_sum_shift(sum, rows));
    return 0;
}

/* ---- the source's other HDUs ---- */

/* Copy the HDUs after the primary HDU, byte for byte, to the end of the table. */
static int copy_others(struct fb_balcatalog *catalog, struct source *s, struct fb_error *err)
{
    const struct fb_hdus *hdus = s->table.hdus;
    off_t to = catalog->data +
               (off_t)fb_whole_blocks((int64_t)(catalog->nrows * catalog->row_bytes + catalog->heap_bytes));
    uint32_t ignored = 0;
    for (size_t i = 1; i < hdus->n; i++) {
        const struct fb_hdu *hdu = &hdus->hdu[i], *before = hdu - 1;
        int64_t begin = before->data + fb_whole_blocks(before->size),
                n = hdu->data + fb_whole_blocks(hdu->size) - begin;
        if (hdu == s->table.hdu)
            continue;
        if (copy_bytes(catalog, s, begin, n, to, &ignored, err) != 0)
            return -1;
        to += (off_t)n;
    }
    return 0;
}

/* Write the primary HDU at the beginning of the file, with the source's data and new checksums, and set
 * catalog->header to its end. */
static int write_primary(struct fb_balcatalog *catalog, struct source *s, struct fb_error *err)
{
    const struct fb_hdus *hdus = s->table.hdus;
    const struct fb_hdu *hdu = &hdus->hdu[0];
    int64_t data_bytes = fb_whole_blocks(hdu->size);
    uint32_t sum = 0;
    size_t size;
    unsigned char *header = fb_header_copy(fb_hdu_card(hdus, hdu, 0), hdu->ncards, &size);
    int failed = header ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);
    if (!failed)
        failed = copy_bytes(catalog, s, hdu->data, data_bytes, (off_t)size, &sum, err);
    if (!failed) {
        fb_header_put_sums(header, size, sum);
        failed = write_at(catalog, header, size, 0, err);
    }
    catalog->header = (off_t)size + (off_t)data_bytes;
    free(header);
    return failed;
}

/* ---- rows ---- */

static void default_row(struct fb_balrow *row, unsigned char balmask)
{
    memset(row, 0, sizeof *row);
    row->bal_prob = -99;
    row->balstatus = FB_BALSTATUS_NO_ROW;
    row->lobal = FB_LOBAL_UNKNOWN;
    row->balmask = balmask;
}

static size_t rows_in_block(const struct fb_balcatalog *catalog)
{
    size_t n = BLOCK_BYTES / (catalog->row_bytes + catalog->cells.row_bytes);
    return n > 0 ? n : 1;
}

/* Add the troughs of a row to the table of troughs. */
static int take_troughs(struct fb_balcatalog *catalog, const unsigned char *cells, struct fb_error *err)
{
    struct fb_balrow row;
    memset(&row, 0, sizeof row);
    fb_balrow_decode(&row, FB_IN_CATALOG, catalog->ntemplates, cells);
    fb_balrow_decode(&row, FB_OF_TROUGHS, catalog->ntemplates, cells + catalog->bal_bytes);
    return fb_trough_list_add(&catalog->troughs, &row) == 0
               ? 0
               : fb_fail(err, "%s: out of memory for troughs", catalog->troughs_path);
}

/* The BAL cells of a row: those that were put, or those of a row in no BAL table. */
static int bal_cells(struct fb_balcatalog *catalog, size_t i, unsigned char *to, struct fb_error *err)
{
    unsigned char cells[sizeof(struct fb_balrow)];
    struct fb_balrow row;
    int kept = fb_balstore_take(&catalog->store, i, cells);
    if (kept < 0)
        return fb_fail(err, "%s: can't read the BAL columns of row %zu again", catalog->out.path, i);
    if (kept == 0) {
        default_row(&row, catalog->balmask[i]);
        fb_balrow_encode(&row, FB_IN_CATALOG, catalog->ntemplates, to);
        return 0;
    }
    memcpy(to, cells, catalog->bal_bytes);
    return catalog->troughs_path ? take_troughs(catalog, cells, err) : 0;
}

/* Write n rows; `room` is a buffer for n source rows and n output rows. */
static int write_rows(struct fb_balcatalog *catalog, size_t first, size_t n, unsigned char *room,
                      struct fb_error *err)
{
    const struct cells *cells = &catalog->cells;
    size_t offset = first * catalog->row_bytes, bytes = n * catalog->row_bytes;
    unsigned char *in = room, *out = room + n * cells->row_bytes, *to = out;

    if (read_at(cells->path, cells->descriptor, in, n * cells->row_bytes,
                cells->data + (off_t)(first * cells->row_bytes), err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++, to += catalog->bal_bytes) {
        to = copy_cells(cells->pieces, cells->npieces, in + i * cells->row_bytes, to);
        if (bal_cells(catalog, first + i, to, err) != 0)
            return -1;
    }
    catalog->sum = fb_sum_join(catalog->sum, fb_sum_add_at(0, out, bytes, offset));
    return write_at(catalog, out, bytes, catalog->data + (off_t)offset, err);
}

static int write_all_rows(struct fb_balcatalog *catalog, struct fb_error *err)
{
    size_t most = rows_in_block(catalog), left = catalog->nrows;
    unsigned char *room = malloc(most * (catalog->row_bytes + catalog->cells.row_bytes));
    int failed = room ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);

    while (!failed && left > 0) {
        size_t n = left < most ? left : most;
        failed = give_up(catalog, err) != 0 || write_rows(catalog, catalog->nrows - left, n, room, err) != 0;
        left -= n;
    }
    free(room);
    return failed;
}

int fb_balcatalog_put_rows(struct fb_balcatalog *catalog, const struct fb_balcatalog_row *puts, size_t n,
                           struct fb_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (puts[i].row >= catalog->nrows)
            return fb_fail(err, "%s: there is no row %zu", catalog->out.path, puts[i].row);
    if (n > 0 && !fb_balstore_keep(&catalog->store, puts, n))
        return fb_fail(err, "%s: can't keep the BAL columns of %zu rows: out of memory, or disk full",
                       catalog->out.path, n);
    return 0;
}

/* ---- creating and finishing ---- */

/* Write the headers, and extend the file to its full size, which fills the padding with zeros. */
static int start_rows(struct fb_balcatalog *catalog, struct source *s, struct fb_error *err)
{
    LONGLONG begin = 0, end = 0;
    int status = 0;
    fits_get_hduaddrll(catalog->out.file, &begin, &end, NULL, &status);
    if (fits_flush_file(catalog->out.file, &status))
        return fb_fits_fail(err, catalog->out.path, "can't write its header", status);
    size_t size = (size_t)(end - begin);
    unsigned char *header = malloc(size);
    if (!header)
        return fb_fail(err, "%s: out of memory", catalog->out.path);
    memcpy(header, (const unsigned char *)catalog->out.bytes + begin, size);
    catalog->descriptor = fb_output_begin(&catalog->out, 0, err);
    int failed = catalog->descriptor < 0 || write_primary(catalog, s, err) != 0 ||
                 write_at(catalog, header, size, catalog->header, err) != 0;
    free(header);
    catalog->data = catalog->header + (off_t)size;
    int64_t rows = (int64_t)(catalog->nrows * catalog->row_bytes + catalog->heap_bytes);
    if (!failed && ftruncate(catalog->descriptor, catalog->data + (off_t)fb_whole_blocks(rows)) != 0)
        failed = fb_fail(err, "%s: can't write it: %s", catalog->out.path, strerror(errno));
    return failed ? -1 : 0;
}

static int allocate(struct fb_balcatalog *catalog, const struct fb_balcatalog_plan *plan,
                    const struct source *s, struct fb_error *err)
{
    catalog->nrows = plan->n;
    catalog->ntemplates = plan->ntemplates;
    catalog->stop = plan->stop;
    catalog->has_description = plan->described;
    catalog->heap_bytes = (size_t)s->table.heap_bytes;
    catalog->bal_begin = s->kept_bytes;
    catalog->bal_bytes = fb_balrow_bytes(FB_IN_CATALOG, plan->ntemplates);
    catalog->row_bytes = catalog->bal_begin + catalog->bal_bytes;
    catalog->source = strdup(plan->source);
    catalog->replace = plan->replace;
    if (plan->troughs && !(catalog->troughs_path = strdup(plan->troughs)))
        return fb_fail(err, "%s: out of memory", plan->path);
    catalog->balmask = malloc(plan->n + 1);
    if (!catalog->source || !catalog->balmask)
        return fb_fail(err, "%s: out of memory", plan->path);
    memcpy(catalog->balmask, plan->balmask, plan->n);
    return 0;
}

/* Create the store of BAL cells. Its overflow file is unlinked at once, so it may use the catalog's temporary
 * name. */
static int start_store(struct fb_balcatalog *catalog, size_t kept_bytes, struct fb_error *err)
{
    int failed = fb_balstore_create(&catalog->store, catalog->nrows, catalog->ntemplates,
                                    catalog->troughs_path != NULL, kept_bytes ? kept_bytes : KEPT_BYTES,
                                    catalog->out.temporary.name);
    return failed ? fb_fail(err, "%s: out of memory", catalog->out.path) : 0;
}

/* Write everything that is known before the first row is put. */
static int start(struct fb_balcatalog *catalog, const struct fb_balcatalog_plan *plan, struct source *s,
                 struct fb_error *err)
{
    if ((size_t)s->table.nrows != plan->n)
        return fb_fail(err, "%s: expected %zu rows as when it was read before, found %lld", plan->source,
                       plan->n, (long long)s->table.nrows);
    if (allocate(catalog, plan, s, err) != 0 ||
        fb_output_create(&catalog->out, plan->path, plan->replace, err) != 0 ||
        start_store(catalog, plan->kept_bytes, err) != 0 || compose_header(catalog, s, err) != 0 ||
        start_rows(catalog, s, err) != 0 || take_cells(catalog, s, err) != 0 ||
        copy_heap(catalog, s, err) != 0)
        return -1;
    return copy_others(catalog, s, err);
}

int fb_balcatalog_create(struct fb_balcatalog **out, const struct fb_balcatalog_plan *plan,
                         struct fb_error *err)
{
    struct source s;
    *out = NULL;
    struct fb_balcatalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog)
        return fb_fail(err, "%s: out of memory", plan->path);
    catalog->cells.descriptor = catalog->out.temporary.descriptor = catalog->store.file = -1;
    int failed = open_source(&s, plan->source, err);
    if (!failed) {
        failed = start(catalog, plan, &s, err);
        release_source(&s);
    }
    if (failed)
        fb_balcatalog_discard(catalog);
    else
        *out = catalog;
    return failed ? -1 : 0;
}

void fb_balcatalog_describe(struct fb_balcatalog *catalog, const struct fb_balcatalog_header *header)
{
    catalog->description = *header;
}

static int put_description(const struct fb_balcatalog_header *d, unsigned char *header, size_t size)
{
    const size_t counts[] = { d->nmeasured, d->nai, d->nbi };
    int failed = fb_header_put_text(header, size, "BALOPTS ", d->options);
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const char *text = fb_provenance_text(&d->made, &fb_provenance_keys[k]);
        failed |= fb_header_put_text(header, size, fb_provenance_keys[k].keyword, text[0] ? text : "unknown");
    }
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        failed |= fb_header_put_number(header, size, count_keys[k], counts[k]);
    return failed;
}

/* Set the number of rows, the size of the heap, the provenance and the checksums. */
static int finish_header(struct fb_balcatalog *catalog, struct fb_error *err)
{
    size_t size = (size_t)(catalog->data - catalog->header);
    unsigned char *header = malloc(size);
    int failed = header ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);
    if (!failed)
        failed = read_at(catalog->out.path, catalog->descriptor, header, size, catalog->header, err);
    if (!failed && (fb_header_put_number(header, size, "NAXIS2  ", catalog->nrows) != 0 ||
                    fb_header_put_number(header, size, "PCOUNT  ", catalog->heap_bytes) != 0 ||
                    (catalog->has_description && put_description(&catalog->description, header, size) != 0) ||
                    fb_header_put_sums(header, size, catalog->sum) != 0))
        failed = fb_fail(err, "%s: can't finish its header", catalog->out.path);
    if (!failed)
        failed = write_at(catalog, header, size, catalog->header, err);
    free(header);
    return failed;
}

static int write_troughs(const struct fb_balcatalog *catalog, struct fb_error *err)
{
    struct fb_header_template header;
    if (!catalog->troughs_path)
        return 0;
    int failed = fb_trough_table_header(&header, &catalog->description.made, err);
    const struct fb_table_content table = { &header, catalog->troughs.bytes, catalog->troughs.n };
    if (!failed)
        failed = fb_header_template_write(catalog->troughs_path, catalog->replace, &table, 1, err);
    fb_header_template_release(&header);
    return failed;
}

int fb_balcatalog_commit(struct fb_balcatalog *catalog, struct fb_error *err)
{
    int failed = write_all_rows(catalog, err) != 0 || finish_header(catalog, err) != 0 ||
                 write_troughs(catalog, err) != 0 || fb_output_publish(&catalog->out, err) != 0;
    fb_balcatalog_discard(catalog);
    return failed ? -1 : 0;
}

void fb_balcatalog_discard(struct fb_balcatalog *catalog)
{
    if (!catalog)
        return;
    if (catalog->cells.descriptor >= 0)
        close(catalog->cells.descriptor);
    fb_output_discard(&catalog->out);
    fb_balstore_release(&catalog->store);
    free(catalog->cells.pieces);
    fb_trough_list_release(&catalog->troughs);
    free(catalog->troughs_path);
    free(catalog->balmask);
    free(catalog->source);
    free(catalog);
}
