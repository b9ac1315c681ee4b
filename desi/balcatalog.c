/*
 * balcatalog.c - a QSO catalog with BAL columns appended.
 *
 * BAL tables arrive pixel by pixel, while the catalog's rows are in any order. So BAL cells are kept in
 * compact form until all have arrived (desi/balstore.h). Then the file is written front to back: every row is
 * read once and written once, and checksums are computed on the way. Memory grows by 4 bytes per row of the
 * catalog.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/balstore.h"
#include "desi/catalog.h"
#include "desi/catalog_header.h"
#include "desi/trough_table.h"
#include "fits/output.h"
#include "fits/sum.h"
#include "fits/system.h"
#include "fits/unpack.h"

enum {
    BLOCK_BYTES = 1 << 18,
    KEPT_BYTES = 96 << 20 /* memory for BAL cells, unless the plan sets kept_bytes */
};

/* A run of bytes in a row. */
struct piece {
    size_t begin, length;
};

struct fb_balcatalog {
    struct fb_balcatalog_plan plan;
    struct fb_output out;
    struct fb_balstore store;
    struct fb_trough_list troughs;
    struct piece *pieces; /* owned: what is kept of the source's rows */
    size_t npieces;
    size_t row_bytes, bal_bytes; /* of a row, and of its BAL cells */
    unsigned char *header;       /* owned: of the table */
    size_t header_bytes;
    off_t end;    /* of what has been written */
    uint32_t sum; /* the checksum of the data of this HDU */
};

/* ---- writing ---- */

static int write_at(const struct fb_balcatalog *catalog, const unsigned char *bytes, size_t n, off_t offset,
                    struct fb_error *err)
{
    return fb_write_at(catalog->out.temporary.descriptor, bytes, n, offset) == 0
               ? 0
               : fb_fail(err, "%s: can't write it: %s", catalog->out.path, strerror(errno));
}

/* Write data at the end, unless the user has asked to stop. An HDU's data begin at a whole block, so the
 * offset in the file serves for the checksum as well. */
static int write_data(struct fb_balcatalog *catalog, const unsigned char *bytes, size_t n,
                      struct fb_error *err)
{
    if (catalog->plan.stop && catalog->plan.stop())
        return fb_fail(err, "%s: stopped before it was finished: the same command starts again",
                       catalog->out.path);
    catalog->sum = fb_sum_add_at(catalog->sum, bytes, n, (uint64_t)catalog->end);
    catalog->end += (off_t)n;
    return write_at(catalog, bytes, n, catalog->end - (off_t)n, err);
}

/* Copy n bytes of the source. */
static int copy_bytes(struct fb_balcatalog *catalog, int64_t from, int64_t n, struct fb_error *err)
{
    unsigned char *bytes = malloc(BLOCK_BYTES);
    int failed = bytes ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);
    for (int64_t done = 0; !failed && done < n; done += BLOCK_BYTES) {
        size_t part = (size_t)(n - done < BLOCK_BYTES ? n - done : BLOCK_BYTES);
        failed = fb_file_read(&catalog->plan.source->hdus->file, bytes, part, from + done, err) != 0 ||
                 write_data(catalog, bytes, part, err) != 0;
    }
    free(bytes);
    return failed ? -1 : 0;
}

/* ---- rows ---- */

/* Add the troughs of a row to the table of troughs. */
static int take_troughs(struct fb_balcatalog *catalog, const unsigned char *cells, struct fb_error *err)
{
    struct fb_balrow row;
    memset(&row, 0, sizeof row);
    fb_balrow_decode(&row, FB_IN_CATALOG, catalog->plan.ntemplates, cells);
    fb_balrow_decode(&row, FB_OF_TROUGHS, catalog->plan.ntemplates, cells + catalog->bal_bytes);
    return fb_trough_list_add(&catalog->troughs, &row) == 0
               ? 0
               : fb_fail(err, "%s: out of memory for troughs", catalog->plan.troughs);
}

/* The BAL cells of a row: those that were put, or those of a row in no BAL table. */
static int bal_cells(struct fb_balcatalog *catalog, size_t i, unsigned char *to, struct fb_error *err)
{
    unsigned char cells[sizeof(struct fb_balrow)];
    int kept = fb_balstore_take(&catalog->store, i, cells);
    if (kept < 0)
        return fb_fail(err, "%s: can't read the BAL columns of row %zu again", catalog->out.path, i);
    if (kept == 0) {
        const struct fb_balrow none = { .bal_prob = -99,
                                        .balstatus = FB_BALSTATUS_NO_ROW,
                                        .lobal = FB_LOBAL_UNKNOWN,
                                        .balmask = fb_balmask(NULL, catalog->plan.rows[i].z) };
        fb_balrow_encode(&none, FB_IN_CATALOG, catalog->plan.ntemplates, to);
        return 0;
    }
    memcpy(to, cells, catalog->bal_bytes);
    return catalog->plan.troughs ? take_troughs(catalog, cells, err) : 0;
}

