/* fits.c - SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "fits/checksum.h"
#include "fits/file.h"
#include "fits/fits.h"
#include "fits/guard.h"
#include "fits/hdus.h"
#include "fits/header_template.h"
#include "fits/system.h"

/* CFITSIO says what could not be done to a file, the system why. "" where it was not the system. */
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

enum { MOST_TEXT = 10000 /* CFITSIO reads a text, whatever its length, into 28800 bytes */ };

/* Is the current HDU a table that one of the names fits? Leaves its EXTNAME. */
static int table_fits(fitsfile *file, const char *wanted, char *extname)
{
    int type, status = 0;
    extname[0] = '\0';
    if (fits_get_hdu_type(file, &type, &status) || type != BINARY_TBL)
        return 0;
    if (fits_read_key(file, TSTRING, "EXTNAME", extname, NULL, &status))
        extname[0] = '\0';
    fits_clear_errmsg();
    return strcmp(wanted, "*") == 0 || strcasecmp(extname, wanted) == 0;
}

int fb_fits_move(fitsfile *file, int hdu, int *status)
{
    char line[FLEN_ERRMSG];
    if (*status == 0)
        fits_clear_errmsg();
    fits_movabs_hdu(file, hdu, NULL, status);
    /* other words mean nothing, or what fits/guard.c has looked at */
    while (*status == 0 && fits_read_errmsg(line))
        *status = strstr(line, "alloc") || strstr(line, "memory") ? MEMORY_ALLOCATION : 0;
    return *status;
}

/* Append what a card says between quotes; 1 if the next card goes on with it, -1 if it does not fit. */
static int append_text(const char *value, char *text, size_t size)
{
    size_t used = strlen(text), begin = used;
    int quoted = value[0] == '\'';
    for (const char *c = value + quoted; *c && !(quoted && c[0] == '\'' && c[1] != '\''); c++) {
        if (used + 1 >= size)
            return -1;
        text[used++] = *c;
        c += quoted && *c == '\'';
    }
    while (used > begin && text[used - 1] == ' ')
        used--;
    int continued = quoted && used > begin && text[used - 1] == '&';
    text[used] = '\0';
    return continued;
}

int fb_fits_text(fitsfile *file, const char *key, char *text, size_t size, int *status)
{
    char card[FLEN_CARD], value[FLEN_VALUE];
    int next = 0, more = 0, missing = 0;
    text[0] = '\0';
    if (*status)
        return 0;
    if (fits_read_card(file, key, card, &missing)) {
        *status = missing == KEY_NO_EXIST ? 0 : missing;
        fits_clear_errmsg();
        return 0;
    }
    fits_get_hdrpos(file, NULL, &next, status);
    if (fits_parse_value(card, value, NULL, status) == 0)
        more = append_text(value, text, size);
    while (more > 0 && fits_read_record(file, next++, card, status) == 0 &&
           strncmp(card, "CONTINUE", 8) == 0) {
        const char *quote = strchr(card, '\'');
        text[strlen(text) - 1] = '\0';
        more = quote ? append_text(quote, text, size) : 0;
    }
    if (more < 0 || *status)
        text[0] = '\0';
    return more >= 0 && *status == 0;
}

int fb_fits_integer(fitsfile *file, const char *key, int64_t *value, int *status)
{
    char text[FLEN_VALUE], *end;
    if (!fb_fits_text(file, key, text, sizeof text, status) || text[0] == '\0')
        return 0;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0)
        return 0;
    *value = number;
    return 1;
}

static int find_table(struct fb_table *table, const char *wanted, int *status)
{
    for (int hdu = 2; hdu <= table->fits.nhdus; hdu++) {
        if (fb_fits_move(table->file, hdu, status))
            return 0;
        if (table_fits(table->file, wanted, table->extname))
            return 1;
    }
    return 0;
}

static void join_names(const char *const *names, char *text, size_t size)
{
    text[0] = '\0';
    for (; *names; names++) {
        size_t used = strlen(text);
        if (strcmp(*names, "*") != 0)
            snprintf(text + used, size - used, "%s%s", used ? " or " : "", *names);
    }
}

