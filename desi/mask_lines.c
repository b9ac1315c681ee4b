/* mask_lines.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "fastbal.h"
#include "desi/mask_lines.h"

#define SHORTEST 100.0
#define LONGEST 100000.0

/* Lines by name. Si IV velocities refer to 1398 A when troughs are measured, but to 1400 A, the mean of the
 * emission line, when they are masked, as in the reference. */
static const struct {
    const char *name;
    struct fb_mask_line line;
} known[] = {
    { "CIV", { 1549, FB_TROUGHS_CIV } },   { "NV", { 1241, FB_TROUGHS_CIV } },
    { "LYA", { 1216, FB_TROUGHS_CIV } },   { "SIIV", { 1400, FB_TROUGHS_SIIV } },
    { "LYB", { 1026, FB_TROUGHS_CIV } },   { "OVI", { 1034, FB_TROUGHS_CIV } },
    { "ALIII", { 1857, FB_TROUGHS_CIV } }, { "MGII", { 2799, FB_TROUGHS_CIV } },
};

/* The lines of picca's BAL mask, all at the velocities of C IV. */
static const double of_picca[] = { 1549, 1403, 1394, 1240.81, 1216.1, 1175,  1128, 1117,  1074,
                                   1062, 1031, 1037, 1039,    1025.7, 972.5, 977,  989.9, 949.7 };

static int same(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

static int take_wavelength(const char *text, size_t length, struct fb_mask_line *line)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (same(text, length, known[i].name)) {
            *line = known[i].line;
            return 0;
        }
    }
    char *end;
    *line = (struct fb_mask_line){ strtod(text, &end), FB_TROUGHS_CIV };
    return length > 0 && end == text + length && line->wavelength >= SHORTEST && line->wavelength <= LONGEST
               ? 0
               : -1;
}

static int take_troughs(const char *text, size_t length, struct fb_mask_line *line)
{
    if (same(text, length, "CIV"))
        line->troughs = FB_TROUGHS_CIV;
    else if (same(text, length, "SIIV"))
        line->troughs = FB_TROUGHS_SIIV;
    else
        return -1;
    return 0;
}

static int add_line(struct fb_mask_lines *lines, struct fb_mask_line line)
{
    if (lines->n == FB_MOST_MASK_LINES)
        return -1;
    lines->line[lines->n++] = line;
    return 0;
}

/* Add "NAME", "1549", "NAME:SIIV", "1549:SIIV" or "picca" to the lines. Returns -1 if the text is none of
 * these, or there is no room. */
static int take_lines(const char *text, size_t length, struct fb_mask_lines *lines)
{
    const char *colon = memchr(text, ':', length);
    size_t name = colon ? (size_t)(colon - text) : length;
    struct fb_mask_line line;
    int status = 0;
    if (same(text, length, "PICCA")) {
        for (size_t k = 0; k < sizeof of_picca / sizeof of_picca[0] && status == 0; k++)
            status = add_line(lines, (struct fb_mask_line){ of_picca[k], FB_TROUGHS_CIV });
        return status;
    }
    if (take_wavelength(text, name, &line) != 0 ||
        (colon && take_troughs(colon + 1, length - name - 1, &line) != 0))
        return -1;
    return add_line(lines, line);
}

int fb_mask_lines_parse(struct fb_mask_lines *lines, const char *text, struct fb_error *err)
{
    lines->n = 0;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        if (take_lines(p, length, lines) != 0)
            return lines->n == FB_MOST_MASK_LINES
                       ? fb_fail(err, "expected at most %d lines", FB_MOST_MASK_LINES)
                       : fb_fail(err,
                                 "expected picca, names (CIV, NV, LYA, SIIV, LYB, OVI, ALIII, MGII) or rest "
                                 "wavelengths "
                                 "in A, followed by :CIV or :SIIV or nothing, found '%.*s'",
                                 (int)length, p);
        p += length;
        if (*p == '\0')
            return 0;
    }
}

size_t fb_mask_ranges(const struct fb_mask_lines *lines, const struct fb_trough_range *troughs, size_t n,
                      double z, struct fb_wave_range *ranges)
{
    size_t used = 0;
    for (size_t k = 0; k < lines->n; k++) {
        double observed = lines->line[k].wavelength * (1 + z);
        for (size_t i = 0; i < n; i++)
            if (troughs[i].line == lines->line[k].troughs)
                ranges[used++] =
                    (struct fb_wave_range){ observed * (1 - (double)troughs[i].vmax / FASTBAL_LIGHT_SPEED),
                                            observed * (1 - (double)troughs[i].vmin / FASTBAL_LIGHT_SPEED) };
    }
    return used;
}
