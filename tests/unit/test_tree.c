/*
 * test_tree.c - paths of every scheme, detection of schemes, and maps of adaptive pixels.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../desi/pixel_map.h"
#include "../../fits/system.h"
#include "../../desi/tree.h"
#include "../../desi/tree_scheme.h"

static char folder[] = "/tmp/fastbal-tree-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void check_path(struct fb_tree tree, int64_t pixel, const char *expected, const char *name)
{
    char text[FB_PIXEL_TEXT], *path;
    tree.root = "R";
    tree.survey = "sv3";
    tree.program = "bright";
    path = fb_tree_path(&tree, "coadd", pixel);
    assert_string_equal(path, expected);
    free(path);
    fb_tree_pixel_text(&tree, pixel, text);
    assert_string_equal(text, name);
}

static void paths(void **state)
{
    (void)state;
    check_path((struct fb_tree){ .scheme = FB_SCHEME_HEALPIX }, 8139,
               "R/healpix/sv3/bright/81/8139/coadd-sv3-bright-8139.fits", "8139");
    check_path((struct fb_tree){ .scheme = FB_SCHEME_UNIQPIX }, 27,
               "R/spectra/sv3/bright/0/27/coadd-sv3-bright-27.fits", "27");
    check_path((struct fb_tree){ .scheme = FB_SCHEME_SKIMMED, .nside = 16 }, 700,
               "R/7/700/coadd-sv3-bright-700.fits", "700");
    check_path((struct fb_tree){ .scheme = FB_SCHEME_MOCK }, 1234, "R/spectra-16/12/1234/coadd-16-1234.fits",
               "1234");
    check_path((struct fb_tree){ .scheme = FB_SCHEME_TILES }, fb_tile_pixel(80605, 20210205, 3),
               "R/tiles/cumulative/80605/20210205/coadd-3-80605-thru20210205.fits", "80605/20210205/3");
    assert_int_equal(fb_tile_of(fb_tile_pixel(80605, 20210205, 3)), 80605);
    assert_int_equal(fb_tile_pixel(80605, 20210205, 10), -1);
    assert_int_equal(fb_tile_pixel(-1, 20210205, 1), -1);
    assert_int_equal(fb_tile_pixel(1, 100000000, 1), -1);
}

static void pixels(void **state)
{
    (void)state;
    struct fb_tree tree = { .scheme = FB_SCHEME_HEALPIX };
    int64_t healpix;
    assert_true(fb_tree_has_pixel(&tree, 49151));
    assert_false(fb_tree_has_pixel(&tree, 49152));
    assert_false(fb_tree_has_pixel(&tree, -1));
    tree = (struct fb_tree){ .scheme = FB_SCHEME_UNIQPIX };
    assert_false(fb_tree_has_pixel(&tree, 3));
    /* 4 nside^2 + pixel: the first of nside 1, the last of nside 64, the first of nside 128 */
    assert_int_equal(fb_tree_healpix(&tree, 4, &healpix), 1);
    assert_int_equal(healpix, 0);
    assert_int_equal(fb_tree_healpix(&tree, 16 * 64 * 64 - 1, &healpix), 64);
    assert_int_equal(healpix, 49151);
    assert_int_equal(fb_tree_healpix(&tree, 16 * 64 * 64, &healpix), 128);
    assert_int_equal(healpix, 0);
    assert_int_equal(fb_tree_pixel(&tree, 10, 10), -1);
    tree = (struct fb_tree){ .scheme = FB_SCHEME_SKIMMED, .nside = 1 };
    assert_int_equal(fb_tree_pixel(&tree, 45, 60), 0); /* the first of the twelve base pixels */
    assert_int_equal(fb_tree_pixel(&tree, 45, 91), -1);
}

/* ---- which scheme ---- */

