/*
 * card.h - the cards of a FITS header: 80 characters that hold a keyword of up to 8 characters and a value.
 * Cards need not be null-terminated.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CARD_H
#define FB_CARD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FB_CARD = 80, FB_MOST_COLUMNS = 999 /* TFIELDS */ };

/* Does the card have this keyword? key is padded with blanks to 8 characters. */
static inline int fb_card_is(const char *card, const char *key)
{
    return memcmp(card, key, 8) == 0;
}
/* The n of a card ROOTn, 1 to 999; 0 for any other card. */
int fb_card_number(const char *card, const char *root);
/*
 * Copy the keyword, at most size - 1 characters, without blanks. The keyword of a HIERARCH card is everything
 * between HIERARCH and "=". Returns 1, or 0 if the card has no value (COMMENT, HISTORY, CONTINUE and the
 * like).
 */
int fb_card_name(const char *card, char *name, size_t size);
/* Copy the value as a null-terminated string, without its comment, its quotes, the blanks before it and
 * trailing blanks; '' becomes one quote. A value that does not fit is truncated. For a CONTINUE card the
 * value is its string. value is "" if there is none. */
void fb_card_value(const char *card, char *value, size_t size);
/* Parse an integer: digits with an optional sign. Returns 0 if the value is not an integer or does not
 * fit. */
int fb_card_integer(const char *card, int64_t *value);
/* Parse any number, with the exponent after E or D. Returns 0 if the value is not a finite number. */
int fb_card_real(const char *card, double *value);
/* Are the first n characters printable? FITS requires it of all characters. */
int fb_card_is_printable(const char *card, int n);

#endif
