/*
 * mutate_fits.c - libFuzzer's mutations for FITS files. Random bytes hardly ever make a header that is read
 * to its end, so most changes here are of whole cards: another value, another keyword, a card more, fewer or
 * elsewhere; others are of blocks, of numbers in the data, and of where the file ends. A file in gzip's form
 * is changed inside.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

enum { CARD = 80, BLOCK = 2880, MOST_CARDS = 4096 };

static uint32_t state;

static uint32_t random_below(size_t n)
{
    state = state * 1664525u + 1013904223u;
    return n ? (uint32_t)((state >> 4) % n) : 0;
}

#define PICK(list) (list)[random_below(sizeof(list) / sizeof(list)[0])]

static const char *const integers[] = {
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "8",
    "9",
    "16",
    "17",
    "32",
    "64",
    "80",
    "99",
    "255",
    "256",
    "999",
    "1000",
    "2880",
    "32767",
    "32768",
    "65536",
    "1000000",
    "16777217",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "4611686018427387904",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999",
    "-1",
    "-2",
    "-32",
    "-64",
    "-8",
    "-2147483648",
    "-2147483649",
    "-9223372036854775808",
    "1.5",
    "-0.0",
    "1E30",
    "1D-320",
    "T",
    "F",
    "NaN",
    "(1,2)",
    "",
};

static const char *const forms[] = {
    "'K'",
    "'1K'",
    "'J'",
    "'I'",
    "'B'",
    "'D'",
    "'E'",
    "'L'",
    "'X'",
    "'A'",
    "'C'",
    "'M'",
    "'0K'",
    "'0A'",
    "'2K'",
    "'5E'",
    "'17E'",
    "'31E'",
    "'33E'",
    "'6A'",
    "'20A'",
    "'20A5'",
    "'A10'",
    "'8A0'",
    "'12X'",
    "'1PA(6)'",
    "'1PA'",
    "'1PE(3)'",
    "'1QD(9)'",
    "'QA'",
    "'P'",
    "'1P'",
    "'2PJ'",
    "'1PX(8)'",
    "'PC'",
    "'99999999999K'",
    "'9223372036854775807B'",
    "'2147483648B'",
    "'4294967297A'",
    "'-1K'",
    "'K(3)'",
    "'F10.4'",
    "'I4'",
    "'E15.7'",
    "'Z'",
    "''",
    "'1 K'",
    "'K99'",
    "'0PE(0)'",
    "'1PB(99999999999)'",
    "'1PE(-1)'",
};

static const char *const words[] = {
    "'IMAGE'",
    "'BINTABLE'",
    "'TABLE'",
    "'A3DTABLE'",
    "'FOREIGN'",
    "'GROUPING'",
    "'FIBERMAP'",
    "'REDSHIFTS'",
    "'ZBEST'",
    "'QSO_CAT'",
    "'ZCATALOG'",
    "'BALCAT'",
    "'TEMPLATES'",
    "'B_WAVELENGTH'",
    "'R_WAVELENGTH'",
    "'Z_WAVELENGTH'",
    "'BRZ_WAVELENGTH'",
    "'B_FLUX'",
    "'B_IVAR'",
    "'B_MASK'",
    "'R_FLUX'",
    "'R_MASK'",
    "'BRZ_FLUX'",
    "'BRZ_IVAR'",
    "'B_RESOLUTION'",
    "'TARGETID'",
    "'Z'",
    "'ZERR'",
    "'ZWARN'",
    "'RA'",
    "'DEC'",
    "'TARGET_RA'",
    "'TARGET_DEC'",
    "'SPECTYPE'",
    "'WAVE'",
    "'PCA0'",
    "'PCA1'",
    "'PCA_COEFFS'",
    "'BAL_PROB'",
    "'AI_CIV'",
    "'VMIN_CIV_450'",
    "'COMPRESSED_DATA'",
    "'GZIP_COMPRESSED_DATA'",
    "'UNCOMPRESSED_DATA'",
    "'ZSCALE'",
    "'ZZERO'",
    "'ZBLANK'",
    "'RICE_1'",
    "'GZIP_1'",
    "'GZIP_2'",
    "'PLIO_1'",
    "'HCOMPRESS_1'",
    "'NOCOMPRESS'",
    "'BLOCKSIZE'",
    "'BYTEPIX'",
    "'NOISEBIT'",
    "'SCALE'",
    "'SMOOTH'",
    "'NO_DITHER'",
    "'SUBTRACTIVE_DITHER_1'",
    "'SUBTRACTIVE_DITHER_2'",
    "'a long text that is continued&'",
    "'it''s'",
    "'unclosed",
    "'(2,3)'",
    "'(99999999999,2)'",
    "'(1)'",
    "&",
    "''",
};

/* N and n are digits. */
static const char *const keywords[] = {
    "SIMPLE",   "XTENSION", "BITPIX",   "NAXIS",    "NAXIS1",  "NAXIS2",   "NAXIS3",   "NAXISn",  "PCOUNT",
    "GCOUNT",   "GROUPS",   "TFIELDS",  "TTYPEn",   "TFORMn",  "TSCALn",   "TZEROn",   "TNULLn",  "TDIMn",
    "TBCOLn",   "TUNITn",   "TDISPn",   "THEAP",    "EXTNAME", "EXTVER",   "EXTEND",   "BSCALE",  "BZERO",
    "BLANK",    "END",      "CONTINUE", "COMMENT",  "HISTORY", "HIERARCH", "CHECKSUM", "DATASUM", "LONGSTRN",
    "QSOTEMPS", "ZIMAGE",   "ZTABLE",   "ZCMPTYPE", "ZBITPIX", "ZNAXIS",   "ZNAXIS1",  "ZNAXIS2", "ZNAXISn",
    "ZTILE1",   "ZTILE2",   "ZTILEn",   "ZNAMEn",   "ZVALn",   "ZQUANTIZ", "ZDITHER0", "ZSIMPLE", "ZEXTEND",
    "ZPCOUNT",  "ZGCOUNT",  "ZTENSION", "ZMASKCMP", "ZSCALE",  "ZZERO",    "ZBLANK",   "ZFORMn",  "ZCTYPn",
    "ZTHEAP",   "ZTILELEN", "BLOCKED",  "INHERIT",  "",
};