static void put_file(const char *path, const char *text)
{
    struct fb_error err;
    assert_int_equal(fb_make_parent_folders(path, &err), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *below(const char *path)
{
    char *joined = fb_format("%s/%s", folder, path);
    assert_non_null(joined);
    return joined;
}

/* Make a folder of each of these names and look at the tree; -1 if it is an error, which must hold a word. */
static int identify(const char *root, const char *const *folders, const char *word)
{
    struct fb_error err = { "" };
    char *top = below(root);
    for (; *folders; folders++) {
        char *path = fb_format("%s/%s/x", top, *folders);
        put_file(path, "");
        free(path);
    }
    struct fb_tree tree = { .root = top, .survey = "main", .program = "dark", .scheme = FB_SCHEME_TILES };
    int status = fb_tree_identify(&tree, &err);
    if (status != 0) {
        assert_non_null(strstr(err.text, top));
        assert_non_null(strstr(err.text, word));
    }
    free(top);
    return status == 0 ? (int)tree.scheme : -1;
}

static void schemes(void **state)
{
    (void)state;
    assert_int_equal(identify("a", (const char *[]){ "healpix/main/dark", "tiles/cumulative", NULL }, ""),
                     FB_SCHEME_HEALPIX);
    assert_int_equal(identify("b", (const char *[]){ "spectra/main/dark", "healpix/main/bright", NULL }, ""),
                     FB_SCHEME_UNIQPIX);
    assert_int_equal(identify("c", (const char *[]){ "spectra-16", NULL }, ""), FB_SCHEME_MOCK);
    assert_int_equal(identify("d", (const char *[]){ "7/700", "logs", NULL }, ""), FB_SCHEME_SKIMMED);
    assert_int_equal(identify("e", (const char *[]){ "logs", NULL }, "healpix/main/dark"), -1);
    assert_int_equal(identify("f", (const char *[]){ "healpix/main/dark", "spectra/main/dark", NULL },
                              "found two: healpix and uniqpix"),
                     -1);
    assert_int_equal(
        identify("g/matterhorn", (const char *[]){ "healpix/main/dark", "spectra/main/dark", NULL }, ""),
        FB_SCHEME_UNIQPIX);
    assert_int_equal(
        identify("g/loa", (const char *[]){ "healpix/main/dark", "spectra/main/dark", NULL }, ""),
        FB_SCHEME_HEALPIX);
}

static void tiles_and_nights(void **state)
{
    (void)state;
    struct fb_error err;
    struct fb_id_list groups = { 0 }, found = { 0 };
    static const char *const files[] = { "t/tiles/cumulative/100/20210101/coadd-0-100-thru20210101.fits",
                                         "t/tiles/cumulative/100/20210203/coadd-0-100-thru20210203.fits",
                                         "t/tiles/cumulative/100/20210203/coadd-7-100-thru20210203.fits",
                                         "t/tiles/cumulative/100/20210203/redrock-5-100-thru20210203.fits",
                                         "t/tiles/cumulative/200/20210102/coadd-1-200-thru20210102.fits" };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = below(files[i]);
        put_file(path, "");
        free(path);
    }
    char *root = below("t");
    struct fb_tree tree = { .scheme = FB_SCHEME_TILES, .root = root };
    for (int night = 0; night < 2; night++) {
        groups.n = found.n = 0;
        tree.night = night ? 20210101 : 0;
        assert_int_equal(fb_tree_groups(&tree, &groups, &err), 0);
        assert_int_equal(groups.n, 2);
        for (size_t i = 0; i < groups.n; i++)
            assert_int_equal(fb_tree_group_pixels(&tree, groups.ids[i], "coadd", &found, &err), 0);
        assert_int_equal(found.n, night ? 1 : 3);
        assert_true(found.ids[0] == fb_tile_pixel(100, night ? 20210101 : 20210203, 0));
    }
    fb_id_list_release(&groups);
    fb_id_list_release(&found);
    free(root);
}

/* ---- maps ---- */

/* A map of nside 2 as JSON; its error must hold a word, or it must be right. */
static void check_json(const char *name, const char *text, const char *word)
{
    struct fb_pixel_map map;
    struct fb_error err = { "" };
    char *top = below(name), *path = fb_format("%s/hpix2upix-main-dark.json", top);
    put_file(path, text);
    int status = fb_pixel_map_read(&map, top, "main", "dark", &err);
    if (word) {
        assert_int_equal(status, -1);
        assert_non_null(strstr(err.text, path));
        assert_non_null(strstr(err.text, word));
    } else {
        assert_int_equal(status, 0);
        assert_int_equal(map.nside, 2);
        /* pixels 0 to 3 are in pixel 0 of nside 1, number 4; pixel 5 is its own, 16 + 5; 7 is not covered */
        assert_int_equal(fb_pixel_map_find(&map, 45, 60), 4);
        assert_int_equal(map.upix[5], 21);
        assert_int_equal(map.upix[7], -1);
        assert_int_equal(fb_pixel_map_find(&map, 45, -100), -1);
    }
    fb_pixel_map_release(&map);
    free(path);
    free(top);
}

#define REST                                                                                                 \
    "-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1," \
    "-1,-1,-1,-1,-1,-1]"

static void json_maps(void **state)
{
    (void)state;
    check_json("j1",
               "{\"NSIDE\": 2, \"HPXNEST\": true, \"HPIX2UPIX\": [4, 4, 4, 4, 20, 21, 22, -1, " REST "}",
               NULL);
    check_json("j2", "{\"HPIX2UPIX\":[4,4,4,4,20,21,22,-1," REST ",\"NSIDE\":2}", NULL);
    check_json("j3", "{\"NSIDE\": 2, \"HPIX2UPIX\": [4, 4, 4, 5, 20, 21, 22, -1, " REST "}",
               "covers pixel 3 of nside 2");
    check_json("j4", "{\"NSIDE\": 2, \"HPIX2UPIX\": [4, 4, 4, 4, 64, 21, 22, -1, " REST "}", "found 64");
    check_json("j5", "{\"NSIDE\": 3, \"HPIX2UPIX\": [4]}", "another NSIDE");
    check_json("j6", "{\"HPIX2UPIX\": [4]}", "no NSIDE");
    check_json("j7", "{\"NSIDE\": 2}", "no HPIX2UPIX");
    check_json("j8", "{\"NSIDE\": 4, \"HPIX2UPIX\": [4, 4, 4, 4, 20, 21, 22, -1, " REST "}",
               "192 whole numbers");
    check_json("j9", "{\"NSIDE\": 2, \"HPIX2UPIX\": [4, 4, 4, \"4\", 20, 21, 22, -1, " REST "}",
               "48 whole numbers");
    check_json("j10", "{\"NSIDE\": 2, \"HPXNEST\": false, \"HPIX2UPIX\": [4]}", "nested");
    check_json("j11", "", "no HPIX2UPIX");
}

static void lists(void **state)
{
    (void)state;
    struct fb_pixel_map map;
    struct fb_error err;
    static const int64_t good[] = { 4, 20 }, overlap[] = { 4, 17 }, wrong[] = { 2 };
    assert_int_equal(fb_pixel_map_from_list(&map, "list", good, 2, &err), 0);
    assert_int_equal(map.nside, 2);
    assert_int_equal(map.upix[3], 4);
    assert_int_equal(map.upix[4], 20);
    assert_int_equal(map.upix[5], -1);
    fb_pixel_map_release(&map);
    assert_int_equal(fb_pixel_map_from_list(&map, "list", overlap, 2, &err), -1);
    assert_non_null(strstr(err.text, "found 4 and 17"));
    fb_pixel_map_release(&map);
    assert_int_equal(fb_pixel_map_from_list(&map, "list", wrong, 1, &err), -1);
    fb_pixel_map_release(&map);
    char *top = below("empty");
    assert_int_equal(fb_pixel_map_read(&map, top, "main", "dark", &err), -1);
    assert_non_null(strstr(err.text, "hpix2upix-main-dark.fits"));
    fb_pixel_map_release(&map);
    free(top);
}

static void folders_above(void **state)
{
    static const struct {
        const char *path;
        int levels;
        const char *above; /* NULL: can't be told */
    } cases[] = { { "/a/b/c", 1, "/a/b" }, { "/a/b/c", 2, "/a" },   { "/a/b/c", 3, "/" },
                  { "/a/b/c", 4, NULL },   { "/a//b///", 1, "/a" }, { "/", 1, NULL },
                  { "a/b", 1, "a" },       { "a/b", 2, "." },       { "a/b", 3, NULL },
                  { "./a", 1, "." },       { "./a", 2, NULL },      { "..", 1, NULL },
                  { "../a/b", 2, ".." },   { "../a/b", 3, NULL },   { "a/..", 1, NULL },
                  { "a/.hidden", 1, "a" }, { "a/...", 1, NULL },    { "", 1, NULL } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *above = fb_path_above(cases[i].path, cases[i].levels);
        if (cases[i].above) {
            assert_non_null(above);
            assert_string_equal(above, cases[i].above);
        } else {
            assert_null(above);
        }
        free(above);
    }
}

static void any_file(void **state)
{
    struct fb_error err = { "" };
    char *top = below("any");
    struct fb_tree tree = { .root = top, .survey = "main", .program = "dark", .scheme = FB_SCHEME_HEALPIX };
    int64_t pixel = -1;
    (void)state;
    assert_int_equal(fb_tree_any(&tree, "zafter", &pixel, &err), 0); /* no such folder */
    for (int i = 0; i < 2; i++) {
        char *path = fb_tree_path(&tree, i == 0 ? "coadd" : "zafter", i == 0 ? 712 : 1234);
        put_file(path, "");
        free(path);
    }
    assert_int_equal(fb_tree_any(&tree, "zafter", &pixel, &err), 1);
    assert_int_equal(pixel, 1234);
    assert_int_equal(fb_tree_any(&tree, "baltable", &pixel, &err), 0);
    tree.scheme = FB_SCHEME_UNIQPIX;
    assert_int_equal(fb_tree_any(&tree, "zafter", &pixel, &err), 0);
    free(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),         cmocka_unit_test(pixels),
        cmocka_unit_test(schemes),       cmocka_unit_test(tiles_and_nights),
        cmocka_unit_test(json_maps),     cmocka_unit_test(lists),
        cmocka_unit_test(folders_above), cmocka_unit_test(any_file),
    };
    return cmocka_run_group_tests_name("trees", tests, make_folder, remove_folder);
}
