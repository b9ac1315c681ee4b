/*
 * guard.c - CFITSIO believes what the header of a compressed image says: it divides by tile lengths, takes memory as
 * they tell, and unpacks as far as the packed bytes go on. Hence only images whose numbers fit together, and of the
 * ways to compress only those that check where they write.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "fits/compressed.h"
#include "fits/fits.h"
#include "fits/guard.h"
#include "fits/hdus.h"

enum { MOST_TILE = 1 << 24 /* pixels */ };

/* Of a file: compressed images whose tiles hold floating point numbers, and those whose tiles hold steps and say so. */
struct images {
    int floats, steps;
};

/* An HDU that is looked at. */
struct look {
    const char *path;
    const struct fb_hdus *hdus;
    const struct fb_hdu *hdu;
    struct fb_error *err;
};

/* ---- odd headers ---- */

/* What the columns take in a row, -1 where one of their types is not known. missing: the first column without a TFORM. */
static int64_t columns_bytes(const struct fb_hdus *hdus, const struct fb_hdu *table, int *missing)
{
    unsigned char given[FB_MOST_COLUMNS + 1] = { 0 };
    int64_t sum = 0;
    for (size_t i = 0; i < table->ncards; i++) {
        const char *card = fb_hdu_card(hdus, table, i);
        int column = fb_card_number(card, "TFORM");
        char form[FB_CARD];
        struct fb_column field;
        if (column < 1 || column > table->nfields)
            continue;
        given[column] = 1;
        fb_card_value(card, form, sizeof form);
        int64_t bytes = fb_column_take_form(&field, form);
        if (bytes < 0 || sum < 0 || __builtin_add_overflow(sum, bytes, &sum))
            sum = -1;
    }
    for (*missing = 1; *missing <= table->nfields && given[*missing]; ++*missing)
        ;
    return sum;
}