int fb_table_open(struct fb_table *table, const char *path, const char *const *names, struct fb_error *err)
{
    static const char *const any[] = { "*", NULL };
    char wanted[200];
    LONGLONG nrows = 0;
    int status = 0, found = 0;

    memset(table, 0, sizeof *table);
    table->path = path;
    if (fb_fits_open(&table->fits, path, err) != 0)
        return -1;
    table->file = table->fits.file;
    for (const char *const *name = names ? names : any; *name && !found && !status; name++)
        found = find_table(table, *name, &status);
    if (status) {
        fb_fits_fail(err, path, "can't read its HDUs", status);
        fb_table_close(table);
        return -1;
    }
    if (!found) {
        fb_table_close(table);
        join_names(names ? names : any, wanted, sizeof wanted);
        return fb_fail(err, "%s: has no table%s%s", path, wanted[0] ? " " : "", wanted);
    }
    fits_get_num_rowsll(table->file, &nrows, &status);
    fits_get_num_cols(table->file, &table->ncols, &status);
    if (status) {
        fb_fits_fail(err, path, "can't read the table's header", status);
        fb_table_close(table);
        return -1;
    }
    table->nrows = nrows;
    return 0;
}

void fb_table_close(struct fb_table *table)
{
    fb_fits_close(&table->fits);
    table->file = NULL;
}

int fb_table_column(struct fb_table *table, const char *name)
{
    int column = 0, status = 0;
    /* the exact name first: a table may have columns Z and z */
    if (fits_get_colnum(table->file, CASESEN, (char *)name, &column, &status)) {
        status = 0;
        if (fits_get_colnum(table->file, CASEINSEN, (char *)name, &column, &status))
            column = 0;
    }
    fits_clear_errmsg();
    return column;
}

static int is_ambiguous(struct fb_table *table, const char *name)
{
    int column, status = 0;
    fits_get_colnum(table->file, CASEINSEN, (char *)name, &column, &status);
    fits_clear_errmsg();
    return status == COL_NOT_UNIQUE;
}

int fb_table_need(struct fb_table *table, const char *const *names, int *column, struct fb_error *err)
{
    char wanted[200];
    for (const char *const *name = names; *name; name++)
        if ((*column = fb_table_column(table, *name)) > 0)
            return 0;
    for (const char *const *name = names; *name; name++)
        if (is_ambiguous(table, *name))
            return fb_fail(err, "%s: table %s has more than one column %s", table->path, table->extname,
                           *name);
    join_names(names, wanted, sizeof wanted);
    return fb_fail(err, "%s: table %s has no column %s", table->path, table->extname, wanted);
}

static int column_fail(struct fb_table *table, int column, const char *what, int status, struct fb_error *err)
{
    char key[FLEN_KEYWORD], name[FLEN_VALUE] = "?", text[FLEN_VALUE + 100];
    int ignored = 0;
    fits_make_keyn("TTYPE", column, key, &ignored);
    fits_read_key(table->file, TSTRING, key, name, NULL, &ignored);
    snprintf(text, sizeof text, "column %s: %s", name, what);
    if (status)
        return fb_fits_fail(err, table->path, text, status);
    return fb_fail(err, "%s: %s", table->path, text);
}

static int check_number(struct fb_table *table, int column, struct fb_error *err)
{
    int type, status = 0;
    LONGLONG repeat, width;
    if (fits_get_coltypell(table->file, column, &type, &repeat, &width, &status))
        return column_fail(table, column, "can't read its format", status, err);
    if (type < 0 || type == TSTRING || type == TLOGICAL || type == TBIT || type == TCOMPLEX ||
        type == TDBLCOMPLEX)
        return column_fail(table, column, "expected numbers", 0, err);
    if (repeat != 1)
        return column_fail(table, column, "expected one number a row", 0, err);
    return 0;
}

/* Whole numbers from a column of floating-point ones: only those that it can tell from their neighbours, since
 * TARGETIDs have more digits than a double. */
static int read_whole(struct fb_table *table, int column, int64_t first, int64_t n, int64_t *out,
                      struct fb_error *err)
{
    const double most = 9007199254740992.0;
    double *values = malloc((size_t)n * sizeof *values + 1);
    char what[120];
    int failed = values ? fb_table_read_double(table, column, first, n, values, err)
                        : column_fail(table, column, "out of memory", 0, err);
    for (int64_t i = 0; i < n && !failed; i++) {
        if (fabs(values[i]) < most && values[i] >= floor(values[i]) && values[i] <= floor(values[i])) {
            out[i] = (int64_t)values[i];
            continue;
        }
        snprintf(what, sizeof what,
                 "expected whole numbers below 2^53 where they are floating-point, found %.17g", values[i]);
        failed = column_fail(table, column, what, 0, err);
    }
    free(values);
    return failed;
}

