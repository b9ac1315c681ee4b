/* fits_bytes.c - SPDX-License-Identifier: BSD-3-Clause */
#include "fits_bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 2880 };

void put_bytes(struct fits_bytes *f, const void *bytes, size_t n)
{
    if (f->n + n > f->room) {
        f->room = 2 * (f->n + n);
        f->bytes = realloc(f->bytes, f->room);
        if (!f->bytes)
            abort();
    }
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

void put_card(struct fits_bytes *f, const char *format, ...)
{
    char text[200], card[81];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(card, sizeof card, "%-80.80s", text);
    put_bytes(f, card, 80);
}

void put_integer(struct fits_bytes *f, const char *key, long long value)
{
    put_card(f, "%-8s= %20lld", key, value);
}

void put_text(struct fits_bytes *f, const char *key, const char *value)
{
    put_card(f, "%-8s= '%-8s'", key, value);
}

static void fill_block(struct fits_bytes *f, const char *with)
{
    while (f->n % BLOCK != 0)
        put_bytes(f, with, 1);
}

void put_end(struct fits_bytes *f)
{
    put_card(f, "END");
    fill_block(f, " ");
}

void put_padding(struct fits_bytes *f)
{
    fill_block(f, "");
}

void put_primary(struct fits_bytes *f)
{
    put_card(f, "SIMPLE  =                    T / a comment");
    put_integer(f, "BITPIX", 8);
    put_integer(f, "NAXIS", 0);
    put_end(f);
}

static void put_structure(struct fits_bytes *f, const char *type, int bitpix, long long axis1,
                          long long axis2)
{
    put_text(f, "XTENSION", type);
    put_integer(f, "BITPIX", bitpix);
    put_integer(f, "NAXIS", axis2 ? 2 : 1);
    put_integer(f, "NAXIS1", axis1);
    if (axis2)
        put_integer(f, "NAXIS2", axis2);
    put_integer(f, "PCOUNT", 0);
    put_integer(f, "GCOUNT", 1);
}

void put_image_cards(struct fits_bytes *f, const char *name, int bitpix, long long axis1, long long axis2)
{
    put_structure(f, "IMAGE", bitpix, axis1, axis2);
    put_text(f, "EXTNAME", name);
}

void put_table_cards(struct fits_bytes *f, const char *name, long long row, long long nrows, int nfields)
{
    put_structure(f, "BINTABLE", 8, row, nrows);
    put_integer(f, "TFIELDS", nfields);
    put_text(f, "EXTNAME", name);
}

void put_number(struct fits_bytes *f, int64_t value, size_t size)
{
    for (size_t i = size; i-- > 0;) {
        unsigned char byte = (unsigned char)((uint64_t)value >> (8 * i));
        put_bytes(f, &byte, 1);
    }
}

void put_float(struct fits_bytes *f, float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(f, bits, 4);
}

void put_double(struct fits_bytes *f, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(f, bits, 8);
}

char *write_file(struct fits_bytes *f, const char *name)
{
    const char *folder = getenv("TMPDIR");
    char path[500];
    snprintf(path, sizeof path, "%s/fastbal-%ld-%s", folder && *folder ? folder : "/tmp", (long)getpid(),
             name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(f->bytes, 1, f->n, file) != f->n || fclose(file) != 0)
        abort();
    free(f->bytes);
    memset(f, 0, sizeof *f);
    return strdup(path);
}

void remove_file(char *path)
{
    unlink(path);
    free(path);
}
