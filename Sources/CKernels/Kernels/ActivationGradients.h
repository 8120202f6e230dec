// dx = dy f'(x) for every activation function; the sum of several gradients; rows added to a table; heads put back side by side.
#pragma once
#include "Elementwise.h"
#include "Tile.h"

// 1 / (1 + exp(-x)) and 1 / (1 + exp(x)), neither found by subtraction from 1.
typedef struct { lanes up, down; } logistic_pair;
INLINE logistic_pair logistics(lanes x) {
    const lanes one = splat(1.0f), e = exp_lanes(-magnitude(x)), sum = one + e;
    return (logistic_pair){pick(x < splat(0), e, one) / sum, pick(x < splat(0), one, e) / sum};
}

// (x logistic(s x))'
INLINE lanes swish_slope(lanes x, float s) {
    logistic_pair p = logistics(splat(s) * x);
    return p.up * fma16(splat(s) * x, p.down, splat(1.0f));
}

INLINE lanes slope_lanes(ck_function f, lanes x) {
    const lanes one = splat(1.0f), half = splat(0.5f), zero = splat(0.0f);
    switch (f) {
    case CK_SILU: return swish_slope(x, 1);
    case CK_GELU_QUICK: return swish_slope(x, 1.702f);
    case CK_GELU_TANH: {
        lanes square = x * x, t = tanh_lanes(splat(0.7978845608028654f) * fma16(splat(0.044715f) * square, x, x));
        lanes inner = splat(0.7978845608028654f) * fma16(splat(0.134145f), square, one);
        return fma16(half * x * ((one - t) * (one + t)), inner, half * (one + t));
    }
    case CK_GELU_ERF: {
        lanes density = splat(0.3989422804014327f) * exp_lanes(splat(-0.5f) * x * x);
        return fma16(x, density, half * (one + erf_lanes(x * splat(0.7071067811865476f))));
    }
    case CK_RELU: return pick(x <= zero, zero, one);
    case CK_RELU_SQUARED: return pick(x <= zero, zero, x + x);
    case CK_EXP: return exp_lanes(x);
    case CK_TANH: {
        lanes t = tanh_lanes(x);
        return (one - t) * (one + t);
    }
    case CK_SIGMOID: {
        logistic_pair p = logistics(x);
        return p.up * p.down;
    }
    }
    return x;
}

#define TASK(F) static void slope_task_##F(void *context, int64_t task) { \
        const run_job *j = context; \
        for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) \
            store_columns(j->y + i, load_columns(j->b + i, end - i) * slope_lanes(F, load_columns(j->a + i, end - i)), end - i); \
    }
FUNCTIONS(TASK)
#undef TASK

// y = (x / 2) (1 + tanh u), u = c (x + 0.044715 x^3), walked back as autograd does: what each part sends to x is added in this order.
INLINE lanes gelu_new_slopes(lanes x, lanes dy, const rounding *f) {
    const lanes one = splat(1.0f), half = splat(0.5f), cubic = splat(0.044715f), root = splat(0.7978845608028654f);
    lanes inner = round_lanes(x + round_lanes(cubic * round_cube(x, f), f), f);
    lanes t = round_lanes(tanh_lanes(round_lanes(root * inner, f)), f);
    lanes tangent = round_lanes(round_lanes(dy * round_lanes(half * x, f), f) * (one - t * t), f);
    lanes sum = round_lanes(tangent * root, f);
    lanes square = round_lanes(splat(3.0f) * round_lanes(x * x, f), f);
    lanes cube = round_lanes(round_lanes(sum * cubic, f) * square, f);
    lanes direct = round_lanes(round_lanes(dy * round_lanes(one + t, f), f) * half, f);
    return round_lanes(sum + cube, f) + direct;
}

// d (1 - p) p of p = logistic(x)
INLINE lanes logistic_slopes(lanes p, lanes d, const rounding *f) {
    const lanes rest = splat(1.0f) - p;
    return round_lanes((is_fp16(f) ? round_lanes(d * round_lanes(rest, f), f) : d * rest) * p, f);
}

// y = x logistic(1.702 x) in the same way.
INLINE lanes gelu_quick_slopes(lanes x, lanes dy, const rounding *f) {
    const lanes s = splat(1.702f);
    lanes p = round_lanes(logistics(round_lanes(s * x, f)).up, f);
    lanes gate = logistic_slopes(p, round_lanes(dy * x, f), f);
    return round_lanes(dy * p, f) + round_lanes(gate * s, f);
}

