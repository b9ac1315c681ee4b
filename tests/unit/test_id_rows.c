/* id_rows: sorting, and finding the first row of a target. SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "desi/id_rows.h"

static void test_rows_of_a_target(void **state)
{
    (void)state;
    struct fb_id_row rows[] = { { 7, 0 }, { INT64_MAX, 1 }, { -3, 2 }, { 7, 3 }, { INT64_MIN, 4 }, { 7, 5 } };
    static const struct fb_id_row sorted[] = { { INT64_MIN, 4 }, { -3, 2 }, { 7, 0 },
                                               { 7, 3 },         { 7, 5 },  { INT64_MAX, 1 } };
    enum { N = sizeof rows / sizeof *rows };
    for (int again = 0; again < 2; again++) { /* the second time they are sorted already */
        fb_id_rows_sort(rows, N);
        for (size_t i = 0; i < N; i++) {
            assert_true(rows[i].targetid == sorted[i].targetid);
            assert_int_equal(rows[i].row, sorted[i].row);
        }
    }
    assert_int_equal(fb_id_rows_find(rows, N, INT64_MIN), 0);
    assert_int_equal(fb_id_rows_find(rows, N, 7), 2);
    assert_int_equal(fb_id_rows_find(rows, N, INT64_MAX), 5);
    assert_int_equal(fb_id_rows_find(rows, N, 8), N);
    assert_int_equal(fb_id_rows_find(rows, N - 1, INT64_MAX), N - 1);
    assert_int_equal(fb_id_rows_find(rows, 0, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows_of_a_target) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
