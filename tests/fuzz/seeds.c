/*
 * seeds.c - small valid files for the fuzz targets to start from: fuzz_seeds FOLDER writes
 * FOLDER/TARGET/NAME. Each kind of file is there as it usually comes, in unusual forms, and
 * packed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <fitsio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../unit/fits_bytes.h"
#include "desi/baltable.h"
#include "desi/detector_file.h"

static const char *root;

static void die(const char *what)
{
    fprintf(stderr, "fuzz_seeds: can't write %s\n", what);
    exit(1);
}

static void make_path(char *path, size_t size, const char *target, const char *name)
{
    snprintf(path, size, "%s/%s", root, target);
    mkdir(path, 0777);
    snprintf(path, size, "%s/%s/%s", root, target, name);
    remove(path);
}

/* Write what was put together and forget it. */
static void save(struct fits_bytes *f, const char *target, const char *name)
{
    char path[1000];
    make_path(path, sizeof path, target, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(f->bytes, 1, f->n, file) != f->n || fclose(file) != 0)
        die(path);
    free(f->bytes);
    memset(f, 0, sizeof *f);
}

/* The seed `name` again: where compression is given with its images or tables compressed, packed by gzip
 * where the new name ends in .gz. */
static void repack(const char *target, const char *name, const char *as, int compression)
{
    char from[1000], to[1000];
    fitsfile *in = NULL, *out = NULL;
    int status = 0, nhdus = 0;
    snprintf(from, sizeof from, "%s/%s/%s", root, target, name);
    make_path(to, sizeof to, target, as);
    fits_open_diskfile(&in, from, READONLY, &status);
    fits_create_file(&out, to, &status); /* which packs, unlike fits_create_diskfile */
    fits_get_num_hdus(in, &nhdus, &status);
    for (int hdu = 1; hdu <= nhdus && status == 0; hdu++) {
        int type = 0, naxis = 0;
        fits_movabs_hdu(in, hdu, &type, &status);
        if (type == IMAGE_HDU)
            fits_get_img_dim(in, &naxis, &status);
        if (compression && type == IMAGE_HDU && naxis > 1) {
            fits_set_compression_type(out, compression, &status);
            fits_img_compress(in, out, &status);
        } else {
            fits_copy_hdu(in, out, 0, &status);
        }
    }
    fits_close_file(out, &status);
    fits_close_file(in, &status);
    if (status) {
        fits_report_error(stderr, status);
        die(to);
    }
}

static void pack(const char *target)
{
    repack(target, "plain", "packed.gz", 0);
}

/* ---- tables ---- */

struct column {
    const char *name, *form;
    double first, step; /* of its numbers */
    const char *text;   /* of its text */
};

static size_t width_of(const struct column *c)
{
    char type = c->form[strspn(c->form, "0123456789")];
    size_t repeat = c->form[0] == type ? 1 : (size_t)atoi(c->form);
    return repeat * (strchr("KDPCM", type) ? 8 : strchr("JE", type) ? 4 : type == 'I' ? 2 : 1);
}

static void put_cell(struct fits_bytes *f, const struct column *c, int row)
{
    char type = c->form[strspn(c->form, "0123456789")];
    size_t repeat = c->form[0] == type ? 1 : (size_t)atoi(c->form);
    double value = c->first + c->step * row;
    if (type == 'A') {
        char text[100];
        snprintf(text, sizeof text, "%-*s", (int)repeat, c->text);
        put_bytes(f, text, repeat);
        return;
    }
    for (size_t k = 0; k < repeat; k++) {
        if (type == 'D')
            put_double(f, value);
        else if (type == 'E')
            put_float(f, (float)value);
        else if (type == 'P') /* length, place in the heap */
            put_number(f, ((int64_t)strlen(c->text) << 32) | 0, 8);
        else
            put_number(f, (int64_t)value, width_of(c) / repeat);
    }
}

