// Gradients of softmax and of the loss that reads it. Sums are in fp64 and one fixed tree, as in Softmax.h.
#pragma once
#include "Softmax.h"
#include "Tile.h"

typedef struct {
    const float *p, *dy;         // cross entropy: the logits, and the gradient of each row's loss
    float *dx;
    int64_t rows, n, T, block;
    const ck_mask *mask;
    const int32_t *targets;
    const rounding *out;         // of what comes out; NULL: fp32
} row_gradient_job;

// dx = p (dp - sum of p dp)
static void softmax_gradient_row(const float *p, const float *dp, float *dx, int64_t n, const rounding *format) {
    const rounding f = format ? *format : (rounding){0};        // of its own, so that no store can change it
    doubles a = splat_double(0), b = a;
    for (int64_t i = 0; i < n; i += W) {
        lanes u = load_columns(p + i, n - i), v = load_columns(dp + i, n - i);
        a += low_doubles(u) * low_doubles(v), b += high_doubles(u) * high_doubles(v);
    }
    const lanes sum = splat((float)sum_doubles(a + b));
    for (int64_t i = 0; i < n; i += W) {
        lanes d = load_columns(p + i, n - i) * (load_columns(dp + i, n - i) - sum);
        store_columns(dx + i, format ? round_lanes(d, &f) : d, n - i);
    }
}

static void softmax_gradient_task(void *context, int64_t task) {
    const row_gradient_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        int64_t lo = 0, hi = j->n, at = r * j->n;
        if (j->mask) ck_visible(j->mask, r % j->T, j->n, &lo, &hi);
        memset(j->dx + at, 0, (size_t)lo * 4);
        softmax_gradient_row(j->p + at + lo, j->dy + at + lo, j->dx + at + lo, hi - lo, j->out);
        memset(j->dx + at + hi, 0, (size_t)(j->n - hi) * 4);
    }
}

// dz = (softmax(z) - [v = target]) dl, while the row is in the cache.
static void cross_entropy_gradient_row(const float *z, int64_t target, float dl, float *dz, int64_t n, const rounding *format) {
    const rounding f = format ? *format : (rounding){0};
    double sum = row_exp_sum(z, dz, n, row_max(z, n)), at = dz[target];
    const lanes factor = splat((float)(dl / sum));
    for (int64_t i = 0; i < n; i += W) {
        lanes d = load_columns(dz + i, n - i) * factor;
        store_columns(dz + i, format ? round_lanes(d, &f) : d, n - i);
    }
    const lanes own = splat((float)((at / sum - 1) * dl));
    dz[target] = (format ? round_lanes(own, &f) : own)[0];
}

static void cross_entropy_gradient_task(void *context, int64_t task) {
    const row_gradient_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        const int32_t target = j->targets[r];
        if (target < 0 || target >= j->n) memset(j->dx + r * j->n, 0, (size_t)j->n * 4);
        else cross_entropy_gradient_row(j->p + r * j->n, target, j->dy[r], j->dx + r * j->n, j->n, j->out);
    }
}

static void run_row_gradients(row_gradient_job *j, int threads, void (*body)(void *, int64_t)) {
    if (j->rows <= 0 || j->n <= 0) return;
    j->block = ck_max(1, 16384 / j->n);
    ck_parallel(ck_ceil_div(j->rows, j->block), threads, body, j);
}

static void softmax_gradient(const float *p, const float *dp, const ck_format *format, float *dx, int64_t rows, int64_t n,
                             const ck_mask *mask, int64_t T, int threads) {
    rounding out;
    row_gradient_job j = {.p = p, .dy = dp, .dx = dx, .rows = rows, .n = n, .mask = mask, .T = ck_max(1, T),
                          .out = part_rounding(&out, format)};
    run_row_gradients(&j, threads, softmax_gradient_task);
}

static void cross_entropy_gradient(const float *z, const int32_t *targets, const float *dl, const ck_format *format, float *dz,
                                   int64_t rows, int64_t n, int threads) {
    rounding out;
    row_gradient_job j = {.p = z, .dy = dl, .dx = dz, .rows = rows, .n = n, .targets = targets, .out = part_rounding(&out, format)};
    run_row_gradients(&j, threads, cross_entropy_gradient_task);
}
