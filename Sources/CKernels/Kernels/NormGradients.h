// Gradients of RMS and layer norm. With x' = (x - mean) r and g = dy w: dx = r (g - mean(g) - x' mean(g x')), where RMS norm has no mean
// to subtract; dw sums dy x' over the rows, db sums dy. All sums are in fp64: along a row as in Norms.h, over rows one after another.
// Where the forward rounds x' before the weight, autograd keeps g and, for dw, the products dy x' in that format. A layer norm is one
// operation of PyTorch: on a CPU it keeps the mean and r in the format of x, and dw and db while rows are added to them.
#pragma once
#include "Norms.h"
#include "WeightGradient.h"

typedef struct {
    const float *dy, *x, *w;
    float *dx, *dw, *db;
    double *means, *scales;      // of each row
    int64_t rows, n, block;
    double eps;
    int layer;
    const rounding *inner;       // of g, of x' before the weight and of dy x'; NULL: they stay fp64
    const rounding *kept;        // of the mean and r, and of dw and db after each row; NULL: they stay fp64
} norm_gradient_job;

// dy and the factor that makes it g: rounded, g has the weight in it.
INLINE lanes slope_and_weight(const norm_gradient_job *j, const float *dy, int64_t i, lanes *w) {
    const int64_t n = j->n - i;
    lanes d = load_columns(dy + i, n);
    *w = j->w ? load_columns(j->w + i, n) : splat(1);
    if (!j->inner) return d;
    d = round_lanes(d * *w, j->inner);
    *w = splat(1);
    return d;
}

// The sums of g and of g (x - mean) over a row.
static void gradient_sums(const norm_gradient_job *j, const float *dy, const float *x, double mean, double *sum, double *product) {
    doubles s = splat_double(0), t = s, p = s, q = s, m = splat_double(mean);
    for (int64_t i = 0; i < j->n; i += W) {
        int64_t n = j->n - i;
        lanes w, d = slope_and_weight(j, dy, i, &w), v = load_columns(x + i, n);      // 0 beyond the row, so nothing is added there
        doubles a = low_doubles(d) * low_doubles(w), b = high_doubles(d) * high_doubles(w);
        s += a, t += b;
        p += a * (low_doubles(v) - m), q += b * (high_doubles(v) - m);
    }
    *sum = sum_doubles(s + t);
    *product = sum_doubles(p + q);
}

INLINE doubles input_gradient(doubles dy, doubles x, doubles w, doubles mean, doubles scale, doubles offset, doubles slope) {
    return scale * (dy * w - offset - (x - mean) * slope);
}

static double round_number(double x, const rounding *f) { return round_lanes(splat((float)x), f)[0]; }

static void norm_gradient_row(const norm_gradient_job *j, int64_t r) {
    const float *dy = j->dy + r * j->n, *x = j->x + r * j->n;
    const double n = (double)j->n;
    double mean = j->layer ? row_sum(x, j->n, 0, 0) / n : 0;
    double scale = 1 / sqrt(row_sum(x, j->n, mean, 1) / n + j->eps);
    if (j->kept) mean = round_number(mean, j->kept), scale = round_number(scale, j->kept);
    j->means[r] = mean, j->scales[r] = scale;
    if (!j->dx) return;
    double sum, product;
    gradient_sums(j, dy, x, mean, &sum, &product);
    doubles m = splat_double(mean), s = splat_double(scale), o = splat_double(j->layer ? sum / n : 0);
    doubles slope = splat_double(product / n * scale * scale);
    for (int64_t i = 0; i < j->n; i += W) {
        int64_t c = j->n - i;
        lanes w, d = slope_and_weight(j, dy, i, &w), v = load_columns(x + i, c);
        doubles a = input_gradient(low_doubles(d), low_doubles(v), low_doubles(w), m, s, o, slope);
        doubles b = input_gradient(high_doubles(d), high_doubles(v), high_doubles(w), m, s, o, slope);
        store_columns(j->dx + r * j->n + i, narrow(a, b), c);
    }
}
static void norm_gradient_task(void *context, int64_t task) {
    const norm_gradient_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) norm_gradient_row(j, r);
}

