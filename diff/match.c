/* match.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "diff/diff.h"

enum { MOST_CANDIDATES = 4096 };

/* A candidate match: two rows with the same TARGETID. */
struct candidate {
    double distance;
    size_t a, b;
};

static int by_targetid(const void *p, const void *q)
{
    const struct fb_diff_key *x = p, *y = q;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_row(const void *p, const void *q)
{
    const struct fb_diff_key *x = p, *y = q;
    return (x->row > y->row) - (x->row < y->row);
}

/* NaN comes last. */
static int by_redshift(const void *p, const void *q)
{
    const struct fb_diff_key *x = p, *y = q;
    if (isnan(x->z) != isnan(y->z))
        return isnan(x->z) ? 1 : -1;
    if (x->z < y->z || x->z > y->z)
        return x->z < y->z ? -1 : 1;
    return by_row(p, q);
}

static int by_distance(const void *p, const void *q)
{
    const struct candidate *x = p, *y = q;
    if (x->distance < y->distance || x->distance > y->distance)
        return x->distance < y->distance ? -1 : 1;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* Catalogs are often sorted already. */
static void sort_keys(struct fb_diff_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (by_targetid(&keys[i - 1], &keys[i]) > 0) {
            qsort(keys, n, sizeof *keys, by_targetid);
            return;
        }
    }
}

/* Match the rows of two lists ordered by redshift whose redshifts are equal; keep the others, in file order. */
static void join_equal(struct fb_diff_match *match, struct fb_diff_key *a, size_t *na, struct fb_diff_key *b,
                       size_t *nb)
{
    size_t i = 0, j = 0, left_a = 0, left_b = 0;
    while (i < *na && j < *nb) {
        struct fb_diff_key x = a[i], y = b[j];
        x.row = y.row = 0;
        int order = by_redshift(&x, &y);
        if (order == 0)
            match->partner[a[i++].row] = b[j++].row;
        else if (order < 0)
            a[left_a++] = a[i++];
        else
            b[left_b++] = b[j++];
    }
    while (i < *na)
        a[left_a++] = a[i++];
    while (j < *nb)
        b[left_b++] = b[j++];
    *na = left_a;
    *nb = left_b;
    qsort(a, left_a, sizeof *a, by_row);
    qsort(b, left_b, sizeof *b, by_row);
}

static double redshift_distance(double x, double y)
{
    double distance = fabs(x - y);
    return isnan(distance) ? INFINITY : distance;
}

static void join_nearest(struct fb_diff_match *match, const struct fb_diff_key *a, size_t na,
                         const struct fb_diff_key *b, size_t nb)
{
    struct candidate candidates[MOST_CANDIDATES];
    char used_a[MOST_CANDIDATES] = { 0 }, used_b[MOST_CANDIDATES] = { 0 };
    size_t n = 0;

    for (size_t i = 0; i < na; i++)
        for (size_t j = 0; j < nb; j++)
            candidates[n++] = (struct candidate){ redshift_distance(a[i].z, b[j].z), i, j };
    qsort(candidates, n, sizeof *candidates, by_distance);
    for (size_t k = 0; k < n; k++) {
        size_t i = candidates[k].a, j = candidates[k].b;
        if (used_a[i] || used_b[j])
            continue;
        used_a[i] = used_b[j] = 1;
        match->partner[a[i].row] = b[j].row;
    }
}

/* All rows of one TARGETID. */
static void match_group(struct fb_diff_match *match, struct fb_diff_key *a, size_t na, struct fb_diff_key *b,
                        size_t nb)
{
    if (na == 1 && nb == 1) {
        match->partner[a[0].row] = b[0].row;
        return;
    }
    qsort(a, na, sizeof *a, by_redshift);
    qsort(b, nb, sizeof *b, by_redshift);
    join_equal(match, a, &na, b, &nb);
    if (na == 0 || nb == 0)
        return;
    if (na <= MOST_CANDIDATES / nb) {
        join_nearest(match, a, na, b, nb);
        return;
    }
    for (size_t i = 0; i < na && i < nb; i++)
        match->partner[a[i].row] = b[i].row;
}

static size_t group_end(const struct fb_diff_key *keys, size_t first, size_t n)
{
    size_t end = first;
    while (end < n && keys[end].targetid == keys[first].targetid)
        end++;
    return end;
}

/* List the unmatched rows of B. */
static int list_only_b(struct fb_diff_match *match, size_t na, size_t nb)
{
    unsigned char *used = calloc(nb + 1, 1);
    if (!used)
        return -1;
    for (size_t i = 0; i < na; i++) {
        if (match->partner[i] >= 0) {
            used[match->partner[i]] = 1;
        }
    }
    match->only_b = malloc((nb + 1) * sizeof *match->only_b);
    for (size_t j = 0; j < nb && match->only_b; j++)
        if (!used[j])
            match->only_b[match->nonly_b++] = (int64_t)j;
    free(used);
    return match->only_b ? 0 : -1;
}

int fb_diff_match_rows(struct fb_diff_match *match, struct fb_diff_key *a, size_t na, struct fb_diff_key *b,
                       size_t nb)
{
    *match = (struct fb_diff_match){ .partner = malloc((na + 1) * sizeof *match->partner) };
    if (!match->partner)
        return -1;
    for (size_t i = 0; i < na; i++)
        match->partner[i] = -1;
    sort_keys(a, na);
    sort_keys(b, nb);
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        if (a[i].targetid < b[j].targetid) {
            i++;
        } else if (a[i].targetid > b[j].targetid) {
            j++;
        } else {
            size_t end_a = group_end(a, i, na), end_b = group_end(b, j, nb);
            match_group(match, a + i, end_a - i, b + j, end_b - j);
            i = end_a;
            j = end_b;
        }
    }
    return list_only_b(match, na, nb);
}

void fb_diff_match_release(struct fb_diff_match *match)
{
    free(match->partner);
    free(match->only_b);
    *match = (struct fb_diff_match){ 0 };
}
