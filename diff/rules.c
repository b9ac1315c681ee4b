/* rules.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "diff/diff.h"

/* Does a column's name match a pattern? As in FITS, case is ignored. */
static int fits_pattern(const char *pattern, const char *column)
{
    char name[72], upper[200];
    size_t i = 0, k = 0;
    for (; column[i] && i + 1 < sizeof name; i++)
        name[i] = (char)toupper((unsigned char)column[i]);
    for (; pattern[k] && k + 1 < sizeof upper; k++)
        upper[k] = (char)toupper((unsigned char)pattern[k]);
    name[i] = upper[k] = '\0';
    return fnmatch(upper, name, 0) == 0;
}

static int add_pattern(struct fb_diff_patterns *patterns, const char *text, size_t length)
{
    char **texts = realloc(patterns->texts, (patterns->n + 1) * sizeof *texts);
    if (texts)
        patterns->texts = texts;
    char *used = realloc(patterns->used, patterns->n + 1);
    if (used)
        patterns->used = used;
    char *copy = strndup(text, length);
    if (!texts || !used || !copy) {
        free(copy);
        return -1;
    }
    patterns->used[patterns->n] = 0;
    patterns->texts[patterns->n++] = copy;
    return 0;
}

static int take_patterns(struct fb_diff_patterns *patterns, const struct fb_diff_words *given,
                         struct fb_error *err)
{
    for (size_t i = 0; i < given->n; i++) {
        for (const char *p = given->words[i]; *p;) {
            size_t length = strcspn(p, ", ");
            if (length > 0 && add_pattern(patterns, p, length) != 0)
                return fb_fail(err, "out of memory");
            p += length;
            p += strspn(p, ", ");
        }
    }
    return 0;
}

/* Parse a number >= 0 that must end at `end`. */
static int take_number(const char *text, char end, const char **next, double *value)
{
    char *stop;
    *value = strtod(text, &stop);
    *next = stop;
    return stop != text && *stop == end && isfinite(*value) && *value >= 0;
}

static int take_tolerance(struct fb_diff_rules *rules, const char *word, struct fb_error *err)
{
    struct fb_diff_tolerance tolerance = { 0 };
    const char *equals = strrchr(word, '='), *end;
    int good = equals != NULL && equals > word;

    if (good && strchr(equals, ','))
        good = take_number(equals + 1, ',', &end, &tolerance.absolute) &&
               take_number(end + 1, '\0', &end, &tolerance.relative);
    else if (good)
        good = take_number(equals + 1, '\0', &end, &tolerance.absolute);
    if (!good)
        return fb_fail(err, "option --tol: expected COLUMN=ABS or COLUMN=ABS,REL, found '%s'", word);
    tolerance.pattern = strndup(word, (size_t)(equals - word));
    if (!tolerance.pattern)
        return fb_fail(err, "out of memory");
    rules->tolerances[rules->ntolerances++] = tolerance;
    return 0;
}

int fb_diff_rules_take(struct fb_diff_rules *rules, const struct fb_diff_words *columns,
                       const struct fb_diff_words *ignored, const struct fb_diff_words *tolerances,
                       struct fb_error *err)
{
    rules->tolerances = calloc(tolerances->n + 1, sizeof *rules->tolerances);
    rules->tolerances_used = calloc(tolerances->n + 1, 1);
    if (!rules->tolerances || !rules->tolerances_used)
        return fb_fail(err, "out of memory");
    for (size_t i = 0; i < tolerances->n; i++)
        if (take_tolerance(rules, tolerances->words[i], err) != 0)
            return -1;
    if (take_patterns(&rules->columns, columns, err) != 0 ||
        take_patterns(&rules->ignored, ignored, err) != 0)
        return -1;
    if (columns->n > 0 && rules->columns.n == 0)
        return fb_fail(err, "option --columns: expected names of columns, found '%s'", columns->words[0]);
    return 0;
}

static void release_patterns(struct fb_diff_patterns *patterns)
{
    for (size_t i = 0; i < patterns->n; i++)
        free(patterns->texts[i]);
    free(patterns->texts);
    free(patterns->used);
}

void fb_diff_rules_release(struct fb_diff_rules *rules)
{
    release_patterns(&rules->columns);
    release_patterns(&rules->ignored);
    for (size_t i = 0; i < rules->ntolerances; i++)
        free(rules->tolerances[i].pattern);
    free(rules->tolerances);
    free(rules->tolerances_used);
    memset(rules, 0, sizeof *rules);
}

static void set_used(char *used) /* NOLINT(readability-non-const-parameter): it is written to, atomically */
{
    __atomic_store_n(used, 1, __ATOMIC_RELAXED);
}

static int any_fits(const struct fb_diff_patterns *patterns, const char *column)
{
    int found = 0;
    for (size_t i = 0; i < patterns->n; i++) {
        if (fits_pattern(patterns->texts[i], column)) {
            set_used(&patterns->used[i]);
            found = 1;
        }
    }
    return found;
}

int fb_diff_rules_want(const struct fb_diff_rules *rules, const char *column)
{
    if (rules->columns.n > 0 && !any_fits(&rules->columns, column))
        return 0;
    return !any_fits(&rules->ignored, column);
}

static int is_velocity(const char *column)
{
    return strncmp(column, "VMIN_", 5) == 0 || strncmp(column, "VMAX_", 5) == 0 ||
           strncmp(column, "POSMIN_", 7) == 0;
}

struct fb_diff_tolerance fb_diff_rules_tolerance(const struct fb_diff_rules *rules, const char *column,
                                                 int whole)
{
    struct fb_diff_tolerance tolerance = { NULL, rules->atol, rules->rtol };
    for (size_t i = 0; i < rules->ntolerances; i++) {
        if (fits_pattern(rules->tolerances[i].pattern, column)) {
            set_used(&rules->tolerances_used[i]);
            return rules->tolerances[i];
        }
    }
    if (is_velocity(column) && tolerance.absolute < rules->velocity)
        tolerance.absolute = rules->velocity;
    else if (whole)
        tolerance.absolute = tolerance.relative = 0;
    return tolerance;
}

const char *fb_diff_rules_unused(const struct fb_diff_rules *rules)
{
    for (size_t i = 0; i < rules->columns.n; i++)
        if (!rules->columns.used[i])
            return rules->columns.texts[i];
    for (size_t i = 0; i < rules->ntolerances; i++)
        if (!rules->tolerances_used[i])
            return rules->tolerances[i].pattern;
    return NULL;
}