/* ---- cards ---- */

/* Places of cards: all of printable text, in blocks that begin like a header or follow one. */
static size_t find_cards(const uint8_t *bytes, size_t size, size_t *place)
{
    size_t n = 0;
    int inside = 0;
    for (size_t at = 0; at + CARD <= size && n < MOST_CARDS; at += CARD) {
        if (at % BLOCK == 0 &&
            (memcmp(bytes + at, "SIMPLE", 6) == 0 || memcmp(bytes + at, "XTENSION", 8) == 0))
            inside = 1;
        if (!inside)
            continue;
        place[n++] = at;
        if (memcmp(bytes + at, "END     ", 8) == 0)
            inside = 0;
    }
    return n;
}

static void put_keyword(uint8_t *card)
{
    char key[9];
    snprintf(key, sizeof key, "%-8s", PICK(keywords));
    for (int i = 0; i < 8; i++)
        card[i] = key[i] == 'n' ? (uint8_t)('1' + random_below(9)) : (uint8_t)key[i];
}

static void put_value(uint8_t *card, const char *value)
{
    char text[CARD];
    snprintf(text, sizeof text, value[0] == '\'' ? "= %-20.70s" : "= %20.70s", value);
    memset(card + 8, ' ', CARD - 8);
    memcpy(card + 8, text, strlen(text));
}

/* A number near the one there. */
static void shift_value(uint8_t *card)
{
    char text[21] = "", value[40];
    memcpy(text, card + 10, 20);
    long long n = strtoll(text, NULL, 10);
    static const int by[] = { 1, -1, 2, -2, 8, -8, 80, 2880 };
    int64_t shifted;
    switch (random_below(3)) {
    case 0:
        if (__builtin_mul_overflow(n, 2, &shifted))
            shifted = n;
        break;
    case 1:
        shifted = n / 2;
        break;
    default:
        if (__builtin_add_overflow(n, PICK(by), &shifted))
            shifted = n;
    }
    snprintf(value, sizeof value, "%lld", (long long)shifted);
    put_value(card, value);
}

static void change_value(uint8_t *card)
{
    int text = memchr(card + 10, '\'', 11) != NULL;
    if (random_below(10) == 0)
        text = !text;
    if (text)
        put_value(card, memcmp(card, "TFORM", 5) == 0 && random_below(8) ? PICK(forms) : PICK(words));
    else if (random_below(2))
        shift_value(card);
    else
        put_value(card, PICK(integers));
}

static void change_bytes(uint8_t *card)
{
    uint8_t text[CARD];
    memcpy(text, card, CARD);
    size_t n = LLVMFuzzerMutate(text, CARD, CARD);
    memset(card, ' ', CARD);
    memcpy(card, text, n);
}

static void swap_cards(uint8_t *a, uint8_t *b)
{
    uint8_t kept[CARD];
    memcpy(kept, a, CARD);
    memcpy(a, b, CARD);
    memcpy(b, kept, CARD);
}

/* The cards from `at` to the end of their block move by one, forwards or back. */
static void move_cards(uint8_t *bytes, size_t at, int insert)
{
    size_t end = (at / BLOCK + 1) * BLOCK;
    if (insert) {
        memmove(bytes + at + CARD, bytes + at, end - at - CARD);
        return;
    }
    memmove(bytes + at, bytes + at + CARD, end - at - CARD);
    memset(bytes + end - CARD, ' ', CARD);
}

