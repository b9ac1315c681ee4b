/*
 * test_balcatalog.c - catalogs whose rows arrive in any order: pending rows are stored in memory, partly in a
 * spill file, or nearly all in a spill file, and every cell and checksum is correct, in the same bytes. What takes the
 * source's name meanwhile does not matter.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <dirent.h>
#include <fitsio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "desi/balstore.h"
#include "desi/catalog.h"

enum { NROWS = 700, NTEMPLATES = 5, MOST_VALUES = 32, NAME_BYTES = 7, NEVER_PUT = 13 };

/* ---- rows ---- */

static uint64_t state = 1;

static uint32_t draw(uint32_t n)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(state >> 33) % n;
}

static void fill_troughs(struct fb_balrow_troughs *t, unsigned count)
{
    for (int k = 0; k < FASTBAL_MAX_AI; k++) {
        int there = (unsigned)k < count;
        t->vmin[k] = there ? (float)draw(25000) : -1;
        t->vmax[k] = there ? (float)draw(25000) : -1;
        t->posmin[k] = there ? (float)draw(25000) : -1;
        t->fmin[k] = there ? (float)draw(1000) / 1000 : -1;
    }
    t->count = (int32_t)count;
    t->index = (float)(count * draw(9999));
    t->error = count ? (float)draw(500) : 0;
}

/* From a row in which every value is that of no quasar to one in which few are; most are quasars without
 * troughs. */
static void fill_row(struct fb_balrow *row, size_t i)
{
    memset(row, 0, sizeof *row);
    row->targetid = (int64_t)i;
    unsigned kind = draw(4);
    fill_troughs(&row->civ_ai, kind < 2 ? 0 : kind == 2 ? 1 + draw(3) : FASTBAL_MAX_AI);
    fill_troughs(&row->civ_bi, kind == 3 ? 5 : 0);
    fill_troughs(&row->siiv_ai, kind == 3 ? draw(FASTBAL_MAX_AI + 1) : 0);
    fill_troughs(&row->siiv_bi, kind == 3 ? draw(6) : 0);
    for (int k = 0; k < NTEMPLATES; k++)
        row->pca_coeffs[k] = (float)draw(100000) / 7;
    row->pca_chi2 = (float)draw(100000) / 3;
    row->bal_prob = (float)(kind > 1);
    row->snr_civ = (float)i;
    row->balstatus = (int32_t)draw(2);
    row->balmask = (uint8_t)draw(8);
}

/* The rows, and the order in which they are put: neighbours now and then. */
struct rows {
    struct fb_balrow row[NROWS];
    size_t order[NROWS];
};

static struct rows *make_rows(void)
{
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < NROWS; i++) {
        fill_row(&r->row[i], i);
        r->order[i] = i;
    }
    for (size_t k = 0; k < NROWS / 2; k++) { /* turn two stretches of the same length around each other */
        size_t n = 1 + draw(6), a = draw(NROWS - 6), b = draw(NROWS - 6);
        for (size_t j = 0; j < n && (a + n <= b || b + n <= a); j++) {
            size_t other = r->order[a + j];
            r->order[a + j] = r->order[b + j];
            r->order[b + j] = other;
        }
    }
    return r;
}

/* ---- the store alone ---- */

static void expect_cells(const struct fb_balstore *store, const struct fb_balrow *row, size_t i)
{
    unsigned char expected[sizeof *row], found[sizeof *row];
    fb_balrow_encode(row, FB_IN_CATALOG, NTEMPLATES, expected);
    assert_int_equal(fb_balstore_take(store, i, found), 1);
    assert_memory_equal(found, expected, fb_balrow_bytes(FB_IN_CATALOG, NTEMPLATES));
}

static void keep_and_take(size_t room, int spills)
{
    struct rows *r = make_rows();
    struct fb_balstore store;
    char path[] = "/tmp/fastbal-store-XXXXXX";
    close(mkstemp(path));
    unlink(path);
    assert_int_equal(fb_balstore_create(&store, NROWS, NTEMPLATES, 0, room, path), 0);
    assert_int_equal(access(path, F_OK), -1); /* the file has no name */
    for (size_t k = 0; k < NROWS; k += 4) {
        struct fb_balcatalog_row puts[4];
        for (size_t j = 0; j < 4; j++)
            puts[j] = (struct fb_balcatalog_row){ r->order[k + j], &r->row[r->order[k + j]] };
        assert_int_equal(fb_balstore_keep(&store, puts, k + 8 > NROWS ? 0 : 4), 1);
    }
    assert_int_equal(store.file >= 0, spills);
    assert_int_equal(store.used > store.room, spills);
    unsigned char cells[sizeof(struct fb_balrow)];
    for (size_t k = 0; k < NROWS - 4; k++)
        expect_cells(&store, &r->row[r->order[k]], r->order[k]);
    for (size_t k = NROWS - 4; k < NROWS; k++)
        assert_int_equal(fb_balstore_take(&store, r->order[k], cells), 0);
    fb_balstore_release(&store);
    free(r);
}