static int compose_row(struct fb_balcatalog *catalog, size_t i, unsigned char *to, struct fb_error *err)
{
    const unsigned char *from = fb_table_row(catalog->plan.source, (int64_t)i, err);
    if (!from)
        return -1;
    for (size_t k = 0; k < catalog->npieces; k++) {
        memcpy(to, from + catalog->pieces[k].begin, catalog->pieces[k].length);
        to += catalog->pieces[k].length;
    }
    return bal_cells(catalog, i, to, err);
}

static int write_rows(struct fb_balcatalog *catalog, struct fb_error *err)
{
    size_t most = BLOCK_BYTES / catalog->row_bytes + 1, nrows = (size_t)catalog->plan.source->nrows;
    unsigned char *block = malloc(most * catalog->row_bytes);
    int failed = block ? 0 : fb_fail(err, "%s: out of memory", catalog->out.path);

    for (size_t i = 0, n = 0; !failed && i < nrows; i++) {
        failed = compose_row(catalog, i, block + n++ * catalog->row_bytes, err);
        if (failed || (n < most && i + 1 < nrows))
            continue;
        failed = write_data(catalog, block, n * catalog->row_bytes, err);
        n = 0;
    }
    free(block);
    return failed;
}

/* ---- HDUs ---- */

/* Write the primary HDU: the source's, with new checksums. */
static int write_primary(struct fb_balcatalog *catalog, struct fb_error *err)
{
    const struct fb_hdus *hdus = catalog->plan.source->hdus;
    const struct fb_hdu *hdu = &hdus->hdu[0];
    size_t size;
    unsigned char *header = fb_header_copy(fb_hdu_card(hdus, hdu, 0), hdu->ncards, &size);
    if (!header)
        return fb_fail(err, "%s: out of memory", catalog->out.path);
    catalog->end = (off_t)size;
    int failed = copy_bytes(catalog, hdu->data, fb_whole_blocks(hdu->size), err);
    fb_header_put_sums(header, size, catalog->sum);
    failed = failed || write_at(catalog, header, size, 0, err) != 0;
    free(header);
    return failed;
}

/* Write the table: its rows, the heap of variable-length columns byte for byte, and, last, its header. */
static int write_table(struct fb_balcatalog *catalog, const struct fb_balcatalog_header *description,
                       struct fb_error *err)
{
    static const unsigned char zeros[FB_FITS_BLOCK]; /* padding */
    const struct fb_table *source = catalog->plan.source;
    off_t begin = catalog->end;
    catalog->end += (off_t)catalog->header_bytes;
    catalog->sum = 0;
    if (write_rows(catalog, err) != 0 || copy_bytes(catalog, source->heap, source->heap_bytes, err) != 0 ||
        write_data(catalog, zeros, (size_t)(fb_whole_blocks(catalog->end) - catalog->end), err) != 0)
        return -1;
    if (fb_catalog_header_finish(catalog->header, catalog->header_bytes, catalog->row_bytes, source,
                                 description, catalog->sum) != 0)
        return fb_fail(err, "%s: can't finish its header", catalog->out.path);
    return write_at(catalog, catalog->header, catalog->header_bytes, begin, err);
}

/* Copy the source's other HDUs byte for byte. */
static int write_others(struct fb_balcatalog *catalog, struct fb_error *err)
{
    const struct fb_hdus *hdus = catalog->plan.source->hdus;
    for (size_t i = 1; i < hdus->n; i++) {
        const struct fb_hdu *hdu = &hdus->hdu[i], *before = hdu - 1;
        int64_t begin = before->data + fb_whole_blocks(before->size);
        if (hdu != catalog->plan.source->hdu &&
            copy_bytes(catalog, begin, hdu->data + fb_whole_blocks(hdu->size) - begin, err) != 0)
            return -1;
    }
    return 0;
}

static int write_troughs(const struct fb_balcatalog *catalog, const struct fb_balcatalog_header *description,
                         struct fb_error *err)
{
    struct fb_header_template header;
    if (!catalog->plan.troughs)
        return 0;
    int failed = fb_trough_table_header(&header, &description->made, err);
    const struct fb_table_content table = { &header, catalog->troughs.bytes, catalog->troughs.n };
    if (!failed)
        failed = fb_header_template_write(catalog->plan.troughs, catalog->plan.replace, &table, 1, err);
    fb_header_template_release(&header);
    return failed;
}

/* ---- the catalog ---- */

/* Find the pieces of the source's rows to keep. A column's bytes end where the next column begins. */
static int choose_pieces(struct fb_balcatalog *catalog, struct fb_error *err)
{
    const struct fb_table *t = catalog->plan.source;
    catalog->pieces = calloc((size_t)t->ncolumns + 1, sizeof *catalog->pieces);
    if (!catalog->pieces)
        return fb_fail(err, "%s: out of memory", t->path);
    for (int i = 0; i < t->ncolumns; i++) {
        const struct fb_column *c = &t->columns[i];
        size_t end = i + 1 < t->ncolumns ? c[1].offset : t->row_bytes;
        struct piece *last = catalog->pieces + catalog->npieces;
        if (fb_balrow_in_catalog(c->name))
            continue;
        if (catalog->npieces > 0 && last[-1].begin + last[-1].length == c->offset)
            last[-1].length = end - last[-1].begin;
        else
            catalog->pieces[catalog->npieces++] = (struct piece){ c->offset, end - c->offset };
        catalog->row_bytes += end - c->offset;
    }
    catalog->bal_bytes = fb_balrow_bytes(FB_IN_CATALOG, catalog->plan.ntemplates);
    catalog->row_bytes += catalog->bal_bytes;
    return 0;
}

