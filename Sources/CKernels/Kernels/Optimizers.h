// A training step's update of parameters and moving averages, in place: a copy would cost as much as the step.
#pragma once
#include "Elementwise.h"
#include "Tile.h"

typedef struct {
    float *p, *m, *v;
    const float *g;
    int64_t n;
    float keep, toward, beta2, rest2, step, root, eps;
} adamw_job;

// The operations and roundings of PyTorch's AdamW, element by element: p *= 1 - lr decay; m += (1 - beta1) (g - m), fused;
// v = (1 - beta2) g g + v beta2, fused; p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps).
static void adamw_task(void *context, int64_t task) {
    const adamw_job *j = context;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) {
        const int64_t n = end - i;
        lanes g = load_columns(j->g + i, n), m = load_columns(j->m + i, n), v = load_columns(j->v + i, n);
        m = j->toward < 0.5f ? fma16(splat(j->toward), g - m, m) : fma16(splat(j->toward - 1), g - m, g);
        v = fma16(splat(j->rest2) * g, g, v * splat(j->beta2));
        lanes p = load_columns(j->p + i, n) * splat(j->keep);
        lanes size = __builtin_elementwise_sqrt(v) / splat(j->root) + splat(j->eps);
        p = p + splat(j->step) * m / size;
        store_columns(j->m + i, m, n);
        store_columns(j->v + i, v, n);
        store_columns(j->p + i, p, n);
    }
}

static void adamw(float *p, const float *g, float *m, float *v, int64_t n, double rate, double beta1, double beta2, double eps,
                  double decay, int64_t step, int threads) {
    adamw_job j = {.p = p, .m = m, .v = v, .g = g, .n = n, .keep = (float)(1 - rate * decay), .toward = (float)(1 - beta1),
                   .beta2 = (float)beta2, .rest2 = (float)(1 - beta2), .step = (float)-(rate / (1 - pow(beta1, (double)step))),
                   .root = (float)sqrt(1 - pow(beta2, (double)step)), .eps = (float)eps};
    if (n > 0) ck_parallel(ck_ceil_div(n, RUN), threads, adamw_task, &j);
}
