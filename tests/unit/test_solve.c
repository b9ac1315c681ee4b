/*
 * test_solve.c - the equations of the fit: regular, nearly singular and singular ones (algorithm, §4).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

#include "internal.h"

enum { MAX = FASTBAL_MAX_TEMPLATES };

/* M = J'J for a matrix J of `rows` rows and n columns; only the lower triangle is set, the rest is NaN. */
static void normal_matrix(int n, int rows, const double *j, double *matrix)
{
    for (int c = 0; c < n; c++) {
        for (int r = 0; r < n; r++) {
            double sum = 0;
            for (int i = 0; i < rows; i++)
                sum += j[i * n + r] * j[i * n + c];
            matrix[r + c * n] = r >= c ? sum : NAN;
        }
    }
}

static double element(int n, const double *matrix, int r, int c)
{
    return r >= c ? matrix[r + c * n] : matrix[c + r * n];
}

static void multiply(int n, const double *matrix, const double *x, double *product)
{
    for (int r = 0; r < n; r++) {
        product[r] = 0;
        for (int c = 0; c < n; c++)
            product[r] += element(n, matrix, r, c) * x[c];
    }
}

/* Well-conditioned equations of every size, in units that are far apart. */
static void regular(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int n = 1; n <= MAX; n++) {
        double j[(MAX + 40) * MAX], matrix[MAX * MAX], rhs[MAX], x[MAX], truth[MAX];
        for (int c = 0; c < n; c++) {
            double unit = pow(10, c % 5 * 10 - 20);
            truth[c] = (1 + uniform(&seed)) / unit;
            for (int r = 0; r < n + 40; r++)
                j[r * n + c] = (uniform(&seed) - 0.5) * unit;
        }
        normal_matrix(n, n + 40, j, matrix);
        multiply(n, matrix, truth, rhs);
        assert_int_equal(fb_solve(n, matrix, rhs, x), FB_FIT_OK);
        for (int c = 0; c < n; c++)
            check_near(x[c] / truth[c], 1, 1e-12);
    }
}

/* By hand: 4 x + 2 y = 2, 2 x + 5 y = 9. */
static void two_by_hand(void **state)
{
    (void)state;
    const double matrix[4] = { 4, 2, NAN, 5 }, rhs[2] = { 2, 9 };
    double x[2];
    assert_int_equal(fb_solve(2, matrix, rhs, x), FB_FIT_OK);
    check_near(x[0], -0.5, 1e-15);
    check_near(x[1], 2, 1e-15);
}

/* Element r, c of the inverse of Hilbert's matrix 1 / (r + c + 1), a whole number: (-1)^(r+c) (r+c+1)
 * C(n+r, n-c-1) C(n+c, n-r-1) C(r+c, r)^2. */
static double binomial(int n, int k)
{
    double product = 1;
    for (int i = 1; i <= k; i++)
        product = product * (n - k + i) / i;
    return product;
}

static double inverse_hilbert(int n, int r, int c)
{
    double b = binomial(r + c, r);
    return ((r + c) % 2 ? -1 : 1) * (r + c + 1) * binomial(n + r, n - c - 1) * binomial(n + c, n - r - 1) *
           b * b;
}

/* Solved up to a condition of 1e12, with as many digits as that leaves; singular beyond. */
static void hilbert(void **state)
{
    (void)state;
    int outcomes[2] = { 0 };
    for (int n = 2; n <= 12; n++) {
        double matrix[MAX * MAX], rhs[MAX], x[MAX], norm = 0, inverse_norm = 0;
        for (int c = 0; c < n; c++) {
            double column = 0, inverse_column = 0, unit = 1 / sqrt(2 * c + 1);
            for (int r = 0; r < n; r++) {
                matrix[r + c * n] = 1.0 / (r + c + 1);
                column += matrix[r + c * n] / (unit / sqrt(2 * r + 1));
                inverse_column += fabs(inverse_hilbert(n, r, c)) * (unit / sqrt(2 * r + 1));
            }
            norm = fmax(norm, column);
            inverse_norm = fmax(inverse_norm, inverse_column);
            rhs[c] = c == 1;
        }
        double condition = norm * inverse_norm;
        assert_true(condition < 3e11 || condition > 3e12); /* no matter of rounding */
        int expected = condition < 1e12 ? FB_FIT_OK : FB_FIT_SINGULAR;
        outcomes[expected]++;
        assert_int_equal(fb_solve(n, matrix, rhs, x), expected);
        for (int r = 0; r < n; r++) {
            if (expected == FB_FIT_OK)
                check_near(x[r] / inverse_hilbert(n, r, 1), 1, 1e-15 * condition);
            else
                assert_true(isfinite(x[r]));
        }
    }
    assert_true(outcomes[FB_FIT_OK] >= 7 && outcomes[FB_FIT_SINGULAR] >= 3);
}

