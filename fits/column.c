/* column.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/column.h"
#include "fits/file.h"

/* ---- formats ---- */

int fb_column_size(char type)
{
    static const char types[] = "LABIJEKDCPMQ";
    static const unsigned char sizes[] = { 1, 1, 1, 2, 4, 4, 8, 8, 8, 8, 16, 16 };
    const char *found = type ? strchr(types, type) : NULL;
    return found ? sizes[found - types] : 0;
}

/* A cell may hold several strings of one width, as in 30A10. */
static void take_text(struct fb_column *c, const char *width)
{
    int64_t each = strtoll(width, NULL, 10);
    c->kind = FB_TEXT;
    c->values = each > 0 && each < c->repeat && c->repeat % each == 0 ? c->repeat / each : 1;
    c->size = (size_t)(c->repeat / c->values);
}

/* What follows the type, such as the maximum length of P and Q arrays, does not affect the row. */
int64_t fb_column_take_form(struct fb_column *c, const char *form)
{
    char *type = (char *)form;
    int64_t bytes;
    c->repeat = form[0] >= '0' && form[0] <= '9' ? strtoll(form, &type, 10) : 1;
    c->type = c->value = *type;
    c->of = '\0';
    c->values = c->repeat;
    c->size = c->type == 'X' ? 1 : (size_t)fb_column_size(c->type);
    c->kind = FB_NUMBERS;
    if (c->size == 0 || __builtin_mul_overflow(c->repeat, (int64_t)c->size, &bytes))
        return -1;
    switch (c->type) {
    case 'A':
        take_text(c, type + 1);
        break;
    case 'X':
        c->value = 'B';
        bytes = c->values = c->repeat / 8 + (c->repeat % 8 != 0);
        break;
    case 'C':
    case 'M':
        c->value = c->type == 'C' ? 'E' : 'D';
        c->size /= 2;
        if (__builtin_mul_overflow(c->repeat, 2, &c->values))
            return -1;
        break;
    case 'P':
    case 'Q':
        c->kind = FB_LIST;
        c->of = type[1];
        break;
    default:
        break;
    }
    return bytes;
}

static int is_one_of(const char *types, const struct fb_column *c)
{
    return c->repeat == 1 && c->type != 0 && strchr(types, c->type) != NULL;
}

int fb_column_is_integer(const struct fb_column *c)
{
    return is_one_of("BIJK", c);
}

int fb_column_is_number(const struct fb_column *c)
{
    return is_one_of("BIJKED", c);
}

int fb_column_is_text(const struct fb_column *c)
{
    return c->type == 'A' || c->of == 'A';
}

int fb_column_is_scaled(const struct fb_column *c)
{
    return c->scale < 1 || c->scale > 1 || c->zero < 0 || c->zero > 0;
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
    double value;
    float single;
    if (type == 'D') {
        uint64_t bits = fb_big_endian(bytes, 8);
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint32_t bits = (uint32_t)fb_big_endian(bytes, 4);
    memcpy(&single, &bits, sizeof single);
    return (double)single;
}

struct fb_number fb_column_value(const struct fb_column *c, const unsigned char *row, int64_t k)
{
    const unsigned char *bytes = row + c->offset + (size_t)k * c->size;
    int scaled = fb_column_is_scaled(c);
    int64_t shifted;

    if (c->value == 'E' || c->value == 'D') {
        double real = raw_real(c->value, bytes);
        return (struct fb_number){ .real = scaled ? real * c->scale + c->zero : real };
    }
    int64_t raw = raw_integer(c->value, bytes);
    if (c->has_null && raw == c->null)
        return (struct fb_number){ .real = NAN };
    if (!scaled)
        return (struct fb_number){ 1, raw, (double)raw };
    if (c->scale < 1 || c->scale > 1)
        return (struct fb_number){ .real = (double)raw * c->scale + c->zero };
    /* unsigned integers are stored minus half their range */
    if (c->zero >= 0x1p63 && c->zero <= 0x1p63 && raw < 0)
        return (struct fb_number){ 1, raw + INT64_MAX + 1, (double)(raw + INT64_MAX + 1) };
    if (fabs(c->zero) < 0x1p62 && fabs(c->zero - floor(c->zero)) <= 0 &&
        !__builtin_add_overflow(raw, (int64_t)c->zero, &shifted))
        return (struct fb_number){ 1, shifted, (double)shifted };
    return (struct fb_number){ .real = (double)raw + c->zero };
}

int64_t fb_column_integer(const struct fb_column *c, const unsigned char *row)
{
    return raw_integer(c->value, row + c->offset);
}

double fb_column_number(const struct fb_column *c, const unsigned char *row)
{
    if (c->value == 'D' && !fb_column_is_scaled(c)) /* nearly all, in catalogs of millions of rows */
        return raw_real('D', row + c->offset);
    return fb_column_value(c, row, 0).real;
}

const char *fb_column_text(const struct fb_column *c, const unsigned char *row, int64_t k, size_t *length)
{
    const char *text = (const char *)row + c->offset + (size_t)k * c->size;
    size_t n = strnlen(text, c->size);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    *length = n;
    return text;
}

int fb_same_text(const char *cell, size_t width, const char *text)
{
    size_t begin = 0, end = strnlen(cell, width);
    while (begin < end && cell[begin] == ' ')
        begin++;
    while (end > begin && cell[end - 1] == ' ')
        end--;
    return end - begin == strlen(text) && memcmp(cell + begin, text, end - begin) == 0;
}