int fb_table_read_int(struct fb_table *table, int column, int64_t first, int64_t n, int64_t *out,
                      struct fb_error *err)
{
    _Static_assert(sizeof(LONGLONG) == sizeof(int64_t), "CFITSIO's LONGLONG has 64 bits");
    int type, status = 0;
    LONGLONG repeat, width;
    if (check_number(table, column, err) != 0)
        return -1;
    if (fits_get_eqcoltypell(table->file, column, &type, &repeat, &width, &status))
        return column_fail(table, column, "can't read its format", status, err);
    if (type == TFLOAT || type == TDOUBLE)
        return read_whole(table, column, first, n, out, err);
    if (n > 0 && fits_read_col(table->file, TLONGLONG, column, first + 1, 1, n, NULL, out, NULL, &status))
        return column_fail(table, column, "can't read it", status, err);
    return 0;
}

int fb_table_read_double(struct fb_table *table, int column, int64_t first, int64_t n, double *out,
                         struct fb_error *err)
{
    int status = 0;
    if (check_number(table, column, err) != 0)
        return -1;
    if (n > 0 && fits_read_col(table->file, TDOUBLE, column, first + 1, 1, n, NULL, out, NULL, &status))
        return column_fail(table, column, "can't read it", status, err);
    return 0;
}

int fb_same_text(const char *cell, size_t width, const char *text)
{
    size_t begin = 0, end = 0;
    while (end < width && cell[end] != '\0')
        end++;
    while (begin < end && cell[begin] == ' ')
        begin++;
    while (end > begin && cell[end - 1] == ' ')
        end--;
    return end - begin == strlen(text) && memcmp(cell + begin, text, end - begin) == 0;
}

/* The longest text of a column of variable length in some rows. */
static LONGLONG longest_text(struct fb_table *table, int column, int64_t first, int64_t n, int *status)
{
    LONGLONG longest = 0;
    for (int64_t i = 0; i < n && *status == 0; i++) {
        LONGLONG length = 0, offset = 0;
        fits_read_descriptll(table->file, column, first + i + 1, &length, &offset, status);
        longest = length < 0 ? MOST_TEXT + 1 : length > longest ? length : longest;
    }
    return longest;
}

int fb_table_is_text(struct fb_table *table, int column)
{
    int type = 0, status = 0;
    LONGLONG repeat, width;
    fits_get_coltypell(table->file, column, &type, &repeat, &width, &status);
    fits_clear_errmsg();
    return status == 0 && abs(type) == TSTRING;
}

int fb_table_compare_text(struct fb_table *table, int column, int64_t first, int64_t n, const char *text,
                          unsigned char *equal, struct fb_error *err)
{
    int type, status = 0, ignored = 0;
    LONGLONG repeat, unit, width;
    if (fits_get_coltypell(table->file, column, &type, &repeat, &unit, &status) || abs(type) != TSTRING)
        return column_fail(table, column, "expected text", status, err);
    /* not CFITSIO's display width, which TDISP changes, but not what is read */
    width = type < 0 ? longest_text(table, column, first, n, &status) : repeat > unit ? repeat : unit;
    if (status)
        return column_fail(table, column, "can't read it", status, err);
    if (width > MOST_TEXT)
        return column_fail(table, column, "expected texts, found one of more than 10000 characters", 0, err);
    char *cell = calloc((size_t)width + 2, 1);
    if (!cell)
        return column_fail(table, column, "out of memory", 0, err);
    for (int64_t i = 0; i < n && status == 0; i++) {
        char empty[] = "";
        if (fits_read_col_str(table->file, column, first + i + 1, 1, 1, empty, &cell, &ignored, &status) == 0)
            equal[i] = (unsigned char)fb_same_text(cell, (size_t)width + 1, text);
    }
    free(cell);
    return status ? column_fail(table, column, "can't read it", status, err) : 0;
}

/* ---- outputs ---- */

/* ---- memory that CFITSIO composes files in ---- */

/* The size of a block before its bytes, which stay aligned. */
enum { SIZE_ROOM = 16 };

