/*
 * provenance.h - how a BAL table or a catalog was made, according to the keywords of its header.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PROVENANCE_H
#define FB_PROVENANCE_H

#include <stddef.h>
#include "fits/table.h"

/* A string is empty if the file lacks the keyword or its value is too long. */
struct fb_provenance {
    char templates[256]; /* QSOTEMPS: their name; the reference writes a path */
    char sum[16];        /* TEMPSUM: CRC-32 of their values (desi/template_file.h) */
    char fit[16];        /* BALFIT: exact or simplex */
    char rules[16];      /* BALRULES: main, optimize or fastbal */
    char continuum[16];  /* BALCONT: least-squares or trough-aware */
    char detector[24];   /* BALDET: its name and checksum, or off */
    char product[80];    /* BALPROD: the folder of the spectra's tree, such as loa */
};

#define FB_NO_DETECTOR "off" /* also for tables made before there was a detector */

struct fb_provenance_key {
    const char *keyword, *comment; /* of the header; the keyword has 8 characters, blanks included */
    const char *words;             /* for messages, such as "templates" */
    size_t offset, size;           /* in struct fb_provenance */
};

/* Every keyword, in the order of the header. */
enum { FB_NPROVENANCE = 7 };
extern const struct fb_provenance_key fb_provenance_keys[FB_NPROVENANCE];

const char *fb_provenance_text(const struct fb_provenance *made, const struct fb_provenance_key *key);
/* The same, to be overwritten with a string of at most key->size - 1 characters. */
char *fb_provenance_place(struct fb_provenance *made, const struct fb_provenance_key *key);
/* Read the provenance from the header of a table. */
void fb_provenance_read(struct fb_table *table, struct fb_provenance *made);
/* Do two names mean the same templates? Folders are ignored; an empty name matches any. */
int fb_same_templates(const char *a, const char *b);

#endif
