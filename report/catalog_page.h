/*
 * catalog_page.h - the page of a catalog: one HTML file that needs no other.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CATALOG_PAGE_H
#define FB_CATALOG_PAGE_H

#include "fits/temporary.h"
#include "report/contents.h"
#include "report/spectra.h"

struct fb_catalog_page {
    const char *catalog; /* its path */
    const struct fb_contents *quasars;
    const struct fb_drawn_list *spectra; /* closed; quasar is the place in quasars->listed */
    size_t asked;                        /* how many spectra should be there */
    const char *note;                    /* why there are none, or not all; NULL if there is nothing to say */
};

/* Write it. Fails where the program was built without a page (report/page.h). */
int fb_catalog_page_write(const struct fb_catalog_page *page, const char *path, enum fb_replace replace,
                          struct fb_error *err);

/* Was the program built with a page? An error that says what is missing otherwise. */
int fb_catalog_page_check(struct fb_error *err);

#endif
