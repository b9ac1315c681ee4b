/* output.c - SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/checksum.h"
#include "fits/file.h"
#include "fits/hdus.h"
#include "fits/output.h"
#include "fits/system.h"
#include "fits/temporary.h"

/* The system's reason, from errno, for a failure that CFITSIO reports; "" if the system did not cause it. */
static const char *reason(int status, int number)
{
    static const int statuses[] = { FILE_NOT_OPENED, FILE_NOT_CREATED, WRITE_ERROR,
                                    READ_ERROR,      FILE_NOT_CLOSED,  SEEK_ERROR };
    static const int numbers[] = { EIO,   ESTALE, ENOSPC, EDQUOT, EFBIG, EACCES,   EPERM,
                                   EROFS, EMFILE, ENFILE, ENOMEM, EINTR, ETIMEDOUT };
    int of_file = 0;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        of_file |= status == statuses[i];
    for (size_t i = 0; of_file && i < sizeof numbers / sizeof numbers[0]; i++)
        if (number == numbers[i])
            return strerror(number);
    return "";
}

int fb_fits_fail(struct fb_error *err, const char *path, const char *what, int status)
{
    char words[FLEN_STATUS], detail[FLEN_ERRMSG] = "", line[FLEN_ERRMSG];
    const char *why = reason(status, errno);
    fits_get_errstatus(status, words);
    while (fits_read_errmsg(line))
        if (detail[0] == '\0')
            snprintf(detail, sizeof detail, "%s", line);
    if (*why)
        return fb_fail(err, "%s: %s: %s: %s", path, what, words, why);
    return fb_fail(err, "%s: %s: %s%s%s%s", path, what, words, detail[0] ? " (" : "", detail,
                   detail[0] ? ")" : "");
}

int fb_fits_move(fitsfile *file, int hdu, int *status)
{
    char line[FLEN_ERRMSG];
    if (*status == 0)
        fits_clear_errmsg();
    fits_movabs_hdu(file, hdu, NULL, status);
    /* other messages are ignored: the composed file is verified before it is published */
    while (*status == 0 && fits_read_errmsg(line))
        *status = strstr(line, "alloc") || strstr(line, "memory") ? MEMORY_ALLOCATION : 0;
    return *status;
}

/* ---- memory that CFITSIO composes files in ---- */

/* The size of a block is stored before its bytes, which stay aligned. */
enum { SIZE_ROOM = 16 };

static _Thread_local int lacked_memory; /* since this thread began its file */

/* realloc() that fills new memory with zeros, because CFITSIO reads it before writing. */
static void *grow(void *bytes, size_t size)
{
    unsigned char *block = bytes ? (unsigned char *)bytes - SIZE_ROOM : NULL;
    size_t before = 0;
    if (block)
        memcpy(&before, block, sizeof before);
    unsigned char *grown = size <= SIZE_MAX - SIZE_ROOM ? realloc(block, size + SIZE_ROOM) : NULL;
    lacked_memory |= !grown;
    if (!grown)
        return NULL;
    if (size > before)
        memset(grown + SIZE_ROOM + before, 0, size - before);
    memcpy(grown, &size, sizeof size);
    return grown + SIZE_ROOM;
}

int fb_memory_file(fitsfile **file, void **bytes, size_t *room, size_t more, int *status)
{
    lacked_memory = 0;
    *bytes = NULL;
    *room = 0;
    return fits_create_memfile(file, bytes, room, more, grow, status);
}

int fb_memory_file_lacks(size_t room, size_t end, int *status)
{
    if (*status == 0 && (lacked_memory || end > room))
        *status = MEMORY_ALLOCATION;
    return *status;
}

void fb_memory_file_free(void *bytes)
{
    if (bytes)
        free((unsigned char *)bytes - SIZE_ROOM);
}

static void release(struct fb_output *out)
{
    fb_memory_file_free(out->bytes);
    out->bytes = NULL;
}

int fb_output_create(struct fb_output *out, const char *path, enum fb_replace replace, struct fb_error *err)
{
    enum { MORE = 1 << 22 };
    int status = 0;
    *out = (struct fb_output){ 0 };
    int failed = fb_temporary_prepare(&out->temporary, path, replace, err);
    out->path = out->temporary.path;
    if (!failed && fb_memory_file(&out->file, &out->bytes, &out->room, MORE, &status))
        failed = fb_fits_fail(err, path, "can't create it", status);
    if (failed)
        fb_output_discard(out);
    return failed;
}

