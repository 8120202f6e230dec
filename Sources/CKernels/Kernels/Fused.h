// Steps that kernels of the trade take in one: what lies between them is never stored, and so never rounded to a narrow format.
#pragma once
#include "Elementwise.h"
#include "Norms.h"

// f(gate) * up
static void gated_task(void *context, int64_t task) {
    const run_job *j = context;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W)
        store_columns(j->y + i, apply_lanes(j->function, load_columns(j->a + i, end - i)) * load_columns(j->b + i, end - i), end - i);
}

static void gated(ck_function f, const float *gate, const float *up, float *y, int64_t n, int threads) {
    run_job j = {.a = gate, .b = up, .y = y, .n = n, .function = f};
    run_job_over(&j, threads, gated_task);
}

static void add_rms_norm(const float *a, const float *b, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format, float *y,
                         int64_t rows, int64_t n, int threads) {
    rounding inner;
    norm_job j = {.x = a, .added = b, .y = y, .eps = eps, .rows = rows, .n = n, .inner = part_rounding(&inner, format)};
    run_norm(&j, w, wt, NULL, CK_F32, plus_one, threads);
}
