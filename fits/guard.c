/*
 * guard.c - CFITSIO believes what headers say: hence only those whose numbers fit together.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <string.h>
#include "fits/tiles.h"
#include "fits/fits.h"
#include "fits/guard.h"
#include "fits/hdus.h"

/* An HDU that is looked at. */
struct look {
    const char *path;
    const struct fb_hdus *hdus;
    const struct fb_hdu *hdu;
    struct fb_error *err;
};

/* A whole number, given once or not at all. */
static int check_count(const struct look *look, const char *key)
{
    int64_t ignored;
    if (fb_hdu_integer(look->hdus, look->hdu, key, &ignored) < 0)
        return fb_fail(look->err, "%s: HDU %s: expected one whole number %s", look->path, look->hdu->name,
                       key);
    return 0;
}

/* CFITSIO divides by tile lengths. */
static int check_image(const struct look *look, const struct fb_file *file)
{
    struct fb_tiles tiles;
    int status = fb_tiles_open(&tiles, file, look->hdus, look->hdu, look->err);
    fb_tiles_release(&tiles);
    return status;
}

/* ---- all of a file ---- */

/* CFITSIO tells of rows that are not as long as their columns, but not always. */
static int check_rows(const struct look *look)
{
    int missing;
    int64_t bytes = fb_hdu_row_bytes(look->hdus, look->hdu, &missing);
    if (missing <= look->hdu->nfields)
        return fb_fail(look->err, "%s: HDU %s: expected a keyword TFORM%d, found none", look->path,
                       look->hdu->name, missing);
    if (bytes < 0 || bytes == look->hdu->axis[0])
        return 0;
    return fb_fail(look->err,
                   "%s: HDU %s: expected rows of %lld bytes, as its columns have, found NAXIS1 %lld",
                   look->path, look->hdu->name, (long long)bytes, (long long)look->hdu->axis[0]);
}

/* Numbers that say what lies where: once, or CFITSIO may take another one. Where it asks for a number and finds a long text
 * its message about that is longer than it has room for. */
static int check_counts(const struct look *look)
{
    static const char *const keys[] = {
        "BITPIX  ", "NAXIS   ", "PCOUNT  ", "GCOUNT  ", "TFIELDS ", "THEAP   "
    };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (check_count(look, keys[k]) != 0)
            return -1;
    for (int n = 1; n <= look->hdu->naxis; n++) {
        char key[20];
        snprintf(key, sizeof key, "NAXIS%-3d", n);
        if (check_count(look, key) != 0)
            return -1;
    }
    return 0;
}

int fb_guard(struct fb_file *file, struct fb_hdus *hdus, struct fb_error *err)
{
    int status = fb_hdus_read(hdus, file, err);
    if (status == 0)
        fb_fail(err, "%s: not a FITS file: it does not begin with SIMPLE", file->path);
    int failed = status <= 0;
    for (size_t i = 0; !failed && i < hdus->n; i++) {
        struct look look = { file->path, hdus, &hdus->hdu[i], err };
        const char *key, *found;
        char name[9];
        int odd = fb_hdu_odd_key(hdus, look.hdu, &key, &found);
        if (odd)
            failed = fb_fail(err, "%s: HDU %s: expected one keyword %s%d, found %s", file->path,
                             look.hdu->name, key, odd, found);
        else if (fb_hdu_odd_card(hdus, look.hdu, name))
            failed = fb_fail(
                err, "%s: HDU %s: expected the keyword %s as FITS writes it, found it written otherwise",
                file->path, look.hdu->name, name);
        if (!failed)
            failed = check_counts(&look);
        if (!failed && look.hdu->kind == FB_HDU_TABLE)
            failed = check_rows(&look);
        if (!failed && look.hdu->compressed)
            failed = check_image(&look, file);
    }
    return failed ? -1 : 0;
}

int fb_guard_agrees(fitsfile *opened, const struct fb_hdus *hdus, const char *path, struct fb_error *err)
{
    LONGLONG header, data, end;
    int64_t begin = 0;
    int status = 0;
    size_t n = 0;
    for (; n < hdus->n; n++) {
        const struct fb_hdu *hdu = &hdus->hdu[n];
        if (fb_fits_move(opened, (int)n + 1, &status) ||
            fits_get_hduaddrll(opened, &header, &data, &end, &status))
            return fb_fits_fail(err, path, "can't read its HDUs", status);
        int64_t next = hdu->data + fb_whole_blocks(hdu->size);
        if (header != begin || data != hdu->data || end != next)
            break;
        begin = next;
    }
    int same = n == hdus->n && fb_fits_move(opened, (int)n + 1, &status) != 0;
    status = 0;
    fb_fits_move(opened, 1, &status);
    fits_clear_errmsg();
    return same ? 0 : fb_fail(err, "%s: HDU %zu: its header can be read in more than one way", path, n);
}
