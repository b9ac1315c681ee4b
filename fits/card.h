/*
 * card.h - the cards of a FITS header: 80 characters, a keyword of up to 8, and a value. Nothing here needs a
 * terminating zero behind them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CARD_H
#define FB_CARD_H

#include <stddef.h>
#include <stdint.h>

enum { FB_CARD = 80, FB_MOST_COLUMNS = 999 /* TFIELDS */ };

/* Is this its keyword? key is padded with blanks to 8 characters. */
int fb_card_is(const char *card, const char *key);
/* The n of a card ROOTn, 1 to 999; 0 for any other. */
int fb_card_number(const char *card, const char *root);
/*
 * The keyword, of at most size - 1 characters, without blanks; that of a HIERARCH card is what stands before its "=".
 * Returns 1, or 0 where the card has no value: COMMENT, HISTORY, CONTINUE and the like.
 */
int fb_card_name(const char *card, char *name, size_t size);
/* The value without its comment, blanks around it and quotes, '' as one quote; what does not fit is left out. Of a
 * CONTINUE card its string. "" where there is none. */
void fb_card_value(const char *card, char *value, size_t size);
/* A whole number as headers have to write it: digits and a sign. 0 where the value is none, or too large. */
int fb_card_integer(const char *card, int64_t *value);
/* Any number, its exponent after E or D. 0 where the value is none. */
int fb_card_real(const char *card, double *value);
/* Are the first n characters printable, as FITS wants all of them? */
int fb_card_is_printable(const char *card, int n);

#endif
