#include "Updates.h"
#include "Internal.h"

enum { UPDATE_RUN = 32768 };

typedef struct {
    const float *a, *b, *c, *levels;
    float *y, *absmax;
    uint8_t *codes;
    const uint8_t *read_codes;
    const float *read_absmax;
    double *sums;
    float p, q, r, s;
    uint64_t key;
    uint32_t threshold;
    int64_t n, block;
    int count;
} update_job;

static void over(update_job *j, int threads, void (*body)(void *, int64_t)) {
    if (j->n > 0) ck_parallel(ck_ceil_div(j->n, UPDATE_RUN), threads, body, j);
}

#define ELEMENTWISE(NAME, EXPRESSION) static void NAME##_task(void *context, int64_t task) { \
        const update_job *j = context; \
        for (int64_t i = task * UPDATE_RUN, end = ck_min(i + UPDATE_RUN, j->n); i < end; i++) j->y[i] = EXPRESSION; \
    }
ELEMENTWISE(add_scaled, j->a[i] + j->p * j->b[i])
ELEMENTWISE(lerp, j->a[i] + j->p * (j->b[i] - j->a[i]))
ELEMENTWISE(average_squares, j->p * j->a[i] + (j->q * j->b[i]) * j->b[i])
ELEMENTWISE(adam_update, -j->p * j->c[i] - j->q * (j->a[i] / (__builtin_elementwise_sqrt(j->b[i]) / j->r + j->s)))
#undef ELEMENTWISE

void ck_add_scaled(const float *a, const float *b, float factor, float *y, int64_t n, int threads) {
    update_job j = {.a = a, .b = b, .p = factor, .y = y, .n = n};
    over(&j, threads, add_scaled_task);
}
void ck_lerp(const float *m, const float *g, float weight, float *y, int64_t n, int threads) {
    update_job j = {.a = m, .b = g, .p = weight, .y = y, .n = n};
    over(&j, threads, lerp_task);
}
void ck_average_squares(const float *v, const float *g, float keep, float weight, float *y, int64_t n, int threads) {
    update_job j = {.a = v, .b = g, .p = keep, .q = weight, .y = y, .n = n};
    over(&j, threads, average_squares_task);
}
void ck_adam_update(const float *m, const float *v, const float *w, float decay, float step, float correction, float epsilon, float *y,
                    int64_t n, int threads) {
    update_job j = {.a = m, .b = v, .c = w, .p = decay, .q = step, .r = correction, .s = epsilon, .y = y, .n = n};
    over(&j, threads, adam_update_task);
}

// Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators.
static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void dropout_task(void *context, int64_t task) {
    const update_job *j = context;
    for (int64_t i = task * UPDATE_RUN, end = ck_min(i + UPDATE_RUN, j->n); i < end; i++) {
        uint32_t draw = (uint32_t)(mix(j->key + (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u) >> 32);
        j->y[i] = draw < j->threshold ? 0 : j->a[i] * j->p;
    }
}
void ck_dropout(const float *x, uint64_t key, uint32_t threshold, float scale, float *y, int64_t n, int threads) {
    update_job j = {.a = x, .key = key, .threshold = threshold, .p = scale, .y = y, .n = n};
    over(&j, threads, dropout_task);
}

// Eight chains a block, joined in order.
static double squares(const float *x, int64_t n) {
    double lanes[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) lanes[k] += (double)x[i + k] * x[i + k];
    for (; i < n; i++) lanes[i % 8] += (double)x[i] * x[i];
    double sum = 0;
    for (int k = 0; k < 8; k++) sum += lanes[k];
    return sum;
}
static void squares_task(void *context, int64_t task) {
    const update_job *j = context;
    j->sums[task] = squares(j->a + task * UPDATE_RUN, ck_min(UPDATE_RUN, j->n - task * UPDATE_RUN));
}
double ck_sum_squares(const float *x, int64_t n, int threads) {
    int64_t tasks = ck_ceil_div(n, UPDATE_RUN);
    double *sums = n > 0 ? ck_allocate((size_t)tasks * sizeof(double)) : NULL;
    double total = 0;
    if (!sums) {        // nothing to add, or no memory: the same blocks in the same order, one after another
        for (int64_t t = 0; t < tasks; t++) total += squares(x + t * UPDATE_RUN, ck_min(UPDATE_RUN, n - t * UPDATE_RUN));
        return total;
    }
    update_job j = {.a = x, .n = n, .sums = sums};
    over(&j, threads, squares_task);
    for (int64_t t = 0; t < tasks; t++) total += sums[t];
    ck_free(sums, (size_t)tasks * sizeof(double));
    return total;
}

static uint8_t nearest(float x, const float *levels, int count) {
    int low = 0, high = count - 1;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (levels[middle] <= x) low = middle; else high = middle;
    }
    return (uint8_t)(x - levels[low] <= levels[high] - x ? low : high);
}
static void quantise_task(void *context, int64_t task) {
    const update_job *j = context;
    int64_t from = task * j->block, to = ck_min(from + j->block, j->n);
    float top = 0;
    for (int64_t i = from; i < to; i++) {
        float size = j->a[i] < 0 ? -j->a[i] : j->a[i];
        if (size > top) top = size;
    }
    j->absmax[task] = top;
    for (int64_t i = from; i < to; i++) j->codes[i] = nearest(top > 0 ? j->a[i] / top : 0, j->levels, j->count);
}
void ck_quantise_blocks(const float *x, int64_t n, int64_t block, const float *levels, int count, uint8_t *codes, float *absmax,
                        int threads) {
    update_job j = {.a = x, .n = n, .block = block, .levels = levels, .count = count, .codes = codes, .absmax = absmax};
    if (n > 0 && block > 0) ck_parallel(ck_ceil_div(n, block), threads, quantise_task, &j);
}
static void dequantise_task(void *context, int64_t task) {
    const update_job *j = context;
    for (int64_t i = task * j->block, end = ck_min(i + j->block, j->n); i < end; i++)
        j->y[i] = j->levels[j->read_codes[i]] * j->read_absmax[task];
}
void ck_dequantise_blocks(const uint8_t *codes, const float *absmax, int64_t n, int64_t block, const float *levels, float *y, int threads) {
    update_job j = {.read_codes = codes, .read_absmax = absmax, .n = n, .block = block, .levels = levels, .y = y};
    if (n > 0 && block > 0) ck_parallel(ck_ceil_div(n, block), threads, dequantise_task, &j);
}
