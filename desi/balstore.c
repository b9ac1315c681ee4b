/* balstore.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "desi/balstore.h"
#include "fits/system.h"

enum { MOST_WORDS = sizeof(struct fb_balrow) / 4 + 1, MOST_MARKS = MOST_WORDS / 32 + 1 };

/* Encode a row as words in file order. Bytes after the last cell are 0. */
static void encode(const struct fb_balstore *store, const struct fb_balrow *row, uint32_t *cells)
{
    cells[store->words - 1] = 0;
    unsigned char *end = fb_balrow_encode(row, FB_IN_CATALOG, store->ntemplates, (unsigned char *)cells);
    if (store->with_troughs)
        fb_balrow_encode(row, FB_OF_TROUGHS, store->ntemplates, end);
}

int fb_balstore_create(struct fb_balstore *store, size_t nrows, int ntemplates, int with_troughs, size_t room,
                       const char *path)
{
    struct fb_balrow usual;
    uint32_t cells[MOST_WORDS];
    fb_balrow_no_troughs(&usual);
    usual.di = -1;
    usual.lobal = FB_LOBAL_UNKNOWN;

    *store = (struct fb_balstore){ .ntemplates = ntemplates, .with_troughs = with_troughs, .file = -1 };
    store->bytes = fb_balrow_bytes(FB_IN_CATALOG, ntemplates) +
                   (with_troughs ? fb_balrow_bytes(FB_OF_TROUGHS, ntemplates) : 0);
    store->words = (store->bytes + 3) / 4;
    store->marks = (store->words + 31) / 32;
    store->room = room / 4;
    int all = nrows <= store->room / (store->marks + store->words);
    if (all)
        store->room = nrows * (store->marks + store->words);
    store->kept = malloc(store->room * sizeof *store->kept + 1);
    store->offset = malloc(nrows * sizeof *store->offset + 1);
    store->usual = malloc(4 * store->words);
    if (!store->kept || !store->offset || !store->usual)
        return -1;
    if (!all)
        store->file = fb_open_unnamed(path);
    memset(store->offset, 0xff, nrows * sizeof *store->offset);
    encode(store, &usual, cells);
    memcpy(store->usual, cells, 4 * store->words);
    return 0;
}

void fb_balstore_release(struct fb_balstore *store)
{
    if (store->kept && store->file >= 0)
        close(store->file);
    free(store->kept);
    free(store->offset);
    free(store->usual);
    *store = (struct fb_balstore){ .file = -1 };
}

/* Encode a row as marks and the marked words. Returns the number of words in all. */
static size_t pack(const struct fb_balstore *store, const struct fb_balrow *row, uint32_t *packed)
{
    uint32_t cells[MOST_WORDS], usual[MOST_WORDS];
    size_t n = store->marks;

    encode(store, row, cells);
    memcpy(usual, store->usual, 4 * store->words);
    memset(packed, 0, 4 * store->marks);
    for (size_t k = 0; k < store->words; k++) {
        uint32_t differs = cells[k] != usual[k];
        packed[k / 32] |= differs << k % 32;
        packed[n] = cells[k];
        n += differs;
    }
    return n;
}

/* Reserve n contiguous words, all in memory or all in the file. Returns 0 if there is no space. */
static int reserve(struct fb_balstore *store, size_t n, size_t *offset)
{
    size_t used = __atomic_load_n(&store->used, __ATOMIC_RELAXED);
    do {
        *offset = used < store->room && n > store->room - used ? store->room : used;
        if (*offset >= store->room && (store->file < 0 || *offset + n >= FB_BALSTORE_NONE))
            return 0;
    } while (!__atomic_compare_exchange_n(&store->used, &used, *offset + n, 1, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 1;
}

static int put_words(struct fb_balstore *store, const uint32_t *words, size_t n, size_t offset)
{
    if (offset < store->room) {
        memcpy(store->kept + offset, words, 4 * n);
        return 1;
    }
    return fb_write_at(store->file, words, 4 * n, (off_t)(4 * (offset - store->room))) == 0;
}

int fb_balstore_keep(struct fb_balstore *store, const struct fb_balcatalog_row *puts, size_t n)
{
    /* pack() may write one word beyond the end of a row */
    uint32_t *packed = malloc((n * (store->marks + store->words) + 1) * sizeof *packed);
    size_t *begin = malloc((n + 1) * sizeof *begin), used = 0, offset;

    for (size_t i = 0; packed && begin && i < n; i++) {
        begin[i] = used;
        used += pack(store, puts[i].bal, packed + used);
    }
    int kept = packed && begin && reserve(store, used, &offset) && put_words(store, packed, used, offset);
    for (size_t i = 0; kept && i < n; i++)
        store->offset[puts[i].row] = (uint32_t)(offset + begin[i]);
    free(packed);
    free(begin);
    return kept;
}

/* Read as many words as the longest row may have. The file may end before that; words that are missing are
 * not used. */
static int read_words(const struct fb_balstore *store, size_t offset, uint32_t *words)
{
    size_t most = 4 * (store->marks + store->words);
    memset(words, 0, most);
    return fb_read_at(store->file, words, most, (off_t)(4 * (offset - store->room))) <
                   (ssize_t)(4 * store->marks)
               ? -1
               : 0;
}

int fb_balstore_take(const struct fb_balstore *store, size_t i, unsigned char *cells)
{
    uint32_t all[MOST_WORDS], read[MOST_MARKS + MOST_WORDS];
    const uint32_t *marks = read;
    size_t offset = store->offset[i];

    if (offset == FB_BALSTORE_NONE)
        return 0;
    if (offset < store->room)
        marks = store->kept + offset;
    else if (read_words(store, offset, read) != 0)
        return -1;
    const uint32_t *word = marks + store->marks;
    memcpy(all, store->usual, 4 * store->words);
    for (size_t m = 0; m < store->marks; m++)
        for (uint32_t left = marks[m]; left; left &= left - 1)
            all[32 * m + (size_t)__builtin_ctz(left)] = *word++;
    memcpy(cells, all, store->bytes);
    return 1;
}
