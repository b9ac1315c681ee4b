/* fits.c - SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "fits/file.h"
#include "fits/fits.h"
#include "fits/guard.h"
#include "fits/hdus.h"

/* Files that CFITSIO reads from memory: those that were packed, and those up to this many bytes. What can't be
 * read is tried again, and found out, by fb_file_read(); CFITSIO makes an end of a header out of it. */
#define MOST_IN_MEMORY ((int64_t)64 << 20)

struct fb_contents {
    void *bytes;
    size_t size;
};

static int read_contents(struct fb_file *file, struct fb_error *err)
{
    size_t size = (size_t)file->size, room = (size_t)fb_whole_blocks(file->size);
    unsigned char *bytes = malloc(room);
    if (!bytes)
        return fb_fail(err, "%s: out of memory for its %zu bytes", file->path, size);
    memset(bytes + size, 0, room - size);
    if (fb_file_read(file, bytes, size, 0, err) != 0) {
        free(bytes);
        return -1;
    }
    file->contents = bytes;
    return 0;
}

/* Take over the contents of a file. */
static int open_contents(struct fb_fits *fits, struct fb_file *file, struct fb_error *err)
{
    int status = 0, packed = file->contents != NULL;
    if (!packed && read_contents(file, err) != 0)
        return -1;
    fits->contents = malloc(sizeof *fits->contents);
    if (!fits->contents)
        return fb_fail(err, "%s: out of memory", file->path);
    /* whole blocks: CFITSIO reads nothing less, and does not ask whether they are there */
    *fits->contents = (struct fb_contents){ file->contents, (size_t)fb_whole_blocks(file->size) };
    file->contents = NULL;
    fits->packed = packed;
    /* a name of our own: paths may have characters that mean something to it */
    if (fits_open_memfile(&fits->file, "memory", READONLY, &fits->contents->bytes, &fits->contents->size, 0,
                          NULL, &status))
        return fb_fits_fail(err, file->path, "not a FITS file", status);
    return 0;
}

static int open_file(struct fb_fits *fits, const char *path, struct fb_error *err)
{
    int status = 0;
    errno = 0;
    for (int attempt = 0; fits_open_diskfile(&fits->file, path, READONLY, &status); status = 0) {
        int of_system = status == FILE_NOT_OPENED || status == READ_ERROR;
        if (!of_system || !fb_try_again(errno, attempt++))
            return fb_fits_fail(err, path, of_system ? "can't open it" : "not a FITS file", status);
    }
    return 0;
}

int fb_fits_open(struct fb_fits *fits, const char *path, struct fb_error *err)
{
    struct fb_io_stats io = { 0 };
    struct fb_file file = { 0 };
    struct fb_hdus hdus = { 0 };

    *fits = (struct fb_fits){ 0 };
    if (strlen(path) >= FLEN_FILENAME - 1)
        return fb_fail(err, "%s: the path is longer than %d characters", path, FLEN_FILENAME - 2);
    int failed = fb_file_open(&file, path, &io, err) != 0 || fb_guard(&file, &hdus, err) != 0;
    if (!failed)
        failed = file.contents || file.size <= MOST_IN_MEMORY ? open_contents(fits, &file, err)
                                                              : open_file(fits, path, err);
    if (!failed)
        failed = fb_guard_agrees(fits->file, &hdus, path, err);
    fits->nhdus = (int)hdus.n;
    fb_file_release(&file);
    fb_hdus_release(&hdus);
    if (failed)
        fb_fits_close(fits);
    return failed ? -1 : 0;
}

void fb_fits_close(struct fb_fits *fits)
{
    int status = 0;
    if (fits->file)
        fits_close_file(fits->file, &status);
    if (fits->contents)
        free(fits->contents->bytes);
    free(fits->contents);
    *fits = (struct fb_fits){ 0 };
    fits_clear_errmsg();
}

/* ---- tables ---- */

int fb_table_column(struct fb_table *table, const char *name)
{
    const struct fb_column *column = fb_table_find(table, name);
    return column ? column->number : 0;
}

int fb_table_need(struct fb_table *table, const char *const *names, int *column, struct fb_error *err)
{
    const struct fb_column *found;
    if (fb_table_find_number(table, names, 1, &found, err) != 0)
        return -1;
    *column = found->number;
    return 0;
}

/* Of all rows: nobody asks for fewer. */
int fb_table_read_int(struct fb_table *table, int column, int64_t first, int64_t n, int64_t *out,
                      struct fb_error *err)
{
    const char *const names[] = { table->columns[column - 1].name, NULL };
    const struct fb_column *found;
    if (fb_table_find_number(table, names, 1, &found, err) != 0)
        return -1;
    return first == 0 ? fb_table_integers(table, found, out, n, err) : -1;
}

int fb_table_read_double(struct fb_table *table, int column, int64_t first, int64_t n, double *out,
                         struct fb_error *err)
{
    const char *const names[] = { table->columns[column - 1].name, NULL };
    const struct fb_column *found;
    if (fb_table_find_number(table, names, 1, &found, err) != 0)
        return -1;
    return first == 0 ? fb_table_numbers(table, found, out, n, err) : -1;
}
