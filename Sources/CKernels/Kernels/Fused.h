// Steps that kernels of the trade take in one: what lies between them is never stored, and so never rounded to a narrow format.
#pragma once
#include "Elementwise.h"
#include "Norms.h"

// f(gate) * up. What f gives is rounded to `stored`, its parts to `inner`, the product to `format`; NULL: they are not.
typedef struct {
    run_job j;
    const rounding *stored, *format;
} gated_job;

INLINE void gated_run(ck_function f, const gated_job *g, int64_t from, int64_t to) {
    const run_job *j = &g->j;
    const rounding none = {0}, stored = g->stored ? *g->stored : none, inner = j->inner ? *j->inner : none,
                   format = g->format ? *g->format : none;
    const int is_stored = g->stored != NULL, has_parts = j->inner != NULL, has_format = g->format != NULL;
    for (int64_t i = from; i < to; i += W) {
        lanes x = load_columns(j->a + i, to - i);
        x = has_parts ? apply_chain(f, x, &inner) : apply_lanes(f, x);
        if (is_stored) x = round_lanes(x, &stored);
        x = x * load_columns(j->b + i, to - i);
        store_columns(j->y + i, has_format ? round_lanes(x, &format) : x, to - i);
    }
}

static void gated_task(void *context, int64_t task) {
    const gated_job *g = context;
    const int64_t from = task * RUN, to = ck_min(from + RUN, g->j.n);
    switch (g->j.function) {
#define CASE(F) case F: gated_run(F, g, from, to); return;
    FUNCTIONS(CASE)
#undef CASE
    }
}

static void gated(ck_function f, const float *gate, const float *up, const ck_format *parts, const ck_format *stored, const ck_format *format,
                  float *y, int64_t n, int threads) {
    rounding room[3];
    gated_job g = {.j = {.a = gate, .b = up, .y = y, .n = n, .function = f, .inner = part_rounding(&room[0], parts)},
                   .stored = part_rounding(&room[1], stored), .format = part_rounding(&room[2], format)};
    run_job_over(&g.j, threads, gated_task);
}

static void add_rms_norm(const float *a, const float *b, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format, float *y,
                         int64_t rows, int64_t n, int threads) {
    rounding inner;
    norm_job j = {.x = a, .added = b, .y = y, .eps = eps, .rows = rows, .n = n, .inner = part_rounding(&inner, format)};
    run_norm(&j, w, wt, NULL, CK_F32, plus_one, threads);
}