static void test_store(void **unused)
{
    (void)unused;
    keep_and_take((size_t)1 << 20, 0);
    keep_and_take(60001, 1);
    keep_and_take(1, 1);
}

static void test_store_without_a_file(void **unused)
{
    struct fb_balstore store;
    struct fb_balrow row;
    struct fb_balcatalog_row put = { 0, &row };
    (void)unused;
    fill_row(&row, 0);
    assert_int_equal(fb_balstore_create(&store, NROWS, NTEMPLATES, 0, 1, "/nonexistent/folder/file"), 0);
    assert_int_equal(fb_balstore_keep(&store, &put, 1), 0);
    unsigned char cells[sizeof row];
    assert_int_equal(fb_balstore_take(&store, 0, cells), 0);
    fb_balstore_release(&store);
}

/* ---- catalogs ---- */

static void name_of(size_t i, char *name)
{
    snprintf(name, NAME_BYTES + 1, "row%04zu", i % 10000);
}

/* A table whose rows are no whole words, so that checksums depend on where a row is. */
static void write_source(const char *path)
{
    char *ttype[] = { "TARGETID", "NAME" }, *tform[] = { "K", "7A" };
    fitsfile *file;
    int status = 0;
    fits_create_diskfile(&file, path, &status);
    fits_create_tbl(file, BINARY_TBL, NROWS, 2, ttype, tform, NULL, "QSO_CAT", &status);
    for (size_t i = 0; i < NROWS; i++) {
        LONGLONG id = (LONGLONG)i * 1000003;
        char name[NAME_BYTES + 1], *text = name;
        name_of(i, name);
        fits_write_col(file, TLONGLONG, 1, (LONGLONG)i + 1, 1, 1, &id, &status);
        fits_write_col(file, TSTRING, 2, (LONGLONG)i + 1, 1, 1, &text, &status);
    }
    fits_close_file(file, &status);
    assert_int_equal(status, 0);
}

static int is_put(size_t i)
{
    return i % NEVER_PUT != 0;
}

/* A catalog that is being written has one name, a temporary one, and its spill file none. */
static void expect_one_file(const char *path, const char *source)
{
    char folder[64];
    struct dirent *entry;
    int n = 0;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        int temporary = strncmp(entry->d_name, "catalog_tmp", 11) == 0;
        assert_true(temporary || entry->d_name[0] == '.' ||
                    strcmp(entry->d_name, strrchr(source, '/') + 1) == 0);
        n += temporary;
    }
    closedir(directory);
    assert_int_equal(n, 1);
}

static void write_catalog(const char *path, const char *source, const struct rows *r, size_t room)
{
    struct fb_balcatalog *catalog;
    struct fb_error err = { "" };
    struct fb_table table;
    static struct fb_redshift redshifts[NROWS];
    const struct fb_balcatalog_plan plan = {
        .path = path, .source = &table, .rows = redshifts, .ntemplates = NTEMPLATES, .kept_bytes = room
    };
    for (size_t i = 0; i < NROWS; i++)
        redshifts[i].z = i % 2 ? 2 : 6; /* in the finder's range, and out of it */
    assert_int_equal(fb_catalog_open(&table, source, &err), 0);
    assert_int_equal(fb_balcatalog_create(&catalog, &plan, &err), 0);
    expect_one_file(path, source);
    assert_int_equal(unlink(source), 0); /* another file takes its name */
    FILE *other = fopen(source, "w");
    assert_true(other && fputs("nothing", other) > 0 && fclose(other) == 0);
    for (size_t k = 0; k < NROWS;) {
        struct fb_balcatalog_row puts[10];
        size_t n = 0;
        for (size_t most = 1 + draw(10); k < NROWS && n < most; k++)
            if (is_put(r->order[k]))
                puts[n++] = (struct fb_balcatalog_row){ r->order[k], &r->row[r->order[k]] };
        assert_int_equal(fb_balcatalog_put_rows(catalog, puts, n, &err), 0);
    }
    assert_int_equal(fb_balcatalog_commit(catalog, NULL, &err), 0);
    assert_string_equal(err.text, "");
    fb_table_close(&table);
}

