/* checksum.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "fits/checksum.h"
#include "fits/sum.h"

enum { ROOM = 16 * FB_FITS_BLOCK };

/* Sum the bytes from offset begin to end, which are whole FITS blocks. */
static int sum_part(struct fb_file *file, int64_t begin, int64_t end, uint32_t *sum, struct fb_error *err)
{
    unsigned char bytes[ROOM];
    *sum = 0;
    for (int64_t n; begin < end; begin += n) {
        n = end - begin < ROOM ? end - begin : ROOM;
        if (fb_file_read(file, bytes, (size_t)n, begin, err) != 0)
            return -1;
        *sum = fb_sum_add(*sum, bytes, (size_t)n);
    }
    return 0;
}

/* Is there a card with this keyword and a value that is not empty? */
static int has_card(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, char *value,
                    size_t size)
{
    return fb_hdu_text(hdus, hdu, key, value, size) > 0 && value[0] != '\0';
}

/* Check one HDU, from begin to end. Returns the same as fb_checksums_check(). */
static int check_hdu(struct fb_hdus *hdus, size_t i, int64_t begin, int64_t end, struct fb_error *err)
{
    struct fb_file *file = &hdus->file;
    const struct fb_hdu *hdu = &hdus->hdu[i];
    char datasum[72], checksum[72];
    uint32_t header, data;
    int has_data = has_card(hdus, hdu, "DATASUM", datasum, sizeof datasum),
        has_all = has_card(hdus, hdu, "CHECKSUM", checksum, sizeof checksum);

    if (!has_data && !has_all)
        return 0;
    if (sum_part(file, hdu->data, end, &data, err) != 0 ||
        (has_all && sum_part(file, begin, hdu->data, &header, err) != 0))
        return -1;
    if (has_data && strtoull(datasum, NULL, 10) != data)
        return fb_fail(err, "%s: HDU %zu %s: expected data with the sum %s, found %lu", file->path, i,
                       hdu->name, datasum, (unsigned long)data);
    /* CHECKSUM makes the sum of the whole HDU zero; one's complement has two zeros */
    uint32_t all = has_all ? fb_sum_join(header, data) : 0;
    if (all != 0 && all != UINT32_MAX)
        return fb_fail(err, "%s: HDU %zu %s: its contents don't fit its CHECKSUM", file->path, i, hdu->name);
    return has_data && has_all;
}

int fb_checksums_check(struct fb_hdus *hdus, struct fb_error *err)
{
    const struct fb_file *file = &hdus->file;
    int64_t begin = 0, end = 0;
    int complete = 1;
    for (size_t i = 0; i < hdus->n; i++, begin = end) {
        const struct fb_hdu *hdu = &hdus->hdu[i];
        end = hdu->data + fb_whole_blocks(hdu->size);
        int status = check_hdu(hdus, i, begin, end, err);
        if (status < 0)
            return -1;
        complete &= status;
    }
    if (complete && end != file->size)
        return fb_fail(err, "%s: expected %lld bytes, found %lld", file->path, (long long)end,
                       (long long)file->size);
    return complete;
}
