// Rows as probabilities, and the loss that reads them as such. Sums are taken in fp64, in eight lanes twice and one fixed tree.
#pragma once
#include "Exponential.h"
#include "Rounding.h"

typedef struct {
    const float *x;
    float *y;
    int64_t rows, n, T, block;
    const ck_mask *mask;
    const int32_t *targets;
    const rounding *out;         // of what comes out; NULL: fp32
} row_job;

static float row_max(const float *x, int64_t n) {
    lanes a = splat(-INFINITY), b = a;
    int64_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) a = larger(load(x + i), a), b = larger(load(x + i + W), b);
    if (i + W <= n) a = larger(load(x + i), a), i += W;
    if (i < n) b = larger(load_part(x + i, n - i, -INFINITY), b);
    return max_lanes(larger(a, b));
}

// The sum of exp(x - max); the terms are stored where y is given.
static double row_exp_sum(const float *x, float *y, int64_t n, float max) {
    doubles a = splat_double(0), b = a;
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        lanes e = exp_lanes(load(x + i) - splat(max));
        if (y) store(y + i, e);
        a += low_doubles(e), b += high_doubles(e);
    }
    if (i < n) {
        lanes e = exp_lanes(load_part(x + i, n - i, max) - splat(max));
        float t[W];
        store(t, e);
        for (int64_t j = n - i; j < W; j++) t[j] = 0;
        e = load(t);
        if (y) store_part(y + i, e, n - i);
        a += low_doubles(e), b += high_doubles(e);
    }
    return sum_doubles(a + b);
}

// p / sum, for p from 0 to 1 and a sum from 1 to 2^24, from the rounded 1 / sum: after one correction the quotient is one of the two nearest,
// after two it is the nearest (Markstein 1990). Where a remainder might be subnormal, by the division.
INLINE lanes share_of(lanes p, lanes sum, lanes inverse) {
    const words least = splat_word(0x0f800000);      // 2^-96
    if (has_any((words)((words)p - 1 < least - 1), 1)) return p / sum;
    lanes q = p * inverse;
    q = fma16(fma16(-q, sum, p), inverse, q);
    return fma16(fma16(-q, sum, p), inverse, q);
}

static void softmax_row(const float *x, float *y, int64_t n, const rounding *format) {
    if (n <= 0) return;
    const rounding f = format ? *format : (rounding){0};        // of its own, so that no store can change it
    const lanes sum = splat((float)row_exp_sum(x, y, n, row_max(x, n))), inverse = splat(1.0f) / sum;
    const int is_sum = sum[0] >= 1 && sum[0] <= 0x1p24f;        // of numbers
    for (int64_t i = 0; i < n; i += W) {
        lanes p = load_columns(y + i, n - i);
        p = is_sum ? share_of(p, sum, inverse) : p / sum;
        store_columns(y + i, format ? round_lanes(p, &f) : p, n - i);
    }
}

static void softmax_task(void *context, int64_t task) {
    const row_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        int64_t lo = 0, hi = j->n;
        if (j->mask) ck_visible(j->mask, r % j->T, j->n, &lo, &hi);
        float *y = j->y + r * j->n;
        memset(y, 0, (size_t)lo * 4);
        softmax_row(j->x + r * j->n + lo, y + lo, hi - lo, j->out);
        memset(y + hi, 0, (size_t)(j->n - hi) * 4);
    }
}

// About 16 K elements a task; fewer than two of them are not worth a second thread.
static void run_rows(row_job *j, int threads, void (*body)(void *, int64_t)) {
    if (j->rows <= 0 || j->n < 0) return;
    j->block = ck_max(1, 16384 / ck_max(1, j->n));
    ck_parallel(ck_ceil_div(j->rows, j->block), threads, body, j);
}

static void softmax(const float *x, const ck_format *format, float *y, int64_t rows, int64_t n, const ck_mask *mask, int64_t T, int threads) {
    rounding out;
    row_job j = {.x = x, .y = y, .rows = rows, .n = n, .mask = mask, .T = ck_max(1, T), .out = part_rounding(&out, format)};
    run_rows(&j, threads, softmax_task);
}

static void cross_entropy_task(void *context, int64_t task) {
    const row_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        const float *x = j->x + r * j->n;
        j->y[r] = 0;
        if (j->targets[r] < 0 || j->targets[r] >= j->n) continue;
        float max = row_max(x, j->n);
        j->y[r] = (float)(log(row_exp_sum(x, NULL, j->n, max)) + ((double)max - x[j->targets[r]]));
    }
}

static void cross_entropy(const float *x, const int32_t *targets, float *losses, int64_t rows, int64_t n, int threads) {
    row_job j = {.x = x, .y = losses, .rows = rows, .n = n, .targets = targets};
    run_rows(&j, threads, cross_entropy_task);
}