static void check_source_columns(fitsfile *file, size_t i)
{
    LONGLONG id;
    char name[NAME_BYTES + 1], found[NAME_BYTES + 1], *text = found;
    int status = 0, unused;
    name_of(i, name);
    fits_read_col(file, TLONGLONG, 1, (LONGLONG)i + 1, 1, 1, NULL, &id, &unused, &status);
    fits_read_col(file, TSTRING, 2, (LONGLONG)i + 1, 1, 1, NULL, &text, &unused, &status);
    assert_int_equal(status, 0);
    assert_int_equal(id, (LONGLONG)i * 1000003);
    assert_string_equal(found, name);
}

static double value_of(const struct fb_balrow *row, const struct fb_balrow_column *c, int k)
{
    const unsigned char *place = (const unsigned char *)row + c->offset;
    float real;
    int32_t whole;
    if (c->type == 'B')
        return place[k];
    memcpy(&real, place + 4 * (size_t)k, 4);
    memcpy(&whole, place + 4 * (size_t)k, 4);
    return c->type == 'E' ? (double)real : whole;
}

/* One row's BAL columns, each by its name. */
static void check_bal_columns(fitsfile *file, size_t i, const struct fb_balrow *row)
{
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, FB_IN_CATALOG)) != NULL;) {
        double found[MOST_VALUES];
        int column, repeat = fb_balrow_repeat(c, NTEMPLATES), status = 0, unused;
        assert_true(repeat <= MOST_VALUES);
        fits_get_colnum(file, CASESEN, (char *)c->name, &column, &status);
        fits_read_col(file, TDOUBLE, column, (LONGLONG)i + 1, 1, repeat, NULL, found, &unused, &status);
        assert_int_equal(status, 0);
        for (int k = 0; k < repeat; k++)
            if (found[k] != value_of(row, c, k))
                fail_msg("row %zu, %s[%d]: %g instead of %g", i, c->name, k, found[k], value_of(row, c, k));
    }
}

static void check_catalog(const char *path, const struct rows *r)
{
    fitsfile *file;
    struct fb_balrow none = { .bal_prob = -99, .balstatus = FB_BALSTATUS_NO_ROW, .lobal = FB_LOBAL_UNKNOWN };
    int status = 0, nhdus = 0, data, hdu;
    LONGLONG nrows = 0;
    fits_open_diskfile(&file, path, READONLY, &status);
    fits_get_num_hdus(file, &nhdus, &status);
    assert_int_equal(nhdus, 2);
    for (int k = nhdus; k >= 1; k--) {
        fits_movabs_hdu(file, k, NULL, &status);
        fits_verify_chksum(file, &data, &hdu, &status);
        assert_int_equal(data, 1);
        assert_int_equal(hdu, 1);
    }
    fits_movabs_hdu(file, 2, NULL, &status);
    fits_get_num_rowsll(file, &nrows, &status);
    assert_int_equal(status, 0);
    assert_int_equal(nrows, NROWS);
    for (size_t i = 0; i < NROWS; i++) {
        check_source_columns(file, i);
        none.balmask = i % 2 ? FB_BALMASK_NO_ROW : FB_BALMASK_NO_ROW | FB_BALMASK_Z_RANGE;
        check_bal_columns(file, i, is_put(i) ? &r->row[i] : &none);
    }
    fits_close_file(file, &status);
}

static unsigned char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *n = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*n);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void test_catalog(void **unused)
{
    static const size_t rooms[] = { 0, 60001, 1 }; /* bytes: all in memory, partly in a file, all in a file */
    char folder[] = "/tmp/fastbal-catalog-XXXXXX", source[64], path[64];
    struct rows *r = make_rows();
    unsigned char *first = NULL;
    size_t nfirst = 0, n;
    (void)unused;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
    snprintf(source, sizeof source, "%s/source.fits", folder);
    snprintf(path, sizeof path, "%s/catalog.fits", folder);
    for (size_t k = 0; k < sizeof rooms / sizeof rooms[0]; k++) {
        write_source(source);
        write_catalog(path, source, r, rooms[k]);
        check_catalog(path, r);
        unsigned char *bytes = read_file(path, &n);
        first = k == 0 ? bytes : first;
        nfirst = k == 0 ? n : nfirst;
        assert_int_equal(n, nfirst);
        assert_memory_equal(bytes, first, n);
        if (k > 0)
            free(bytes);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(unlink(source), 0);
    }
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    free(first);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_store_without_a_file),
        cmocka_unit_test(test_catalog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