/* A table; `extra` is one more card, or NULL; heap are the bytes after the rows. */
static void put_table(struct fits_bytes *f, const char *name, const struct column *columns, int n, int nrows,
                      const char *extra, const char *heap)
{
    size_t width = 0, nheap = heap ? strlen(heap) : 0;
    for (int i = 0; i < n; i++)
        width += width_of(&columns[i]);
    size_t begin = f->n;
    put_table_cards(f, name, (long long)width, nrows, n);
    if (nheap > 0) {
        char card[81];
        snprintf(card, sizeof card, "PCOUNT  = %20zu%50s", nheap, "");
        for (size_t at = begin; at < f->n; at += 80)
            if (memcmp(f->bytes + at, "PCOUNT  ", 8) == 0)
                memcpy(f->bytes + at, card, 80);
    }
    for (int i = 0; i < n; i++) {
        put_card(f, "TTYPE%-3d= '%-8s'", i + 1, columns[i].name);
        put_card(f, "TFORM%-3d= '%-8s'", i + 1, columns[i].form);
    }
    if (extra)
        put_card(f, "%s", extra);
    put_end(f);
    for (int row = 0; row < nrows; row++)
        for (int i = 0; i < n; i++)
            put_cell(f, &columns[i], row);
    if (nheap > 0)
        put_bytes(f, heap, nheap);
    put_padding(f);
}

static void save_table(const char *target, const char *file, const char *name, const struct column *columns,
                       int n, int nrows, const char *extra, const char *heap)
{
    struct fits_bytes f = { 0 };
    put_primary(&f);
    put_table(&f, name, columns, n, nrows, extra, heap);
    save(&f, target, file);
}

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

static void redshifts(void)
{
    struct column usual[] = {
        { "TARGETID", "K", 1000, 1, NULL }, { "TARGET_RA", "D", 10, 1, NULL },
        { "TARGET_DEC", "D", -5, 1, NULL }, { "Z", "D", 1.5, 0.3, NULL },
        { "ZERR", "D", 1e-4, 0, NULL },     { "ZWARN", "K", 0, 1, NULL },
        { "SPECTYPE", "6A", 0, 0, "QSO" },
    };
    struct column odd[] = {
        { "TARGETID", "D", 1000, 1, NULL },
        { "FLAGS", "2B", 0, 0, NULL },
        { "Z", "I", 15, 3, NULL },
        { "SPECTYPE", "1PA(6)", 0, 0, "QSO" },
    };
    save_table("redshifts", "plain", "REDSHIFTS", usual, COUNT(usual), 5, NULL, NULL);
    save_table("redshifts", "odd", "ZBEST", odd, COUNT(odd), 6, "TSCAL3  =                  0.1", "QSO");
    pack("redshifts");
}

static void catalogs(void)
{
    struct column usual[] = {
        { "TARGETID", "K", 1000, 1, NULL }, { "TARGET_RA", "D", 10, 1, NULL },
        { "TARGET_DEC", "D", -5, 1, NULL }, { "Z", "D", 1.5, 0.3, NULL },
        { "ZERR", "D", 1e-4, 0, NULL },     { "ZWARN", "J", 0, 1, NULL },
        { "SURVEY", "4A", 0, 0, "main" },
    };
    struct column appended[] = {
        { "Z", "E", 1.5, 0.3, NULL },      { "AI_CIV", "E", 0, 1, NULL },
        { "RA", "E", 10, 1, NULL },        { "BALMASK", "B", 0, 0, NULL },
        { "DEC", "E", -5, 1, NULL },       { "TARGETID", "J", 1000, 1, NULL },
        { "NOTE", "1PA(9)", 0, 0, "abc" }, { "VMIN_CIV_450", "17E", 1, 1, NULL },
    };
    save_table("catalog", "plain", "QSO_CAT", usual, COUNT(usual), 12, "TUNIT2  = 'deg     '", NULL);
    save_table("catalog", "appended", "ZCATALOG", appended, COUNT(appended), 4,
               "TSCAL5  =                  0.5", "abcdefghi");
    pack("catalog");
}