static void keep_rounded(doubles *a, doubles *b, const rounding *f) {
    lanes sum = round_lanes(narrow(*a, *b), f);
    *a = low_doubles(sum), *b = high_doubles(sum);
}

// Sixteen columns of dw and db; without x those of db.
static void norm_weights_task(void *context, int64_t task) {
    const norm_gradient_job *j = context;
    doubles a = splat_double(0), b = a, low = a, high = a;
    const int64_t c = task * W, n = j->n - c;
    for (int64_t r = 0; r < j->rows; r++) {
        lanes d = load_columns(j->dy + r * j->n + c, n), x = j->x ? load_columns(j->x + r * j->n + c, n) : splat(0);
        doubles m = splat_double(j->x ? j->means[r] : 0), s = splat_double(j->x ? j->scales[r] : 0);
        doubles dl = low_doubles(d), dh = high_doubles(d);
        low += dl, high += dh;
        if (j->kept) keep_rounded(&low, &high, j->kept);
        doubles xl = (low_doubles(x) - m) * s, xh = (high_doubles(x) - m) * s;
        if (!j->inner) {
            a += dl * xl, b += dh * xh;
            if (j->kept) keep_rounded(&a, &b, j->kept);
            continue;
        }
        lanes product = round_lanes(d * round_lanes(narrow(xl, xh), j->inner), j->inner);
        a += low_doubles(product), b += high_doubles(product);
    }
    if (j->dw) store_columns(j->dw + c, narrow(a, b), n);
    if (j->db) store_columns(j->db + c, narrow(low, high), n);
}

// `room` holds the weight upcast and two doubles a row.
static void norm_gradient(norm_gradient_job *j, const void *w, ck_type wt, int plus_one, int threads) {
    if (j->n <= 0) return;
    const int64_t rows = ck_max(j->rows, 0);
    const size_t bytes = (size_t)rows * 16 + (size_t)j->n * 4;
    double *room = ck_allocate(bytes);
    if (!room) {
        if (j->dx) fill(j->dx, rows * j->n, NAN);
        if (j->dw) fill(j->dw, j->n, NAN);
        if (j->db) fill(j->db, j->n, NAN);
        return;
    }
    j->means = room, j->scales = room + rows;
    float *weights = (float *)(room + 2 * rows);
    if (w) upcast_run(w, wt, weights, j->n), j->w = weights;
    for (int64_t i = 0; w && plus_one && i < j->n; i++) weights[i] = 1 + weights[i];
    j->block = ck_max(1, 16384 / j->n);
    if (rows > 0 && j->x) ck_parallel(ck_ceil_div(rows, j->block), threads, norm_gradient_task, j);
    if (j->dw || j->db) ck_parallel(ck_ceil_div(j->n, W), rows * j->n < RUN ? 1 : threads, norm_weights_task, j);
    ck_free(room, bytes);
}

static void rms_norm_gradient(const float *dy, const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format,
                              float *dx, float *dw, int64_t rows, int64_t n, int threads) {
    rounding inner;
    norm_gradient_job j = {.dy = dy, .x = x, .dx = dx, .dw = dw, .rows = rows, .n = n, .eps = eps,
                           .inner = part_rounding(&inner, format)};
    norm_gradient(&j, w, wt, plus_one, threads);
}

static void layer_norm_gradient(const float *dy, const float *x, const void *w, ck_type wt, float eps, int plus_one,
                                const ck_format *format, float *dx, float *dw, float *db, int64_t rows, int64_t n, int threads) {
    rounding kept;
    norm_gradient_job j = {.dy = dy, .x = x, .dx = dx, .dw = dw, .db = db, .rows = rows, .n = n, .eps = eps, .layer = 1,
                           .kept = part_rounding(&kept, format)};
    norm_gradient(&j, w, wt, plus_one, threads);
}