/*
 * The smallest solutions of normal equations M = J'J, y = J'f, with M scaled to a unit diagonal, as numpy has them:
 *
 *     s = 1 / sqrt(diag(M)), 0 for a zero
 *     s * (pinv(s[:, None] * M * s, rcond=1e-12, hermitian=True) @ (s * y))
 */
static void smallest_solutions(void **state)
{
    (void)state;
    const struct {
        int n, rows;
        double j[20], f[5], x[4];
    } cases[3] = {
        { 3, 4, { 1, 2, 3, 2, 4, 1, 3, 6, 5, 1, 2, 0 }, { 1, 2, 3, 4 }, { 0.92, 0.46, -0.48 } },
        { 4,
          5,
          { 1, 0, 1, 2, 0, 1, 1, -1, 2, 1, 3, 3, 1, 1, 2, 1, 3, -2, 1, 8 },
          { 1, -2, 3, 5, 7 },
          { 0.8430713289499905, -0.4514594540745175, 0.592865859733015, 0.3601564056584981 } },
        { 3, 3, { 1, 2, 0, 3, 4, 0, 5, 6, 0 }, { 1, 2, 4 }, { 2.0 / 3, 1.0 / 12, 0 } },
    };
    for (int k = 0; k < 3; k++) {
        int n = cases[k].n;
        double matrix[16], rhs[4] = { 0 }, x[4];
        normal_matrix(n, cases[k].rows, cases[k].j, matrix);
        for (int c = 0; c < n; c++)
            for (int i = 0; i < cases[k].rows; i++)
                rhs[c] += cases[k].j[i * n + c] * cases[k].f[i];
        assert_int_equal(fb_solve(n, matrix, rhs, x), FB_FIT_SINGULAR);
        for (int c = 0; c < n; c++)
            check_near(x[c], cases[k].x[c], 1e-12);
    }
}

/* As many unknowns as there can be, two of them redundant: the equations hold, and nothing of x lies along the null
 * vectors, which are known. */
static void largest_singular(void **state)
{
    (void)state;
    enum { N = MAX, ROWS = 60 };
    uint64_t seed = 5;
    double j[ROWS * N], matrix[N * N], rhs[N], x[N], product[N];
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < N - 2; c++)
            j[r * N + c] = uniform(&seed) - 0.5;
        j[r * N + N - 2] = j[r * N] + j[r * N + 1];
        j[r * N + N - 1] = 2 * j[r * N + 2] - j[r * N + 3];
    }
    normal_matrix(N, ROWS, j, matrix);
    for (int c = 0; c < N; c++) {
        rhs[c] = 0;
        for (int r = 0; r < ROWS; r++)
            rhs[c] += j[r * N + c] * (r % 7);
    }
    assert_int_equal(fb_solve(N, matrix, rhs, x), FB_FIT_SINGULAR);
    multiply(N, matrix, x, product);
    for (int c = 0; c < N; c++)
        check_near(product[c], rhs[c], 1e-11);
    const double square[6] = { matrix[0],
                               matrix[1 + N],
                               matrix[2 + 2 * N],
                               matrix[3 + 3 * N],
                               matrix[N - 2 + (N - 2) * N],
                               matrix[N - 1 + (N - 1) * N] };
    check_near(square[0] * x[0] + square[1] * x[1] - square[4] * x[N - 2], 0, 1e-10);
    check_near(2 * square[2] * x[2] - square[3] * x[3] - square[5] * x[N - 1], 0, 1e-10);
}

static void nothing_and_too_much(void **state)
{
    (void)state;
    double x[2];
    const double zero[4] = { 0 }, one[4] = { 1, 0, 0, 1 }, rhs[2] = { 0 };
    assert_int_equal(fb_solve(2, zero, rhs, x), FB_FIT_SINGULAR);
    assert_true(x[0] == 0 && x[1] == 0);
    const double bad[3] = { NAN, INFINITY, -INFINITY };
    for (int k = 0; k < 3; k++) {
        const double matrix[4] = { 1, 0, 0, bad[k] }, wrong[2] = { bad[k], 1 };
        assert_int_equal(fb_solve(2, matrix, rhs, x), FB_FIT_FAILED);
        assert_int_equal(fb_solve(2, one, wrong, x), FB_FIT_FAILED);
    }
    const double tiny = 1e-300, huge = 1e300; /* the solution is beyond any double */
    assert_int_equal(fb_solve(1, &tiny, &huge, x), FB_FIT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular),          cmocka_unit_test(two_by_hand),
        cmocka_unit_test(hilbert),          cmocka_unit_test(smallest_solutions),
        cmocka_unit_test(largest_singular), cmocka_unit_test(nothing_and_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