void fb_write_empty_sums(fitsfile *file, int *status)
{
    fits_update_key(file, TSTRING, "CHECKSUM", "0000000000000000", "HDU checksum", status);
    fits_update_key(file, TSTRING, "DATASUM", "0", "data unit checksum", status);
    fits_set_hdustruc(file, status); /* puts END where it belongs now */
}

/* CFITSIO's own function writes the time into the comments of these cards, which changes the checksum. This
 * one is reproducible. */
static void write_checksum(fitsfile *file, int *status)
{
    unsigned long data = 0, hdu = 0;
    char text[32];

    fb_write_empty_sums(file, status);
    fits_get_chksum(file, &data, &hdu, status);
    snprintf(text, sizeof text, "%lu", data);
    fits_update_key(file, TSTRING, "DATASUM", text, "data unit checksum", status);
    fits_set_hdustruc(file, status);
    fits_get_chksum(file, &data, &hdu, status);
    fits_encode_chksum(hdu, 1, text);
    fits_update_key(file, TSTRING, "CHECKSUM", text, "HDU checksum", status);
}

/* Verify that the file has all its HDUs with their checksums, since CFITSIO does not report every lack of
 * memory. */
static int check_file(const struct fb_output *out, int nhdus, struct fb_error *err)
{
    struct fb_hdus hdus = { 0 };
    int status = fb_hdus_open(&hdus, out->temporary.name, NULL, err);
    if (status == 0)
        status = fb_checksums_check(&hdus, err);
    if (status == 0 || (status > 0 && hdus.n != (size_t)nhdus))
        status = fb_fail(err, "not all of its HDUs were composed");
    if (status < 0) {
        struct fb_error why = *err;
        fb_fail(err, "%s: can't write it: %s", out->path, why.text);
    }
    fb_hdus_release(&hdus);
    return status > 0 ? 0 : -1;
}

int fb_output_commit(struct fb_output *out, const char *what, int status, struct fb_error *err)
{
    LONGLONG header, data, end = 0;
    int nhdus = 0;
    if (status) {
        fb_fits_fail(err, out->path, what, status);
        fb_output_discard(out);
        return -1;
    }
    fits_get_hdu_num(out->file, &nhdus); /* the last */
    for (int hdu = 1; hdu <= nhdus && status == 0; hdu++)
        if (fb_fits_move(out->file, hdu, &status) == 0)
            write_checksum(out->file, &status);
    fits_get_hduaddrll(out->file, &header, &data, &end, &status);
    int descriptor = status ? fb_fits_fail(err, out->path, "can't write it", status)
                            : fb_output_begin(out, (size_t)end, err);
    if (descriptor >= 0 && check_file(out, nhdus, err) == 0)
        return fb_output_publish(out, err);
    fb_output_discard(out);
    return -1;
}

int fb_output_begin(struct fb_output *out, size_t n, struct fb_error *err)
{
    int status = 0;
    fits_close_file(out->file, &status);
    out->file = NULL;
    if (fb_memory_file_lacks(out->room, n, &status))
        return fb_fits_fail(err, out->path, "can't write it", status);
    if (fb_temporary_open(&out->temporary, err) != 0)
        return -1;
    if (fb_write_all(out->temporary.descriptor, out->bytes, n) != 0)
        return fb_fail(err, "%s: can't write it: %s", out->path, strerror(errno));
    release(out);
    return out->temporary.descriptor;
}

int fb_output_publish(struct fb_output *out, struct fb_error *err)
{
    int failed = fb_temporary_publish(&out->temporary, FB_FILE_AND_FOLDER, err);
    fb_output_discard(out);
    return failed;
}

void fb_output_discard(struct fb_output *out)
{
    int status = 0;
    if (out->file)
        fits_close_file(out->file, &status);
    release(out);
    fb_temporary_discard(&out->temporary);
    *out = (struct fb_output){ .temporary.descriptor = -1 };
    fits_clear_errmsg();
}

int fb_write_history(fitsfile *file, int *status)
{
    char text[200];
    fb_last_updated(text, sizeof text);
    return fits_write_history(file, text, status);
}

#define QUOTE(text) #text
#define QUOTE_VALUE(macro) QUOTE(macro)

void fb_library_versions(char *text, size_t size)
{
    snprintf(text, size, "CFITSIO %s (%s threads)", QUOTE_VALUE(CFITSIO_VERSION),
             fits_is_reentrant() ? "with" : "without");
}

int fb_files_prepare(void)
{
    /* CFITSIO creates its locks at its first use, which is not thread-safe */
    return fits_init_cfitsio() == 0 && fits_is_reentrant();
}