static int odd_key(const struct fb_hdus *hdus, const struct fb_hdu *table, const char **key,
                   const char **found)
{
    static const char *const keys[] = { "TTYPE", "TFORM", "TSCAL", "TZERO", "TNULL" };
    unsigned char given[FB_MOST_COLUMNS + 1] = { 0 }; /* bit k: keys[k] */
    for (size_t i = 0; table->kind == FB_HDU_TABLE && i < table->ncards; i++) {
        const char *card = fb_hdu_card(hdus, table, i);
        for (unsigned k = 0; card[0] == 'T' && k < sizeof keys / sizeof *keys; k++) {
            int n = fb_card_number(card, keys[k]);
            if (n < 1)
                continue;
            *key = keys[k];
            *found = given[n] & 1U << k                    ? "two"
                     : fb_card_is_printable(card, FB_CARD) ? NULL
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
    if (memcmp(card, "HIERARCH ", 9) == 0 && memchr(card, '=', FB_CARD)) {
        for (begin = card + 9; *begin == ' '; begin++)
            ;
        for (end = memchr(card, '=', FB_CARD); end > begin && end[-1] == ' '; end--)
            ;
    } else {
        while (end < card + FB_CARD && *end != ' ' && *end != '=' && *end != '\0')
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

static int odd_card(const struct fb_hdus *hdus, const struct fb_hdu *hdu, char name[9])
{
    for (size_t i = 0; i < hdu->ncards; i++) {
        const char *card = fb_hdu_card(hdus, hdu, i);
        char begin[11];
        name_of(card, name);
        if (!fb_card_is_printable(card, 8))
            return 1; /* where it is copied it gets blanks there */
        if (!matters(name))
            continue;
        snprintf(begin, sizeof begin, "%-8s= ", name);
        if (memcmp(card, begin, 10) != 0 || !fb_card_is_printable(card, FB_CARD))
            return 1;
    }
    return 0;
}

static int refuse(const struct look *look, const char *expected, const char *key, int64_t found)
{
    return fb_fail(look->err, "%s: HDU %s: expected a compressed image with %s, found %s %lld", look->path,
                   look->hdu->name, expected, key, (long long)found);
}

/* A whole number from a header, given once, and from least to most; or missing, where it is not given. */
static int take(const struct look *look, const char *key, int64_t least, int64_t most, int64_t missing,
                int64_t *value)
{
    int found = fb_hdu_integer(look->hdus, look->hdu, key, value);
    if (found == 0)
        *value = missing;
    if (found < 0)
        return fb_fail(look->err, "%s: HDU %s: expected one whole number %s", look->path, look->hdu->name,
                       key);
    if (*value < least || *value > most)
        return refuse(look, "numbers in their limits", key, *value);
    return 0;
}

/* The lengths of axes and tiles. */
static int take_tiles(const struct look *look, struct fb_tiles *t)
{
    int64_t naxis, tiles = 1, pixels = 1;
    if (take(look, "ZNAXIS  ", 1, FB_HDU_AXES, 0, &naxis) != 0)
        return -1;
    t->naxis = (int)naxis;
    for (int k = 0; k < t->naxis; k++) {
        char axis_key[9] = "ZNAXIS1 ", tile_key[9] = "ZTILE1  ";
        int64_t axis, tile;
        axis_key[6] = tile_key[5] = (char)('1' + k);
        if (take(look, axis_key, 1, INT32_MAX, 0, &axis) != 0 ||
            take(look, tile_key, 1, axis, k == 0 ? axis : 1, &tile) != 0)
            return -1;
        if (__builtin_mul_overflow(tiles, (axis - 1) / tile + 1, &tiles) ||
            __builtin_mul_overflow(pixels, tile, &pixels) || pixels > MOST_TILE)
            return refuse(look, "tiles of at most 16777216 pixels", tile_key, tile);
        t->axis[k] = axis;
        t->tile[k] = tile;
    }
    return tiles == look->hdu->axis[1] ? 0
                                       : refuse(look, "a row for each tile", "NAXIS2", look->hdu->axis[1]);
}

/* The text of a keyword that is given once at most. */
static int take_text(const struct look *look, const char *key, char *text, size_t size)
{
    text[0] = '\0';
    if (fb_hdu_count(look->hdus, look->hdu, key) > 1 ||
        fb_hdu_text(look->hdus, look->hdu, key, text, size) < 0)
        return fb_fail(look->err, "%s: HDU %s: expected one short text %s", look->path, look->hdu->name, key);
    return 0;
}

static int take_rice(const struct look *look, struct fb_tiles *t)
{
    char name[80];
    int64_t block, size;
    if (take(look, "ZVAL1   ", 16, 1024, 0, &block) != 0 || take(look, "ZVAL2   ", 1, 4, 4, &size) != 0 ||
        take_text(look, "ZNAME2  ", name, sizeof name) != 0)
        return -1;
    if (size == 3)
        return refuse(look, "pixels of 1, 2 or 4 bytes", "ZVAL2", size);
    t->block = (int)block;
    t->size = strcmp(name, "NOISEBIT") == 0 ? 4 : (int)size; /* of before ZVAL2 was the size */
    return 0;
}

static int take_method(const struct look *look, struct fb_tiles *t)
{
    char method[80];
    int64_t bitpix, ignored;
    if (take_text(look, "ZCMPTYPE", method, sizeof method) != 0 ||
        take(look, "ZBITPIX ", -64, 64, 0, &bitpix) != 0 ||
        take(look, "ZDITHER0", 1, 10000, 1, &ignored) != 0 || /* CFITSIO takes it for an index */
        take(look, "ZBLANK  ", INT32_MIN, INT32_MAX, 0, &ignored) != 0 ||
        take(look, "BLANK   ", INT32_MIN, INT32_MAX, 0, &ignored) != 0)
        return -1;
    t->gzip = strcmp(method, "GZIP_1") == 0 || strcmp(method, "GZIP_2") == 0;
    t->bitpix = (int)bitpix;
    if (!t->gzip && strcmp(method, "RICE_1") != 0)
        return fb_fail(look->err,
                       "%s: HDU %s: expected an image compressed by RICE_1, GZIP_1 or GZIP_2, found %s",
                       look->path, look->hdu->name, *method ? method : "no ZCMPTYPE");
    if (bitpix != 8 && bitpix != 16 && bitpix != 32 && bitpix != -32 && bitpix != -64)
        return refuse(look, "numbers of a known kind", "ZBITPIX", bitpix);
    return t->gzip ? 0 : take_rice(look, t);
}

/* Floating point numbers are quantized where there are columns of steps, and ZQUANTIZ says nothing else. CFITSIO does not
 * notice that an image is after it has seen one that is not. */
static int take_quantization(const struct look *look, struct fb_tiles *t, struct images *images)
{
    static const char *const names[] = { "ZSCALE", "ZZERO" };
    struct fb_column steps[2];
    struct fb_hdu table = *look->hdu;
    char said[80];
    table.compressed = 0; /* its columns */
    if (take_text(look, "ZQUANTIZ", said, sizeof said) != 0)
        return -1;
    int has_steps = fb_hdu_columns(look->hdus, &table, names, 2, steps) && (steps[0].type || steps[1].type);
    t->as_floats = strcmp(said, "NONE") == 0 || (t->bitpix < 0 && !has_steps);
    if (t->as_floats && !t->gzip && t->size != 4)
        return refuse(look, "pixels of 4 bytes where they are not quantized", "ZVAL2", t->size);
    images->floats |= t->as_floats;
    images->steps |= !t->as_floats && fb_hdu_count(look->hdus, look->hdu, "ZQUANTIZ") > 0;
    if (images->floats && images->steps)
        return fb_fail(
            look->err,
            "%s: HDU %s: expected all compressed images quantized, or none, found both: CFITSIO can't "
            "read that",
            look->path, look->hdu->name);
    return 0;
}

static int check_image(const struct look *look, struct fb_file *file, struct images *images)
{
    struct fb_tiles tiles = { 0 };
    if (take_method(look, &tiles) != 0 || take_tiles(look, &tiles) != 0 ||
        take_quantization(look, &tiles, images) != 0)
        return -1;
    return fb_tiles_check(file, look->hdus, look->hdu, &tiles, look->err);
}

/* ---- all of a file ---- */

/* CFITSIO tells of rows that are not as long as their columns, but not always. */
static int check_rows(const struct look *look)
{
    int missing;
    int64_t bytes = columns_bytes(look->hdus, look->hdu, &missing);
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
    int64_t ignored;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (take(look, keys[k], INT64_MIN, INT64_MAX, 0, &ignored) != 0)
            return -1;
    for (int n = 1; n <= look->hdu->naxis; n++) {
        char key[20];
        snprintf(key, sizeof key, "NAXIS%-3d", n);
        if (take(look, key, INT64_MIN, INT64_MAX, 0, &ignored) != 0)
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
    struct images images = { 0 };
    for (size_t i = 0; !failed && i < hdus->n; i++) {
        struct look look = { file->path, hdus, &hdus->hdu[i], err };
        const char *key, *found;
        char name[9];
        int odd = odd_key(hdus, look.hdu, &key, &found);
        if (odd)
            failed = fb_fail(err, "%s: HDU %s: expected one keyword %s%d, found %s", file->path,
                             look.hdu->name, key, odd, found);
        else if (odd_card(hdus, look.hdu, name))
            failed = fb_fail(
                err, "%s: HDU %s: expected the keyword %s as FITS writes it, found it written otherwise",
                file->path, look.hdu->name, name);
        if (!failed)
            failed = check_counts(&look);
        if (!failed && look.hdu->kind == FB_HDU_TABLE)
            failed = check_rows(&look);
        if (!failed && look.hdu->compressed)
            failed = check_image(&look, file, &images);
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
