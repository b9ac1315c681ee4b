/*
 * json.h - values of the JSON that reports are written in.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_JSON_H
#define FB_JSON_H

#include <stdio.h>

/* A string, or null where text is NULL. Bytes that are not UTF-8 are written as code points, and so is "<",
 * so that no text can end the HTML element that holds it. */
void fb_json_text(FILE *out, const char *text);
/* The shortest number, of 6 digits or more, that reads back as the same float if value is one, else as the same double;
 * null where it is not finite. */
void fb_json_number(FILE *out, double value);
/* "key": */
void fb_json_key(FILE *out, const char *key);

#endif
