/*
 * page.h - the page that reports are made of, from report/page/ and uPlot, built in by cmake/page.cmake: the data stand
 * between its head and its tail.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PAGE_H
#define FB_PAGE_H

#include <stddef.h>

extern const unsigned char fb_page_head[], fb_page_tail[];
extern const size_t fb_page_head_size, fb_page_tail_size;
/* What was missing when the program was built, so that there is no page; empty where there is one. */
extern const char fb_page_lacks[];

#endif
