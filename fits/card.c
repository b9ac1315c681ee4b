/* card.c - SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fits/card.h"

enum { VALUE = 10 /* offset of the value, after "= " */ };

int fb_card_number(const char *card, const char *root)
{
    size_t length = strlen(root), i = length;
    int n = 0;
    if (memcmp(card, root, length) != 0 || card[length] == '0')
        return 0;
    for (; i < 8 && card[i] >= '0' && card[i] <= '9'; i++)
        n = 10 * n + (card[i] - '0');
    for (size_t k = i; k < 8; k++)
        if (card[k] != ' ')
            return 0;
    return i > length && n <= FB_MOST_COLUMNS ? n : 0;
}

/* Find the value of a card; NULL if it has none. The keyword is from *name to *end. */
static const char *find_value(const char *card, const char **name, const char **end)
{
    const char *equals = card + 8;
    *name = card;
    if (memcmp(card, "HIERARCH ", 9) == 0) {
        *name = card + 9;
        equals = memchr(card, '=', FB_CARD);
    }
    if (!equals || *equals != '=' || fb_card_is(card, "COMMENT ") || fb_card_is(card, "HISTORY "))
        return NULL;
    while (*name < equals && **name == ' ')
        ++*name;
    for (*end = equals; *end > *name && (*end)[-1] == ' '; --*end)
        ;
    return equals + 1;
}

int fb_card_name(const char *card, char *name, size_t size)
{
    const char *begin, *end;
    if (!find_value(card, &begin, &end) || end == begin)
        return 0;
    size_t n = (size_t)(end - begin) < size ? (size_t)(end - begin) : size - 1;
    memcpy(name, begin, n);
    name[n] = '\0';
    return 1;
}

void fb_card_value(const char *card, char *value, size_t size)
{
    const char *begin, *end,
        *at = fb_card_is(card, "CONTINUE") ? card + VALUE : find_value(card, &begin, &end);
    const char *last = card + FB_CARD;
    size_t used = 0;
    value[0] = '\0';
    while (at && at < last && *at == ' ')
        at++;
    if (!at || at == last)
        return;
    int quoted = *at == '\'';
    for (at += quoted; at < last && used + 1 < size; at++) {
        if (quoted ? *at == '\'' && (at + 1 == last || at[1] != '\'') : *at == '/')
            break;
        at += quoted && *at == '\''; /* '' is a quote */
        value[used++] = *at;
    }
    while (used > 0 && value[used - 1] == ' ')
        used--;
    value[used] = '\0';
}

int fb_card_integer(const char *card, int64_t *value)
{
    char text[FB_CARD], *end;
    fb_card_value(card, text, sizeof text);
    errno = 0;
    long long n = strtoll(text, &end, 10);
    *value = n;
    return end != text && *end == '\0' && errno == 0;
}

int fb_card_real(const char *card, double *value)
{
    char text[FB_CARD], *end;
    fb_card_value(card, text, sizeof text);
    for (char *c = text; *c; c++)
        if (*c == 'D' || *c == 'd')
            *c = 'E';
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

int fb_card_is_printable(const char *card, int n)
{
    for (int i = 0; i < n; i++)
        if (card[i] < ' ' || card[i] > '~')
            return 0;
    return 1;
}