static size_t change_card(uint8_t *bytes, size_t size)
{
    size_t place[MOST_CARDS], n = find_cards(bytes, size, place);
    if (n == 0)
        return size;
    size_t at = place[random_below(n)];
    /* blank cards at the end of headers are many, and of no interest */
    for (int tries = 0; tries < 8 && bytes[at] == ' '; tries++)
        at = place[random_below(n)];
    if ((at / BLOCK + 1) * BLOCK > size)
        return size;
    switch (random_below(14)) {
    case 0:
        put_keyword(bytes + at);
        break;
    case 1:
        change_bytes(bytes + at);
        break;
    case 2:
        swap_cards(bytes + at, bytes + place[random_below(n)]);
        break;
    case 3:
        move_cards(bytes, at, 0);
        break;
    case 4:
        move_cards(bytes, at, 1);
        put_keyword(bytes + at);
        change_value(bytes + at);
        break;
    case 5:
        move_cards(bytes, at, 1); /* twice the same */
        break;
    case 6:
        memcpy(bytes + at, bytes + place[random_below(n)], CARD);
        break;
    case 7:
        put_value(bytes + at, PICK(words));
        break;
    default:
        change_value(bytes + at);
    }
    return size;
}

/* ---- blocks, data, the end ---- */

static size_t change_blocks(uint8_t *bytes, size_t size, size_t most)
{
    size_t n = size / BLOCK;
    if (n == 0)
        return size;
    size_t from = random_below(n) * (size_t)BLOCK, to = random_below(n) * (size_t)BLOCK;
    switch (random_below(4)) {
    case 0: /* one less */
        memmove(bytes + from, bytes + from + BLOCK, size - from - BLOCK);
        return size - BLOCK;
    case 1: /* one twice */
        if (size + BLOCK > most)
            return size;
        memmove(bytes + from + BLOCK, bytes + from, size - from);
        return size + BLOCK;
    case 2: /* one in place of another */
        memmove(bytes + to, bytes + from, BLOCK);
        return size;
    default: /* the end of the file */
        return random_below(3) ? from : random_below(size);
    }
}

static size_t change_data(uint8_t *bytes, size_t size)
{
    static const uint64_t hard[] = { 0,
                                     1,
                                     UINT64_MAX,
                                     0x7ff8000000000000,
                                     0x7ff0000000000000,
                                     0xfff0000000000000,
                                     0x7fefffffffffffff,
                                     0x0000000000000001,
                                     0x8000000000000000,
                                     0x7fc000007f800000,
                                     0x7f7fffff00000001,
                                     0x0000000100000000,
                                     0x00000000ffffffff,
                                     0x40ac200000000000,
                                     0x4004000000000000,
                                     0x000003e8000003e9,
                                     0x00000000000003e8,
                                     0x7fffffff7fffffff };
    if (size < 16)
        return size;
    for (unsigned times = 1 + random_below(3); times > 0; times--) {
        size_t place = random_below(size / 4 - 1) * (size_t)4;
        uint64_t value = PICK(hard);
        for (int k = 0; k < 8 && place + (size_t)k < size; k++)
            bytes[place + (size_t)k] = (uint8_t)(value >> (56 - 8 * k));
    }
    return size;
}

static size_t mutate(uint8_t *bytes, size_t size, size_t most)
{
    for (unsigned times = 1 + random_below(3); times > 0; times--) {
        switch (random_below(16)) {
        case 0:
            size = LLVMFuzzerMutate(bytes, size, most);
            break;
        case 1:
            size = change_blocks(bytes, size, most);
            break;
        case 2:
        case 3:
            size = change_data(bytes, size);
            break;
        default:
            size = change_card(bytes, size);
        }
    }
    return size;
}

/* ---- gzip ---- */

static size_t run_zlib(int unpack, uint8_t *from, size_t n, uint8_t *to, size_t room)
{
    z_stream stream = { .next_in = from, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)room };
    enum { GZIP = 16 };
    if (unpack) {
        inflateInit2(&stream, MAX_WBITS + GZIP);
        inflate(&stream, Z_FINISH);
        inflateEnd(&stream);
    } else {
        deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY);
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
            stream.total_out = 0;
        deflateEnd(&stream);
    }
    return stream.total_out;
}

static size_t mutate_packed(uint8_t *bytes, size_t size, size_t most)
{
    enum { ROOM = 1 << 19 };
    static uint8_t plain[ROOM];
    if (random_below(5) == 0)
        return LLVMFuzzerMutate(bytes, size, most);
    size_t n = run_zlib(1, bytes, size, plain, ROOM);
    n = mutate(plain, n, ROOM);
    n = run_zlib(0, plain, n, bytes, most);
    return n ? n : LLVMFuzzerMutate(bytes, size, most);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    state = seed;
    if (size > 18 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        size = mutate_packed(bytes, size, most);
    else
        size = mutate(bytes, size, most);
    return size ? size : 1;
}
