// One value from one or two others: activation functions, sums, products, upcasts, table rows and rotary positions.
#pragma once
#include "Codes.h"
#include "Exponential.h"
#include "Rounding.h"

enum { RUN = 32768 };      // elements a task: about ten microseconds, and within the second-level cache

typedef struct {
    const float *a, *b;
    const uint8_t *w;
    ck_type type;
    float *y, factor;
    int64_t n;
    ck_function function;
    const rounding *inner, *out;         // of the parts and of what comes out; NULL: fp32
    void (*body)(void *context, int64_t task);
} run_job;

INLINE void map_run(ck_function f, const float *x, float *y, int64_t n) {
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, apply_lanes(f, load(x + i)));
    if (i < n) store_part(y + i, apply_lanes(f, load_part(x + i, n - i, 0)), n - i);
}
#define FUNCTIONS(F) F(CK_SILU) F(CK_GELU_TANH) F(CK_GELU_ERF) F(CK_GELU_QUICK) F(CK_RELU) F(CK_RELU_SQUARED) F(CK_EXP) F(CK_TANH) \
    F(CK_SIGMOID)
#define TASK(F) static void task_##F(void *context, int64_t task) { \
        const run_job *j = context; \
        map_run(F, j->a + task * RUN, j->y + task * RUN, ck_min(RUN, j->n - task * RUN)); \
    }
FUNCTIONS(TASK)
#undef TASK

#define SIMPLE(NAME, EXPRESSION) static void NAME##_task(void *context, int64_t task) { \
        const run_job *j = context; \
        for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i++) j->y[i] = EXPRESSION; \
    }
SIMPLE(add, j->a[i] + j->b[i])
SIMPLE(multiply, j->a[i] * j->b[i])
SIMPLE(scale, j->a[i] * j->factor)
#undef SIMPLE

static void softcap_task(void *context, int64_t task) {
    const run_job *j = context;
    lanes cap = splat(j->factor);
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) {
        int64_t n = ck_min(W, end - i);
        lanes x = (n == W ? load(j->a + i) : load_part(j->a + i, n, 0)) / cap;
        x = j->inner ? round_lanes(tanh_lanes(round_lanes(x, j->inner)), j->inner) : tanh_lanes(x);
        if (n == W) store(j->y + i, cap * x);
        else store_part(j->y + i, cap * x, n);
    }
}

static void upcast_task(void *context, int64_t task) {
    const run_job *j = context;
    if (j->type == CK_NF4) return unpack_nf4((const ck_nf4 *)j->w, task * RUN, ck_min(RUN, j->n - task * RUN), j->y + task * RUN);
    upcast_run(j->w + (size_t)(task * RUN) * ck_type_size(j->type), j->type, j->y + task * RUN, ck_min(RUN, j->n - task * RUN));
}

// What a task has made is rounded while it is in the second-level cache.
static void run_task(void *context, int64_t task) {
    const run_job *j = context;
    float *y = j->y + task * RUN;
    j->body(context, task);
    if (j->out) round_run(y, y, ck_min(RUN, j->n - task * RUN), j->out);
}
static void run_job_over(run_job *j, int threads, void (*body)(void *, int64_t)) {
    j->body = body;
    if (j->n > 0) ck_parallel(ck_ceil_div(j->n, RUN), threads, run_task, j);
}

