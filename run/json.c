/* json.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include "run/json.h"

/* The length of the UTF-8 sequence at p; 0 if it is not valid. Bytes of file names that are not valid are
 * written as code points, since JSON must be Unicode. */
static size_t utf8_length(const unsigned char *p)
{
    size_t n = *p < 0x80                 ? 1
               : *p >= 0xc2 && *p < 0xe0 ? 2
               : *p >= 0xe0 && *p < 0xf0 ? 3
               : *p >= 0xf0 && *p < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f)) /* too long, a surrogate, or beyond U+10FFFF */
        return 0;
    return n;
}

void fb_json_text(FILE *out, const char *text)
{
    if (!text) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = utf8_length(p);
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f || *p == '<' || n == 0)
            fprintf(out, "\\u%04x", *p);
        else
            fprintf(out, "%.*s", (int)n, (const char *)p);
        p += n ? n : 1;
    }
    fputc('"', out);
}

/* As short as possible: integers without a point, floats with at most 9 digits, doubles with at most 17. JSON
 * has neither NaN nor infinity. */
void fb_json_number(FILE *out, double value)
{
    char text[40];
    if (!isfinite(value)) {
        fputs("null", out);
        return;
    }
    if (fabs(value) < 0x1p63 && value == floor(value)) {
        fprintf(out, "%.0f", value);
        return;
    }
    int single = fabs(value) < 3e38 && (double)(float)value == value;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

void fb_json_key(FILE *out, const char *key)
{
    fb_json_text(out, key);
    fputs(": ", out);
}
