// Large values made small enough for a screen: the heat map's bins and the histogram's.
#pragma once
#include "Codes.h"

typedef struct {
    const uint8_t *x;
    ck_type type;
    int64_t ld, cs, height, width, rows, columns;
    float *values;
    uint8_t *flags;
} pool_job;

enum { STAGE = 512 };

// n finite or other values into a bin: the largest magnitude, the earliest of equals, and what kinds there were.
static void pool_values(const float *x, int64_t n, float *best, uint8_t *flags) {
    const lanes infinity = splat(INFINITY);
    lanes top = splat(0);
    ints nan = {0}, pos = {0}, neg = {0}, finite = {0};
    for (int64_t i = 0; i < n; i += W) {
        lanes v = n - i >= W ? load(x + i) : load_part(x + i, n - i, x[i]);
        ints is_finite = magnitude(v) < infinity;
        nan |= v != v, pos |= v == infinity, neg |= v == -infinity, finite |= is_finite;
        top = larger(pick(is_finite, magnitude(v), splat(0)), top);
    }
    *flags |= (__builtin_reduce_or(nan) ? 1 : 0) | (__builtin_reduce_or(pos) ? 2 : 0) | (__builtin_reduce_or(neg) ? 4 : 0)
        | (__builtin_reduce_or(finite) ? 8 : 0);
    float most = max_lanes(top);
    if (most > fabsf(*best))
        for (int64_t i = 0; i < n; i++)
            if (fabsf(x[i]) == most) {
                *best = x[i];
                return;
            }
}

// NF4 is addressed by element: a step of one byte stands for one.
static void pool_stage(const pool_job *j, const uint8_t *from, int64_t n, float *stage) {
    const ck_nf4 *codes = (const ck_nf4 *)j->x;
    const int64_t size = (int64_t)ck_type_size(j->type), step = j->cs * size;
    if (j->type == CK_NF4)
        for (int64_t c = 0; c < (j->cs == 1 ? 1 : n); c++) unpack_nf4(codes, from - j->x + c * step, j->cs == 1 ? n : 1, stage + c);
    else if (j->cs == 1) upcast_run(from, j->type, stage, n);
    else for (int64_t c = 0; c < n; c++) stage[c] = one_element(from + c * step, j->type);
}

static void pool_run(const pool_job *j, const uint8_t *p, int64_t n, float *best, uint8_t *flags) {
    const size_t size = ck_type_size(j->type);
    float stage[STAGE];
    for (int64_t i = 0; i < n; i += STAGE) {
        int64_t part = ck_min(STAGE, n - i);
        pool_stage(j, p + i * j->cs * (int64_t)size, part, stage);
        pool_values(stage, part, best, flags);
    }
}

static void pool_task(void *context, int64_t r) {
    const pool_job *j = context;
    int64_t from = r * j->height / j->rows, to = ck_max(from + 1, (r + 1) * j->height / j->rows);
    float *values = j->values + r * j->columns;
    uint8_t *flags = j->flags + r * j->columns;
    memset(values, 0, (size_t)j->columns * 4);
    memset(flags, 0, (size_t)j->columns);
    for (int64_t i = from; i < to; i++)
        for (int64_t c = 0; c < j->columns; c++) {
            int64_t left = c * j->width / j->columns, right = ck_max(left + 1, (c + 1) * j->width / j->columns);
            const uint8_t *p = j->x + (i * j->ld + left * j->cs) * (int64_t)ck_type_size(j->type);
            pool_run(j, p, right - left, values + c, flags + c);
        }
}

static void pool(const void *x, ck_type type, int64_t ld, int64_t cs, int64_t height, int64_t width, float *values, uint8_t *flags,
                 int64_t rows, int64_t columns, int threads) {
    pool_job j = {x, type, ld, cs, height, width, rows, columns, values, flags};
    if (rows <= 0 || columns <= 0) return;
    if (height > 0 && width > 0) {
        ck_parallel(rows, height * width < 32768 ? 1 : threads, pool_task, &j);
    } else {
        memset(values, 0, (size_t)(rows * columns) * 4);
        memset(flags, 0, (size_t)(rows * columns));
    }
}

typedef struct { const float *x; int64_t n, bins; float low, high; double scale; _Atomic uint32_t *counts; } histogram_job;
enum { HISTOGRAM_RUN = 65536, LOCAL_BINS = 1024 };

static void histogram_task(void *context, int64_t task) {
    const histogram_job *j = context;
    uint32_t local[LOCAL_BINS] = {0};
    int64_t from = task * HISTOGRAM_RUN, to = ck_min(from + HISTOGRAM_RUN, j->n);
    for (int64_t i = from; i < to; i++) {
        float v = j->x[i];
        if (!(v >= j->low && v < j->high)) continue;
        int64_t b = ck_min((int64_t)(((double)v - j->low) * j->scale), j->bins - 1);
        if (j->bins <= LOCAL_BINS) local[b]++;
        else atomic_fetch_add_explicit(&j->counts[b], 1, memory_order_relaxed);
    }
    for (int64_t b = 0; j->bins <= LOCAL_BINS && b < j->bins; b++)
        if (local[b]) atomic_fetch_add_explicit(&j->counts[b], local[b], memory_order_relaxed);
}

static void histogram(const float *x, int64_t n, float low, float high, uint32_t *counts, int64_t bins, int threads) {
    if (bins <= 0) return;
    memset(counts, 0, (size_t)bins * 4);
    if (n <= 0 || !(low < high)) return;
    histogram_job j = {x, n, bins, low, high, (double)bins / ((double)high - low), (_Atomic uint32_t *)counts};
    ck_parallel(ck_ceil_div(n, HISTOGRAM_RUN), threads, histogram_task, &j);
}