static void map_gradient_chain_task(void *context, int64_t task) {
    const run_job *j = context;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) {
        lanes x = load_columns(j->a + i, end - i), dy = load_columns(j->b + i, end - i);
        lanes dx = j->function == CK_GELU_TANH ? gelu_new_slopes(x, dy, j->inner) : gelu_quick_slopes(x, dy, j->inner);
        store_columns(j->y + i, dx, end - i);
    }
}

// Parts are those of the two functions that are written as chains of elementary ones.
static void map_gradient(ck_function f, const float *x, const float *dy, const ck_format *parts, const ck_format *format, float *dx, int64_t n,
                         int threads) {
    rounding inner, out;
    run_job j = {.a = x, .b = dy, .y = dx, .n = n, .function = f, .inner = part_rounding(&inner, parts), .out = part_rounding(&out, format)};
    if (j.inner && (f == CK_GELU_TANH || f == CK_GELU_QUICK)) return run_job_over(&j, threads, map_gradient_chain_task);
    switch (f) {
#define CASE(F) case F: run_job_over(&j, threads, slope_task_##F); return;
    FUNCTIONS(CASE)
#undef CASE
    }
}

// ---------------------------------------------------------------- the sum of several
typedef struct {
    const float *const *x;
    int64_t count, n;
    float *y;
} sum_job;

static void sum_task(void *context, int64_t task) {
    const sum_job *j = context;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) {
        lanes sum = j->count > 0 ? load_columns(j->x[0] + i, end - i) : splat(0);
        for (int64_t q = 1; q < j->count; q++) sum = sum + load_columns(j->x[q] + i, end - i);
        store_columns(j->y + i, sum, end - i);
    }
}
static void sum(const float *const *x, int64_t count, float *y, int64_t n, int threads) {
    sum_job j = {x, count, n, y};
    if (n > 0) ck_parallel(ck_ceil_div(n, RUN), threads, sum_task, &j);
}

// ---------------------------------------------------------------- rows added to a table
typedef struct {
    const float *dy, *initial;
    const int32_t *ids;
    float *table;
    int64_t vocabulary, rows, n, block;
    const rounding *inner;       // of a row after each addition; NULL: fp32
} scatter_job;

// A task owns a run of the table's rows and looks through all ids for them, so that a row's terms come in the order of the tokens.
static void scatter_task(void *context, int64_t task) {
    const scatter_job *j = context;
    const int64_t first = task * j->block, last = ck_min(first + j->block, j->vocabulary);
    const size_t bytes = (size_t)((last - first) * j->n) * 4;
    float *table = j->table + first * j->n;
    if (!j->initial) memset(table, 0, bytes);
    else if (j->initial != j->table) memcpy(table, j->initial + first * j->n, bytes);
    for (int64_t r = 0; r < j->rows; r++) {
        const int64_t id = j->ids[r];
        if (id < first || id >= last) continue;
        float *to = j->table + id * j->n;
        for (int64_t i = 0; i < j->n; i++) to[i] += j->dy[r * j->n + i];
        for (int64_t i = 0; j->inner && i < j->n; i += W)
            store_columns(to + i, round_lanes(load_columns(to + i, j->n - i), j->inner), j->n - i);
    }
}
static void gather_gradient(const float *dy, const int32_t *ids, const float *initial, const ck_format *format, float *table,
                            int64_t vocabulary, int64_t rows, int64_t n, int threads) {
    rounding inner;
    scatter_job j = {dy, initial, ids, table, vocabulary, rows, n, ck_max(1, ck_ceil_div(vocabulary, threads > 1 ? 16 * threads : 1)),
                     part_rounding(&inner, format)};
    if (vocabulary > 0 && n > 0) ck_parallel(ck_ceil_div(vocabulary, j.block), threads, scatter_task, &j);
}

// ---------------------------------------------------------------- heads side by side
typedef struct {
    ck_heads x;
    float *y;
    int64_t head_stride, token_stride, heads, T, D, block;
} join_job;

static void join_task(void *context, int64_t task) {
    const join_job *j = context;
    for (int64_t t = task * j->block; t < ck_min((task + 1) * j->block, j->T); t++)
        for (int64_t h = 0; h < j->heads; h++)
            memcpy(j->y + h * j->head_stride + t * j->token_stride, j->x.base + h * j->x.head_stride + t * j->x.token_stride,
                   (size_t)j->D * 4);
}
static void join_heads(ck_heads x, float *y, int64_t head_stride, int64_t token_stride, int64_t heads, int64_t T, int64_t D, int threads) {
    join_job j = {x, y, head_stride, token_stride, heads, T, D, ck_max(1, RUN / ck_max(1, heads * D))};
    if (heads > 0 && T > 0 && D > 0) ck_parallel(ck_ceil_div(T, j.block), threads, join_task, &j);
}