static void map_job(ck_function f, run_job *j, int threads) {
    switch (f) {
#define CASE(F) case F: run_job_over(j, threads, task_##F); return;
    FUNCTIONS(CASE)
#undef CASE
    }
}
// Functions that are written as chains of smaller ones: gelu_new and quick_gelu of Hugging Face, each part rounded.
INLINE lanes apply_chain(ck_function f, lanes x, const rounding *r) {
    if (f == CK_GELU_QUICK) return x * round_lanes(apply_lanes(CK_SIGMOID, round_lanes(splat(1.702f) * x, r)), r);
    lanes cube = round_lanes(splat(0.044715f) * round_cube(x, r), r), sum = round_lanes(x + cube, r);
    lanes t = round_lanes(tanh_lanes(round_lanes(splat(0.7978845608028654f) * sum, r)), r);
    return round_lanes(splat(0.5f) * x, r) * round_lanes(splat(1.0f) + t, r);
}
static void chain_task(void *context, int64_t task) {
    const run_job *j = context;
    const rounding f = *j->inner;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) {
        lanes v = end - i >= W ? load(j->a + i) : load_part(j->a + i, end - i, 0);
        v = apply_chain(j->function, v, &f);
        if (end - i >= W) store(j->y + i, v);
        else store_part(j->y + i, v, end - i);
    }
}
static void map_rounded(ck_function f, const float *x, const ck_format *parts, const ck_format *format, float *y, int64_t n, int threads) {
    rounding inner, out;
    run_job j = {.a = x, .y = y, .n = n, .function = f, .inner = part_rounding(&inner, parts), .out = part_rounding(&out, format)};
    if (j.inner) run_job_over(&j, threads, chain_task);
    else map_job(f, &j, threads);
}
static void map(ck_function f, const float *x, float *y, int64_t n, int threads) { map_rounded(f, x, NULL, NULL, y, n, threads); }
static void add(const float *a, const float *b, const ck_format *format, float *y, int64_t n, int threads) {
    rounding out;
    run_job j = {.a = a, .b = b, .y = y, .n = n, .out = part_rounding(&out, format)};
    run_job_over(&j, threads, add_task);
}
static void multiply(const float *a, const float *b, const ck_format *format, float *y, int64_t n, int threads) {
    rounding out;
    run_job j = {.a = a, .b = b, .y = y, .n = n, .out = part_rounding(&out, format)};
    run_job_over(&j, threads, multiply_task);
}
static void scale(const float *a, float factor, const ck_format *format, float *y, int64_t n, int threads) {
    rounding out;
    run_job j = {.a = a, .factor = factor, .y = y, .n = n, .out = part_rounding(&out, format)};
    run_job_over(&j, threads, scale_task);
}
static void softcap(const float *a, float cap, const ck_format *format, float *y, int64_t n, int threads) {
    rounding inner;
    run_job j = {.a = a, .factor = cap, .y = y, .n = n, .inner = part_rounding(&inner, format)};
    j.out = j.inner;
    run_job_over(&j, threads, softcap_task);
}
static void upcast(const void *x, ck_type type, float *y, int64_t n, int threads) {
    run_job j = {.w = x, .type = type, .y = y, .n = n};
    run_job_over(&j, threads, upcast_task);
}

typedef struct {
    const uint8_t *table;
    ck_type type;
    const int32_t *ids;
    float *y;
    int64_t ld, rows, n, block;
} gather_job;

static void gather_task(void *context, int64_t task) {
    const gather_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++)
        upcast_run(j->table + (size_t)(j->ids[r] * j->ld) * ck_type_size(j->type), j->type, j->y + r * j->n, j->n);
}
static void gather(const void *table, ck_type type, int64_t ld, const int32_t *ids, float *y, int64_t rows, int64_t n, int threads) {
    gather_job j = {table, type, ids, y, ld, rows, n, ck_max(1, RUN / ck_max(1, n))};
    if (rows > 0 && n > 0) ck_parallel(ck_ceil_div(rows, j.block), threads, gather_task, &j);
}

typedef struct {
    ck_heads x;
    const float *cos, *sin;
    float *y;
    int64_t T, D, half, rows, block;
    int interleaved;
    float turn;                  // 1: by the angle, -1: back
    const rounding *inner;       // of the products and of what comes out; NULL: fp32
} rope_job;