static void templates(void)
{
    struct column usual[] = {
        { "WAVE", "D", 900, 250, NULL },
        { "PCA0", "D", 1, 0.1, NULL },
        { "PCA1", "D", -1, 0.3, NULL },
        { "PCA2", "D", 0.5, 0.1, NULL },
    };
    struct column odd[] = { { "PCA0", "E", 1, 0.1, NULL },
                            { "NOTE", "3A", 0, 0, "abc" },
                            { "WAVE", "J", 9, 3, NULL } };
    save_table("templates", "plain", "TEMPLATES", usual, COUNT(usual), 9, NULL, NULL);
    save_table("templates", "odd", "ANY", odd, COUNT(odd), 5, "TSCAL3  =                  100", NULL);
    pack("templates");
}

static void detectors(void)
{
    struct fb_error err;
    fastbal_detector *builtin;
    char path[1000];
    const struct fb_detector_training origin = { .on = { .catalog = "qso.fits", .product = "sim" } };
    make_path(path, sizeof path, "detector", "plain");
    if (fastbal_detector_builtin(&builtin) != FASTBAL_OK ||
        fb_detector_write(path, FB_REPLACE, builtin, &origin, &err) != 0)
        die(path);
    fastbal_detector_free(builtin);
    pack("detector");
}

static void baltables(void)
{
    struct fb_error err;
    struct fb_baltable_headers headers;
    struct fb_balrow rows[2];
    char path[1000];
    const struct fb_provenance named = { .templates = "PCA_Eigenvectors.fits",
                                         .sum = "0123abcd",
                                         .fit = "exact",
                                         .rules = "main",
                                         .product = "loa" };
    struct fb_provenance long_named = { .fit = "simplex", .rules = "optimize" };
    memset(rows, 0, sizeof rows);
    rows[0].targetid = 1000;
    rows[1].targetid = 1001;
    rows[1].civ_ai.count = 2;
    rows[1].siiv_ai.count = 1;
    make_path(path, sizeof path, "baltable", "plain");
    if (fb_baltable_headers_create(&headers, 5, &named, &err) != 0 ||
        fb_baltable_write(&headers, path, FB_REPLACE, rows, 2, 5, &err) != 0)
        die(path);
    fb_baltable_headers_release(&headers);
    make_path(path, sizeof path, "baltable", "long-name");
    memset(long_named.templates, 'n', 199);
    if (fb_baltable_headers_create(&headers, 2, &long_named, &err) != 0 ||
        fb_baltable_write(&headers, path, FB_REPLACE, rows, 1, 2, &err) != 0)
        die(path);
    fb_baltable_headers_release(&headers);
    pack("baltable");
}

/* ---- coadds ---- */

/* What of a coadd differs between seeds. */
struct kind {
    const char *cameras; /* "BRZ": three; "J": one, called BRZ */
    int bits;            /* of flux and ivar */
    int npixels, nrows, masks;
    double shift; /* of the second camera, in pixels */
};

static void put_image(struct fits_bytes *f, const struct kind *kind, const char *camera, const char *what,
                      int bits)
{
    char name[30];
    snprintf(name, sizeof name, "%s_%s", camera, what);
    put_image_cards(f, name, bits, kind->npixels, kind->nrows);
    if (bits == 16) {
        put_card(f, "BSCALE  = %20s", "0.01");
        put_card(f, "BZERO   = %20s", "3");
    }
    put_end(f);
    for (int i = 0; i < kind->npixels * kind->nrows; i++) {
        if (bits == -32)
            put_float(f, (float)(1 + i % 7));
        else if (bits == -64)
            put_double(f, 1 + i % 7);
        else
            put_number(f, i % 11 == 10 ? 4 : 0, (size_t)bits / 8);
    }
    put_padding(f);
}

static void put_wavelength(struct fits_bytes *f, const struct kind *kind, const char *camera, double first)
{
    char name[30];
    snprintf(name, sizeof name, "%s_WAVELENGTH", camera);
    put_image_cards(f, name, -64, kind->npixels, 0);
    put_end(f);
    for (int i = 0; i < kind->npixels; i++)
        put_double(f, first + 0.8 * i);
    put_padding(f);
}

