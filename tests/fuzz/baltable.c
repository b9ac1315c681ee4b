/*
 * baltable.c - fuzz target: any file as a BAL table. Rows that are read have as many templates as the table
 * says, and what is not in the file is 0.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "fuzz.h"
#include "desi/baltable.h"

static void check_table(const struct fb_baltable *table)
{
    CHECK(table->ntemplates >= 1 && table->ntemplates <= FASTBAL_MAX_TEMPLATES);
    for (int k = 0; k < FB_NPROVENANCE; k++)
        CHECK(memchr(fb_provenance_text(&table->made, &fb_provenance_keys[k]), '\0',
                     fb_provenance_keys[k].size));
    for (size_t i = 0; i < table->n; i++) {
        unsigned char cells[4 * FASTBAL_MAX_TEMPLATES] = { 0 };
        const float *beyond = table->rows[i].pca_coeffs + table->ntemplates;
        CHECK(memcmp(beyond, cells, (size_t)(FASTBAL_MAX_TEMPLATES - table->ntemplates) * 4) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    struct fb_baltable table;
    const char *path = fuzz_file(bytes, size);
    if (fb_baltable_read(&table, path, 1, &err) != 0)
        CHECK(strncmp(err.text, path, strlen(path)) == 0);
    else
        check_table(&table);
    fb_baltable_release(&table);
    return 0;
}
