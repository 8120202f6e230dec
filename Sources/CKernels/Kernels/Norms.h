// RMS and layer norms. Sums are in fp64 (eight lanes twice, one fixed tree), so that the scale is as good as correctly rounded.
#pragma once
#include "Convert.h"
#include "Rounding.h"

typedef struct {
    const float *x, *w, *b, *added;      // added: to x, before anything else; NULL: nothing
    float *y, eps;
    int64_t rows, n, block;
    int layer;
    const rounding *inner, *out; // of x / rms, before the weight, and of what comes out; NULL: fp32
} norm_job;

static double row_sum(const float *x, int64_t n, double mean, int squares) {
    doubles a = splat_double(0), b = a, m = splat_double(mean);
    int64_t i = 0;
    for (; i < n; i += W) {
        lanes v = n - i >= W ? load(x + i) : load_part(x + i, n - i, 0);
        doubles l = low_doubles(v) - m, h = high_doubles(v) - m;
        if (n - i < W)
            for (int64_t j = n - i; j < W; j++) {
                if (j < 8) l[j] = 0;
                else h[j - 8] = 0;
            }
        a += squares ? l * l : l;
        b += squares ? h * h : h;
    }
    return sum_doubles(a + b);
}

static void rms_row(const norm_job *j, const float *x, float *y) {
    float scale = (float)(1 / sqrt(row_sum(x, j->n, 0, 1) / (double)j->n + j->eps));
    int64_t i = 0;
    for (; i + W <= j->n; i += W) {
        lanes v = load(x + i) * splat(scale);
        if (j->inner) v = round_lanes(v, j->inner);
        store(y + i, j->w ? load(j->w + i) * v : v);
    }
    if (i == j->n) return;
    lanes v = load_part(x + i, j->n - i, 0) * splat(scale);
    if (j->inner) v = round_lanes(v, j->inner);
    store_part(y + i, j->w ? load_part(j->w + i, j->n - i, 0) * v : v, j->n - i);
}

static void layer_row(const norm_job *j, const float *x, float *y) {
    double mean = row_sum(x, j->n, 0, 0) / (double)j->n, scale = 1 / sqrt(row_sum(x, j->n, mean, 1) / (double)j->n + j->eps);
    doubles m = splat_double(mean), s = splat_double(scale);
    int64_t i = 0;
    for (; i + W <= j->n; i += W) {
        lanes v = load(x + i);
        v = narrow((low_doubles(v) - m) * s, (high_doubles(v) - m) * s);
        if (j->w) v = v * load(j->w + i);
        if (j->b) v = v + load(j->b + i);
        store(y + i, v);
    }
    for (; i < j->n; i++) {
        float v = (float)((x[i] - mean) * scale);
        if (j->w) v = v * j->w[i];
        if (j->b) v = v + j->b[i];
        y[i] = v;
    }
}

static void norm_task(void *context, int64_t task) {
    const norm_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        const float *x = j->x + r * j->n;
        float *y = j->y + r * j->n;
        for (int64_t i = 0; j->added && i < j->n; i++) y[i] = x[i] + j->added[r * j->n + i];
        (j->layer ? layer_row : rms_row)(j, j->added ? y : x, y);
        if (j->out) round_run(y, y, j->n, j->out);
    }
}

// Weights are upcast once for all rows; `room` holds 2 n floats.
static void run_norm(norm_job *j, const void *w, ck_type wt, const void *b, ck_type bt, int plus_one, int threads) {
    if (j->rows <= 0 || j->n <= 0) return;
    float few[2048], *room = j->n <= 1024 ? few : ck_allocate((size_t)j->n * 8);
    if (!room) {
        fill(j->y, j->rows * j->n, NAN);
        return;
    }
    if (w) upcast_run(w, wt, room, j->n), j->w = room;
    if (b) upcast_run(b, bt, room + j->n, j->n), j->b = room + j->n;
    for (int64_t i = 0; w && plus_one && i < j->n; i++) room[i] = 1 + room[i];
    j->block = ck_max(1, 16384 / j->n);
    ck_parallel(ck_ceil_div(j->rows, j->block), threads, norm_task, j);
    if (room != few) ck_free(room, (size_t)j->n * 8);
}

static void rms_norm_rounded(const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *parts,
                             const ck_format *format, float *y, int64_t rows, int64_t n, int threads) {
    rounding inner, out;
    norm_job j = {.x = x, .y = y, .eps = eps, .rows = rows, .n = n, .layer = 0, .inner = part_rounding(&inner, parts),
                  .out = part_rounding(&out, format)};
    run_norm(&j, w, wt, NULL, CK_F32, plus_one, threads);
}
static void rms_norm(const float *x, const void *w, ck_type wt, float eps, int plus_one, float *y, int64_t rows, int64_t n, int threads) {
    rms_norm_rounded(x, w, wt, eps, plus_one, NULL, NULL, y, rows, n, threads);
}

static void layer_norm(const float *x, const void *w, ck_type wt, const void *b, ck_type bt, float eps, int plus_one,
                       const ck_format *format, float *y, int64_t rows, int64_t n, int threads) {
    rounding out;
    norm_job j = {.x = x, .y = y, .eps = eps, .rows = rows, .n = n, .layer = 1, .out = part_rounding(&out, format)};
    run_norm(&j, w, wt, b, bt, plus_one, threads);
}