/* realloc() for CFITSIO, with zeros where it has not written yet: it looks there. */
static void *grow(void *bytes, size_t size)
{
    unsigned char *block = bytes ? (unsigned char *)bytes - SIZE_ROOM : NULL;
    size_t before = 0;
    if (block)
        memcpy(&before, block, sizeof before);
    unsigned char *grown = size <= SIZE_MAX - SIZE_ROOM ? realloc(block, size + SIZE_ROOM) : NULL;
    if (!grown)
        return NULL;
    if (size > before)
        memset(grown + SIZE_ROOM + before, 0, size - before);
    memcpy(grown, &size, sizeof size);
    return grown + SIZE_ROOM;
}

static void release(struct fb_output *out)
{
    if (out->bytes)
        free((unsigned char *)out->bytes - SIZE_ROOM);
    out->bytes = NULL;
}

int fb_output_create(struct fb_output *out, const char *path, enum fb_replace replace, struct fb_error *err)
{
    enum { MORE = 1 << 22 }; /* bytes of memory at a time */
    int status = 0;
    *out = (struct fb_output){ 0 };
    int failed = fb_temporary_prepare(&out->temporary, path, replace, err);
    out->path = out->temporary.path;
    if (!failed && fits_create_memfile(&out->file, &out->bytes, &out->room, MORE, grow, &status))
        failed = fb_fits_fail(err, path, "can't create it", status);
    if (failed)
        fb_output_discard(out);
    return failed;
}

/* CFITSIO's own function puts the time into the comments, and so into the
 * checksum; this gives the same bytes every time. */
int fb_write_checksum(fitsfile *file, int *status)
{
    unsigned long data = 0, hdu = 0;
    char text[32];

    fits_update_key(file, TSTRING, "CHECKSUM", "0000000000000000", "HDU checksum", status);
    fits_update_key(file, TSTRING, "DATASUM", "0", "data unit checksum", status);
    fits_set_hdustruc(file, status); /* puts END where it belongs now */
    fits_get_chksum(file, &data, &hdu, status);
    snprintf(text, sizeof text, "%lu", data);
    fits_update_key(file, TSTRING, "DATASUM", text, "data unit checksum", status);
    fits_set_hdustruc(file, status);
    fits_get_chksum(file, &data, &hdu, status);
    fits_encode_chksum(hdu, 1, text);
    fits_update_key(file, TSTRING, "CHECKSUM", text, "HDU checksum", status);
    return *status;
}

/* CFITSIO does not tell everywhere that it found no memory: does the file have all the HDUs, each with its sums? */
static int check_file(const struct fb_output *out, int nhdus, struct fb_error *err)
{
    struct fb_io_stats io = { 0 };
    struct fb_file file = { 0 };
    struct fb_hdus hdus = { 0 };
    int status = fb_file_open(&file, out->temporary.name, &io, err);
    if (status == 0)
        status = fb_hdus_read(&hdus, &file, err);
    if (status > 0)
        status = fb_sums_check(&file, &hdus, err);
    if (status == 0 || (status > 0 && hdus.n != (size_t)nhdus))
        status = fb_fail(err, "not all of its HDUs were composed");
    if (status < 0) {
        struct fb_error why = *err;
        fb_fail(err, "%s: can't write it: %s", out->path, why.text);
    }
    fb_file_release(&file);
    fb_hdus_release(&hdus);
    return status > 0 ? 0 : -1;
}

int fb_output_commit(struct fb_output *out, struct fb_error *err)
{
    LONGLONG header, data, end = 0;
    int status = 0, nhdus = 0;
    fits_get_hdu_num(out->file, &nhdus); /* the last */
    for (int hdu = 1; hdu <= nhdus && status == 0; hdu++)
        if (fb_fits_move(out->file, hdu, &status) == 0)
            fb_write_checksum(out->file, &status);
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
    if (status)
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

void fb_library_versions(char *text, size_t size)
{
    snprintf(text, size, "CFITSIO %d.%d.%d (%s threads)", CFITSIO_MAJOR, CFITSIO_MINOR, CFITSIO_MICRO,
             fits_is_reentrant() ? "with" : "without");
}

int fb_files_prepare(void)
{
    /* CFITSIO makes its locks at its first use, and that is not safe in threads */
    return fits_init_cfitsio() == 0 && fits_is_reentrant();
}
