/* tree.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "diff/tree.h"
#include "fits/system.h"

/* The key by which a table is matched: a substring of its path. */
struct key {
    const char *begin;
    size_t length;
    size_t index; /* in its list */
};

enum by { BY_PATH, BY_NAME, BY_PIXEL };

static struct key key_of(const char *path, size_t index, enum by by)
{
    const char *begin = path, *slash = strrchr(path, '/');
    size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
        length -= 3;
    if (by != BY_PATH && slash)
        begin = slash + 1;
    if (by == BY_PIXEL) {
        const char *dash = strrchr(begin, '-');
        begin = dash ? dash + 1 : begin;
    }
    return (struct key){ begin, length - (size_t)(begin - path), index };
}

static int compare_texts(const struct key *x, const struct key *y)
{
    size_t n = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->begin, y->begin, n);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static int by_text(const void *p, const void *q)
{
    const struct key *x = p, *y = q;
    int order = compare_texts(x, y);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static struct key *sorted_keys(const struct fb_path_list *list, enum by by)
{
    struct key *keys = malloc((list->n + 1) * sizeof *keys);
    for (size_t i = 0; keys && i < list->n; i++)
        keys[i] = key_of(list->paths[i], i, by);
    if (keys && list->n > 0)
        qsort(keys, list->n, sizeof *keys, by_text);
    return keys;
}

/* The number of equal keys from here on. */
static size_t repeats(const struct key *keys, size_t i, size_t n)
{
    size_t end = i + 1;
    while (end < n && compare_texts(&keys[i], &keys[end]) == 0)
        end++;
    return end - i;
}

/* Set partner[i] of each table of A to the index in B plus 1; returns the number of matches, -1 if out of
 * memory. */
static int64_t match_by(enum by by, const struct fb_path_list *a, const struct fb_path_list *b,
                        size_t *partner)
{
    struct key *x = sorted_keys(a, by), *y = sorted_keys(b, by);
    int64_t found = x && y ? 0 : -1;

    for (size_t i = 0, j = 0; found >= 0 && i < a->n && j < b->n;) {
        int order = compare_texts(&x[i], &y[j]);
        size_t n = order <= 0 ? repeats(x, i, a->n) : 0, m = order >= 0 ? repeats(y, j, b->n) : 0;
        if (n == 1 && m == 1) {
            partner[x[i].index] = y[j].index + 1;
            found++;
        }
        i += n;
        j += m;
    }
    free(x);
    free(y);
    return found;
}

static int find_tables(const char *root, struct fb_path_list *found, struct fb_diff_result *result,
                       struct fb_error *err)
{
    size_t before = result->failures.n;
    if (fb_baltables_find(root, found, &result->failures, err) != 0)
        return -1;
    if (found->n == 0 && result->failures.n > before)
        return fb_fail(err, "%s", result->failures.paths[before]);
    if (found->n == 0)
        return fb_fail(err, "%s: no BAL tables (baltable-*.fits) in this folder or below", root);
    return 0;
}

static int add_pair(struct fb_tree_pairs *pairs, struct fb_diff_result *result, const char *a, const char *b)
{
    pairs->a[pairs->n] = fb_format("%s/%s", result->a.path, a);
    pairs->b[pairs->n] = fb_format("%s/%s", result->b.path, b);
    pairs->n++;
    if (!pairs->a[pairs->n - 1] || !pairs->b[pairs->n - 1])
        return -1;
    return fb_path_list_add(&result->tables, a);
}

/* Put every table into one of the result's lists. */
static int sort_out(struct fb_tree_pairs *pairs, struct fb_diff_result *result, const struct fb_path_list *a,
                    const struct fb_path_list *b, const size_t *partner)
{
    char *used = calloc(b->n + 1, 1);
    int status = used ? 0 : -1;
    for (size_t i = 0; i < a->n && status == 0; i++) {
        if (partner[i] == 0) {
            status = fb_path_list_add(&result->only_a, a->paths[i]);
            continue;
        }
        used[partner[i] - 1] = 1;
        status = add_pair(pairs, result, a->paths[i], b->paths[partner[i] - 1]);
    }
    for (size_t j = 0; j < b->n && status == 0; j++)
        if (!used[j])
            status = fb_path_list_add(&result->only_b, b->paths[j]);
    free(used);
    return status;
}

static int match_tables(struct fb_tree_pairs *pairs, struct fb_diff_result *result,
                        const struct fb_path_list *a, const struct fb_path_list *b)
{
    size_t *partner = calloc(a->n + 1, sizeof *partner);
    int64_t found = partner ? 0 : -1;
    for (int by = BY_PATH; by <= BY_PIXEL && found == 0; by++)
        found = match_by((enum by)by, a, b, partner);
    pairs->a = calloc(a->n + 1, sizeof *pairs->a);
    pairs->b = calloc(a->n + 1, sizeof *pairs->b);
    int status = found >= 0 && pairs->a && pairs->b ? sort_out(pairs, result, a, b, partner) : -1;
    free(partner);
    return status;
}

int fb_tree_pairs_find(struct fb_tree_pairs *pairs, struct fb_diff_result *result, struct fb_error *err)
{
    struct fb_path_list a = { 0 }, b = { 0 };
    int status = find_tables(result->a.path, &a, result, err);
    if (status == 0)
        status = find_tables(result->b.path, &b, result, err);
    if (status == 0 && match_tables(pairs, result, &a, &b) != 0)
        status = fb_fail(err, "%s: out of memory", result->a.path);
    result->a.tables = a.n;
    result->b.tables = b.n;
    fb_path_list_release(&a);
    fb_path_list_release(&b);
    return status;
}

void fb_tree_pairs_release(struct fb_tree_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->a[i]);
        free(pairs->b[i]);
    }
    free(pairs->a);
    free(pairs->b);
    *pairs = (struct fb_tree_pairs){ 0 };
}

int fb_diff_kinds_differ(const char *a, const char *b, struct fb_error *err)
{
    int folder = fb_is_folder(a, err);
    const char *path = folder ? b : a;
    int there = folder < 0 ? -1 : fb_look_for(path, err);
    if (there < 0)
        return -1;
    if (!there)
        return fb_fail(err, "%s: no such file or folder", path);
    return fb_fail(err, "%s: expected a folder, as %s is, found a file", path, folder ? a : b);
}