static void save_coadd(const char *name, const struct kind *kind)
{
    struct column fibermap[] = { { "TARGETID", "K", 1000, 1, NULL },
                                 { "TARGET_RA", "D", 10, 1, NULL },
                                 { "TARGET_DEC", "D", -5, 1, NULL } };
    struct fits_bytes f = { 0 };
    put_primary(&f);
    put_table(&f, "FIBERMAP", fibermap, COUNT(fibermap), kind->nrows, NULL, NULL);
    for (int c = 0; kind->cameras[c]; c++) {
        char letter[2] = { kind->cameras[c], '\0' };
        const char *camera = letter[0] == 'J' ? "BRZ" : letter;
        put_wavelength(&f, kind, camera, 3600 + 0.8 * ((kind->npixels - 6) * c + (c == 1 ? kind->shift : 0)));
        put_image(&f, kind, camera, "FLUX", kind->bits);
        put_image(&f, kind, camera, "IVAR", kind->bits);
        if (kind->masks)
            put_image(&f, kind, camera, "MASK", 32);
    }
    save(&f, "coadd", name);
}

static void coadds(void)
{
    save_coadd("plain", &(struct kind){ "BR", -32, 20, 3, 0, 0 });
    save_coadd("joined", &(struct kind){ "J", -32, 40, 5, 0, 0 });
    save_coadd("resampled", &(struct kind){ "BR", -32, 20, 3, 1, 0.4 });
    save_coadd("double", &(struct kind){ "J", -64, 20, 3, 0, 0 });
    save_coadd("scaled", &(struct kind){ "J", 16, 20, 3, 0, 0 });
    pack("coadd");
    repack("coadd", "joined", "rice", RICE_1);
    repack("coadd", "double", "gzip", GZIP_1);
    save_coadd("integer", &(struct kind){ "J", 32, 20, 8, 0, 0 });
    repack("coadd", "integer", "hcompress", HCOMPRESS_1);
    repack("coadd", "integer", "plio", PLIO_1);
}

/* ---- numbers ---- */

static void put_native(struct fits_bytes *f, double value)
{
    put_bytes(f, &value, sizeof value);
}

static void put_count(struct fits_bytes *f, uint16_t count)
{
    put_bytes(f, &count, sizeof count);
}

static void put_byte(struct fits_bytes *f, int byte)
{
    put_bytes(f, &(uint8_t){ (uint8_t)byte }, 1);
}

/* As numbers.h takes them apart. */
static void put_increasing(struct fits_bytes *f, double first, double step)
{
    put_native(f, first);
    put_native(f, step);
    put_byte(f, 0);
}

static void numbers(void)
{
    struct fits_bytes f = { 0 };
    put_byte(&f, 0); /* the built-in templates */
    put_byte(&f, 1);
    put_native(&f, 2.3);
    put_count(&f, 2900);
    put_increasing(&f, 3600, 2);
    save(&f, "measure", "builtin");

    put_byte(&f, 2); /* two of four wavelengths */
    put_byte(&f, 2);
    put_count(&f, 4);
    put_increasing(&f, 900, 700);
    for (int i = 0; i < 8; i++)
        put_native(&f, i < 4 ? 1 : 0.1 * i);
    put_byte(&f, 1 | 4 | 8);
    put_native(&f, 3);
    put_count(&f, 1000);
    put_increasing(&f, 3600, 6);
    put_increasing(&f, 1, -1e-3);
    put_increasing(&f, 50, 0);
    save(&f, "measure", "two");

    for (int aligned = 0; aligned < 2; aligned++) {
        put_native(&f, 3600);
        put_byte(&f, 2);
        for (int c = 0; c < 2; c++) {
            put_byte(&f, 3);
            put_count(&f, 30);
            put_increasing(&f, 3600 + 20 * c + (aligned ? 0 : 0.3 * c), 0.8);
            for (int i = 0; i < 60; i++)
                put_native(&f, 1 + 0.1 * i);
        }
        save(&f, "join", aligned ? "aligned" : "resampled");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
        return 1;
    }
    root = argv[1];
    mkdir(root, 0777);
    setenv("SOURCE_DATE_EPOCH", "0", 1);
    redshifts();
    catalogs();
    templates();
    detectors();
    baltables();
    coadds();
    numbers();
    return 0;
}