/* Readers prefer QSO_CAT to the ZCATALOG that is written, so another HDU of that name must not be copied. */
static int check_others(const struct fb_table *source, struct fb_error *err)
{
    for (size_t i = 1; i < source->hdus->n; i++)
        if (&source->hdus->hdu[i] != source->hdu && strcasecmp(source->hdus->hdu[i].name, "QSO_CAT") == 0)
            return fb_fail(err, "%s: expected one HDU QSO_CAT, found another, number %zu", source->path, i);
    return 0;
}

/* Do everything that may fail before the first row is put. The files without a name are unlinked at once, so
 * they may use the temporary name of the catalog before it does. */
static int start(struct fb_balcatalog *catalog, struct fb_error *err)
{
    const struct fb_balcatalog_plan *plan = &catalog->plan;
    if (check_others(plan->source, err) != 0 || choose_pieces(catalog, err) != 0 ||
        fb_output_create(&catalog->out, plan->path, plan->replace, err) != 0)
        return -1;
    const char *name = catalog->out.temporary.name;
    catalog->header = fb_catalog_header(&catalog->out, plan->source, plan->ntemplates, plan->described,
                                        &catalog->header_bytes, err);
    if (!catalog->header)
        return -1;
    if (fb_balstore_create(&catalog->store, (size_t)plan->source->nrows, plan->ntemplates,
                           plan->troughs != NULL, plan->kept_bytes ? plan->kept_bytes : KEPT_BYTES,
                           name) != 0)
        return fb_fail(err, "%s: out of memory", plan->path);
    struct fb_error why;
    if (fb_table_is_packed(plan->source) &&
        fb_file_unload(&plan->source->hdus->file, fb_open_unnamed(name), &why) != 0)
        return fb_fail(err, "%s: %.800s", plan->path, why.text);
    return fb_output_begin(&catalog->out, 0, err) < 0 ? -1 : 0;
}

int fb_balcatalog_create(struct fb_balcatalog **out, const struct fb_balcatalog_plan *plan,
                         struct fb_error *err)
{
    struct fb_balcatalog *catalog = calloc(1, sizeof *catalog);
    *out = NULL;
    if (!catalog)
        return fb_fail(err, "%s: out of memory", plan->path);
    catalog->plan = *plan;
    catalog->out.temporary.descriptor = catalog->store.file = -1;
    if (start(catalog, err) != 0) {
        fb_balcatalog_discard(catalog);
        return -1;
    }
    *out = catalog;
    return 0;
}

int fb_balcatalog_put_rows(struct fb_balcatalog *catalog, const struct fb_balcatalog_row *puts, size_t n,
                           struct fb_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (puts[i].row >= (size_t)catalog->plan.source->nrows)
            return fb_fail(err, "%s: there is no row %zu", catalog->out.path, puts[i].row);
    if (n > 0 && !fb_balstore_keep(&catalog->store, puts, n))
        return fb_fail(err, "%s: can't keep the BAL columns of %zu rows: out of memory, or disk full",
                       catalog->out.path, n);
    return 0;
}

/* Read the header of what was written again, since the source's cards in it may say anything. */
static int check_written(const struct fb_balcatalog *catalog, struct fb_error *err)
{
    static const char *const names[] = { "ZCATALOG", NULL };
    const struct fb_table *source = catalog->plan.source;
    struct fb_table written = { 0 };
    struct fb_error why;
    int failed = fb_table_open(&written, catalog->out.temporary.name, names, &why);
    if (!failed && (written.nrows != source->nrows || written.row_bytes != catalog->row_bytes ||
                    written.heap_bytes != source->heap_bytes))
        failed = fb_fail(&why, "it describes other rows than were written");
    if (failed)
        fb_fail(err, "%s: can't write it: the header copied from %s can't be read again: %.600s",
                catalog->out.path, source->path, why.text);
    fb_table_close(&written);
    return failed;
}

int fb_balcatalog_commit(struct fb_balcatalog *catalog, const struct fb_balcatalog_header *description,
                         struct fb_error *err)
{
    int failed = write_primary(catalog, err) != 0 || write_table(catalog, description, err) != 0 ||
                 write_others(catalog, err) != 0 || check_written(catalog, err) != 0 ||
                 write_troughs(catalog, description, err) != 0 || fb_output_publish(&catalog->out, err) != 0;
    fb_balcatalog_discard(catalog);
    return failed ? -1 : 0;
}

void fb_balcatalog_discard(struct fb_balcatalog *catalog)
{
    if (!catalog)
        return;
    fb_output_discard(&catalog->out);
    fb_balstore_release(&catalog->store);
    fb_trough_list_release(&catalog->troughs);
    free(catalog->pieces);
    free(catalog->header);
    free(catalog);
}
