/*
 * catalog.c - fuzz target: any file as a QSO catalog, read, and written again with BAL columns. What was
 * written can be read, and has the same rows.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fuzz.h"
#include "desi/catalog.h"

enum { NTEMPLATES = 5, PUTS = 9, MOST_ROWS = 100000 };

/* A few rows that follow each other, and some that don't. */
static int put_rows(struct fb_balcatalog *catalog, size_t n, struct fb_error *err)
{
    static const size_t at[PUTS] = { 0, 1, 2, 3, 4, 8, 6, 11, 10 };
    struct fb_balrow row = { .targetid = 7, .z = 2, .pca_chi2 = 1, .balstatus = 0 };
    struct fb_balcatalog_row puts[PUTS];
    size_t used = 0;
    for (size_t k = 0; k < PUTS; k++)
        if (at[k] < n)
            puts[used++] = (struct fb_balcatalog_row){ at[k], &row };
    return fb_balcatalog_put_rows(catalog, puts, used, err);
}

static void check_same(const struct fb_redshift *a, const struct fb_redshift *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(a[i].targetid == b[i].targetid);
        CHECK(memcmp(&a[i].z, &b[i].z, sizeof a[i].z) == 0 || (a[i].z != a[i].z && b[i].z != b[i].z));
    }
}

static void pass_through(struct fb_table *source, const struct fb_redshift *rows, size_t n)
{
    struct fb_error err;
    struct fb_balcatalog *catalog;
    struct fb_catalog_rows again = { 0 };
    struct fb_table written;
    const char *out = fuzz_output();
    const struct fb_balcatalog_plan plan = {
        .path = out, .source = source, .rows = rows, .ntemplates = NTEMPLATES
    };
    if (fb_balcatalog_create(&catalog, &plan, &err) == 0) {
        if (put_rows(catalog, n, &err) != 0) {
            fb_balcatalog_discard(catalog);
        } else if (fb_balcatalog_commit(catalog, NULL, &err) == 0) {
            CHECK(fb_catalog_open(&written, out, &err) == 0);
            CHECK(fb_catalog_read(&again, &written, 0, NULL, &err) == 0);
            CHECK(again.n == n);
            check_same(rows, again.rows, n);
            fb_table_close(&written);
            unlink(out);
        }
    }
    CHECK(access(out, F_OK) != 0);
    fb_catalog_rows_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    const char *path = fuzz_file(bytes, size);
    for (int mock = 0; mock < 2; mock++) {
        const struct fb_catalog_kind kind = { "main", "dark", "QSO" };
        struct fb_catalog_rows catalog = { 0 };
        struct fb_table source;
        if (fb_catalog_open(&source, path, &err) != 0 ||
            fb_catalog_read(&catalog, &source, mock, &kind, &err) != 0)
            CHECK(strncmp(err.text, path, strlen(path)) == 0);
        else if (mock == 0 && catalog.n < MOST_ROWS)
            pass_through(&source, catalog.rows, catalog.n);
        fb_catalog_rows_release(&catalog);
        fb_table_close(&source);
    }
    return 0;
}
