// What a training step does to weights and moving averages, element by element, with the operations and roundings of PyTorch's AdamW; and
// adapters' sums, dropout and the length of a gradient.
#pragma once
#include "Elementwise.h"
#include "Tile.h"

typedef struct {
    const float *a, *b;
    float *y;
    double *sums;
    float p, q, r;
    uint64_t key;
    uint32_t threshold;
    int64_t n;
} update_job;

static void over(update_job *j, int threads, void (*body)(void *, int64_t)) {
    if (j->n > 0) ck_parallel(ck_ceil_div(j->n, RUN), threads, body, j);
}

// Sixteen elements of two arrays at a time.
#define LANEWISE(NAME, EXPRESSION) static void NAME##_task(void *context, int64_t task) { \
        const update_job *j = context; \
        const lanes p = splat(j->p), q = splat(j->q), r = splat(j->r); \
        (void)p, (void)q, (void)r; \
        for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) { \
            lanes a = load_columns(j->a + i, end - i), b = load_columns(j->b + i, end - i); \
            store_columns(j->y + i, EXPRESSION, end - i); \
        } \
    }
LANEWISE(add_scaled, a + p * b)
LANEWISE(add_product, fma16(p, b, a))
LANEWISE(near_lerp, fma16(p, b - a, a))
LANEWISE(far_lerp, fma16(p - splat(1), b - a, b))
LANEWISE(average_squares, fma16(q * b, b, p * a))
LANEWISE(adam_update, p * a / (__builtin_elementwise_sqrt(b) / q + r))
#undef LANEWISE

static void add_scaled(const float *a, const float *b, float factor, float *y, int64_t n, int threads) {
    update_job j = {.a = a, .b = b, .p = factor, .y = y, .n = n};
    over(&j, threads, add_scaled_task);
}
static void add_product(const float *a, const float *b, float factor, float *y, int64_t n, int threads) {
    update_job j = {.a = a, .b = b, .p = factor, .y = y, .n = n};
    over(&j, threads, add_product_task);
}
static void lerp(const float *m, const float *g, float weight, float *y, int64_t n, int threads) {
    update_job j = {.a = m, .b = g, .p = weight, .y = y, .n = n};
    over(&j, threads, weight < 0.5f ? near_lerp_task : far_lerp_task);
}
static void average_squares(const float *v, const float *g, float keep, float weight, float *y, int64_t n, int threads) {
    update_job j = {.a = v, .b = g, .p = keep, .q = weight, .y = y, .n = n};
    over(&j, threads, average_squares_task);
}
static void adam_update(const float *m, const float *v, float step, float correction, float epsilon, float *y, int64_t n, int threads) {
    update_job j = {.a = m, .b = v, .p = -step, .q = correction, .r = epsilon, .y = y, .n = n};
    over(&j, threads, adam_update_task);
}

// Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators.
INLINE uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void dropout_task(void *context, int64_t task) {
    const update_job *j = context;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i++) {
        uint32_t draw = (uint32_t)(mix(j->key + (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u) >> 32);
        j->y[i] = draw < j->threshold ? 0 : j->a[i] * j->p;
    }
}
static void dropout(const float *x, uint64_t key, uint32_t threshold, float scale, float *y, int64_t n, int threads) {
    update_job j = {.a = x, .key = key, .threshold = threshold, .p = scale, .y = y, .n = n};
    over(&j, threads, dropout_task);
}

// Eight chains a block, joined in order.
static double squares(const float *x, int64_t n) {
    doubles chains = splat_double(0);
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        lanes v = load(x + i);
        chains = add_square(low_doubles(v), chains);
        chains = add_square(high_doubles(v), chains);
    }
    for (; i < n; i++) chains[i % 8] += (double)x[i] * x[i];
    double sum = 0;
    for (int k = 0; k < 8; k++) sum += chains[k];
    return sum;
}
static void squares_task(void *context, int64_t task) {
    const update_job *j = context;
    j->sums[task] = squares(j->a + task * RUN, ck_min(RUN, j->n - task * RUN));
}
static double sum_squares(const float *x, int64_t n, int threads) {
    int64_t tasks = ck_ceil_div(n, RUN);
    double *sums = n > 0 ? ck_allocate((size_t)tasks * sizeof(double)) : NULL;
    double total = 0;
    if (!sums) {        // nothing to add, or no memory: the same blocks in the same order, one after another
        for (int64_t t = 0; t < tasks; t++) total += squares(x + t * RUN, ck_min(RUN, n - t * RUN));
        return total;
    }
    update_job j = {.a = x, .n = n, .sums = sums};
    over(&j, threads, squares_task);
    for (int64_t t = 0; t < tasks; t++) total += sums[t];
    ck_free(sums, (size_t)tasks * sizeof(double));
    return total;
}
