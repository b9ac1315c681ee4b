/*
 * test_file.c - fits/file.h: which calls are retried, and when retrying ends.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "fits/file.h"

enum { NEVER = 1 << 30 };
static int calls, stop_at;

static int stops(void)
{
    return ++calls >= stop_at;
}

static int try_again(int reason, int attempt, int stop)
{
    calls = 0;
    stop_at = stop;
    return fb_try_again(reason, attempt);
}

static void test_worth_another_try(void **state)
{
    (void)state;
    fb_file_stops_when(stops);
    for (int attempt = 0; attempt < 5; attempt++) {
        int expected = attempt < 3;
        assert_int_equal(try_again(EIO, attempt, NEVER), expected);
        assert_int_equal(try_again(ESTALE, attempt, NEVER), expected);
        assert_int_equal(try_again(EINTR, attempt, NEVER), 1);
        assert_int_equal(try_again(ENOENT, attempt, NEVER), 0);
    }
}

static void test_nothing_once_asked_to_stop(void **state)
{
    (void)state;
    fb_file_stops_when(stops);
    for (int attempt = 0; attempt < 5; attempt++) {
        assert_int_equal(try_again(EIO, attempt, 1), 0);
        assert_int_equal(try_again(EINTR, attempt, 1), 0);
    }
}

/* A wait in progress ends at the next poll. */
static void test_waits_end_early(void **state)
{
    (void)state;
    fb_file_stops_when(stops);
    assert_int_equal(try_again(EIO, 2, NEVER), 1);
    int whole = calls;
    assert_int_equal(try_again(EIO, 2, 3), 0);
    assert_true(calls < 10 && whole > 50);
}

static void test_nobody_to_ask(void **state)
{
    (void)state;
    fb_file_stops_when(NULL);
    assert_int_equal(fb_try_again(EIO, 0), 1);
    assert_int_equal(fb_try_again(EINTR, 9), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worth_another_try),
        cmocka_unit_test(test_nothing_once_asked_to_stop),
        cmocka_unit_test(test_waits_end_early),
        cmocka_unit_test(test_nobody_to_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