// Both products rounded before they are added, and their sum.
static void rope_row_rounded(const rope_job *j, const float *x, float *y, const float *c, const float *s) {
    const int64_t half = j->half;
    const rounding f = *j->inner;
    for (int64_t p = 0; !j->interleaved && p < half; p += W) {
        int64_t n = ck_min(W, half - p);
        lanes a = load_columns(x + p, n), b = load_columns(x + half + p, n), u = load_columns(c + p, n), v = load_columns(s + p, n);
        v = v * splat(j->turn);
        store_columns(y + p, round_lanes(round_lanes(a * u, &f) - round_lanes(b * v, &f), &f), n);
        store_columns(y + half + p, round_lanes(round_lanes(b * u, &f) + round_lanes(a * v, &f), &f), n);
    }
    for (int64_t p = 0; j->interleaved && p < half; p++) {
        lanes products = {x[2 * p] * c[p], x[2 * p + 1] * s[p], x[2 * p + 1] * c[p], x[2 * p] * s[p]};
        products = round_lanes(products, &f);
        y[2 * p] = products[0] - j->turn * products[1];
        y[2 * p + 1] = products[2] + j->turn * products[3];
    }
    if (j->interleaved) round_run(y, y, 2 * half, &f);
    round_run(x + 2 * half, y + 2 * half, j->D - 2 * half, &f);
}

static void rope_row(const rope_job *j, const float *restrict x, float *restrict y, const float *restrict c, const float *restrict s) {
    const int64_t half = j->half;
    const float turn = j->turn;
    for (int64_t p = 0; !j->interleaved && p < half; p++) {
        y[p] = x[p] * c[p] - x[p + half] * (turn * s[p]);
        y[p + half] = x[p + half] * c[p] + x[p] * (turn * s[p]);
    }
    for (int64_t p = 0; j->interleaved && p < half; p++) {
        y[2 * p] = x[2 * p] * c[p] - x[2 * p + 1] * (turn * s[p]);
        y[2 * p + 1] = x[2 * p + 1] * c[p] + x[2 * p] * (turn * s[p]);
    }
    memcpy(y + 2 * half, x + 2 * half, (size_t)(j->D - 2 * half) * 4);
}
static void rope_task(void *context, int64_t task) {
    const rope_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        int64_t t = r % j->T;
        (j->inner ? rope_row_rounded : rope_row)(j, j->x.base + r / j->T * j->x.head_stride + t * j->x.token_stride, j->y + r * j->D,
                                                 j->cos + t * j->half, j->sin + t * j->half);
    }
}
static void rope_rounded(ck_heads x, const float *cos, const float *sin, const ck_format *format, float *y, int64_t heads, int64_t T,
                         int64_t D, int64_t rotary, int interleaved, int threads) {
    rounding inner;
    rope_job j = {x, cos, sin, y, T, D, rotary / 2, heads * T, ck_max(1, RUN / ck_max(1, D)), interleaved, 1,
                  part_rounding(&inner, format)};
    if (j.rows > 0 && D > 0) ck_parallel(ck_ceil_div(j.rows, j.block), threads, rope_task, &j);
}
static void rope(ck_heads x, const float *cos, const float *sin, float *y, int64_t heads, int64_t T, int64_t D, int64_t rotary,
                 int interleaved, int threads) {
    rope_rounded(x, cos, sin, NULL, y, heads, T, D, rotary, interleaved, threads);
}
static void rope_gradient(ck_heads dy, const float *cos, const float *sin, const ck_format *format, float *dx, int64_t heads, int64_t T,
                          int64_t D, int64_t rotary, int interleaved, int threads) {
    rounding inner;
    rope_job j = {dy, cos, sin, dx, T, D, rotary / 2, heads * T, ck_max(1, RUN / ck_max(1, D)), interleaved, -1,
                  part_rounding(&inner, format)};
    if (j.rows > 0 && D > 0) ck_parallel(ck_ceil_div(j.rows, j.block), threads, rope_task, &j);
}
