/* balstore.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "io/balstore.h"

enum { MOST_WORDS = sizeof(struct fb_balrow) / 4 + 1, MOST_MARKS = MOST_WORDS / 32 + 1 };

static void set_no_troughs(struct fb_balrow_troughs *t)
{
    for (int k = 0; k < FASTBAL_MAX_AI; k++)
        t->vmin[k] = t->vmax[k] = t->posmin[k] = t->fmin[k] = -1;
}

/* Cells as words, in the order of the file; what is beyond the last byte is 0. */
static void encode(const struct fb_balrow *row, int ntemplates, size_t words, uint32_t *cells)
{
    cells[words - 1] = 0;
    fb_balrow_encode(row, FB_IN_CATALOG, ntemplates, (unsigned char *)cells);
}

int fb_balstore_create(struct fb_balstore *store, size_t nrows, int ntemplates, size_t room)
{
    struct fb_balrow usual;
    uint32_t cells[MOST_WORDS];
    memset(&usual, 0, sizeof usual);
    set_no_troughs(&usual.civ_bi);
    set_no_troughs(&usual.civ_ai);
    set_no_troughs(&usual.siiv_bi);
    set_no_troughs(&usual.siiv_ai);

    *store =
        (struct fb_balstore){ .ntemplates = ntemplates, .bytes = fb_balrow_bytes(FB_IN_CATALOG, ntemplates) };
    store->words = (store->bytes + 3) / 4;
    store->marks = (store->words + 31) / 32;
    store->room = room / 4 < FB_BALSTORE_NONE ? room / 4 : FB_BALSTORE_NONE - 1;
    if (nrows < store->room / (store->marks + store->words))
        store->room = nrows * (store->marks + store->words);
    store->kept = malloc(store->room * sizeof *store->kept + 1);
    store->place = malloc(nrows * sizeof *store->place + 1);
    store->usual = malloc(4 * store->words);
    if (!store->kept || !store->place || !store->usual)
        return -1;
    memset(store->place, 0xff, nrows * sizeof *store->place);
    encode(&usual, ntemplates, store->words, cells);
    memcpy(store->usual, cells, 4 * store->words);
    return 0;
}

void fb_balstore_release(struct fb_balstore *store)
{
    free(store->kept);
    free(store->place);
    free(store->usual);
    *store = (struct fb_balstore){ 0 };
}

int fb_balstore_keep(struct fb_balstore *store, size_t i, const struct fb_balrow *row)
{
    uint32_t cells[MOST_WORDS], usual[MOST_WORDS], packed[MOST_MARKS + MOST_WORDS];
    size_t n = store->marks;

    encode(row, store->ntemplates, store->words, cells);
    memcpy(usual, store->usual, 4 * store->words);
    memset(packed, 0, 4 * store->marks);
    for (size_t k = 0; k < store->words; k++) {
        uint32_t differs = cells[k] != usual[k];
        packed[k / 32] |= differs << k % 32;
        packed[n] = cells[k];
        n += differs;
    }
    size_t place = __atomic_load_n(&store->used, __ATOMIC_RELAXED);
    do {
        if (n > store->room - place)
            return 0;
    } while (
        !__atomic_compare_exchange_n(&store->used, &place, place + n, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    memcpy(store->kept + place, packed, 4 * n);
    store->place[i] = (uint32_t)place;
    return 1;
}

unsigned char *fb_balstore_take(const struct fb_balstore *store, size_t i, unsigned char *cells)
{
    uint32_t all[MOST_WORDS];
    if (store->place[i] == FB_BALSTORE_NONE)
        return NULL;
    const uint32_t *marks = store->kept + store->place[i], *word = marks + store->marks;
    memcpy(all, store->usual, 4 * store->words);
    for (size_t m = 0; m < store->marks; m++)
        for (uint32_t left = marks[m]; left; left &= left - 1)
            all[32 * m + (size_t)__builtin_ctz(left)] = *word++;
    memcpy(cells, all, store->bytes);
    return cells + store->bytes;
}
