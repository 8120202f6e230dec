// How far two values lie apart, in one pass over both. Elements are taken in fp64, eight at a time; sums of groups are joined in order, so
// threads do not change a bit.
#pragma once
#include "Lanes.h"

enum { DIFFERENCE_GROUP = 1 << 14, MOST_DIFFERENCE_GROUPS = 256 };

typedef struct {
    const void *a, *b;
    int64_t n, group;
    ck_difference_t groups[MOST_DIFFERENCE_GROUPS];
} difference_job;

typedef struct {
    doubles a, b, ab, d, most;      // sums of squares and products, and the largest |a - b| of each lane
    longs most_at, differ, unmatched;
} difference_lanes;

// Eight elements from place i on, of which `count` exist; the others are 0.
INLINE doubles read_doubles(const void *p, int is_double, int64_t i, int64_t count) {
    doubles v = splat_double(0);
    if (count >= 8) {
        if (is_double) memcpy(&v, (const double *)p + i, 64);
        else {
            lanes8 f;
            memcpy(&f, (const float *)p + i, 32);
            v = __builtin_convertvector(f, doubles);
        }
    } else {
        for (int64_t j = 0; j < count; j++) v[j] = is_double ? ((const double *)p)[i + j] : ((const float *)p)[i + j];
    }
    return v;
}

INLINE longs are_finite(doubles v) { return (longs)(((longs)v & ~((longs)1 << 63)) < (longs)splat_double(INFINITY)); }
INLINE doubles masked(doubles v, longs mask) { return (doubles)((longs)v & mask); }

// The first element whose bits differ; with `any` 0 only one that is not finite on both sides.
static int64_t first_different(const difference_job *j, int a_double, int b_double, int64_t from, int64_t end, int any) {
    for (int64_t i = from; i < end; i++) {
        double a = a_double ? ((const double *)j->a)[i] : ((const float *)j->a)[i];
        double b = b_double ? ((const double *)j->b)[i] : ((const float *)j->b)[i];
        if (memcmp(&a, &b, 8) == 0 || (a != a && b != b)) continue;
        if (any || !isfinite(a) || !isfinite(b)) return i;
    }
    return -1;
}

INLINE void add_difference(difference_lanes *s, doubles a, doubles b, int64_t place) {
    longs both_nan = (longs)(a != a) & (longs)(b != b), other = (longs)((longs)a != (longs)b) & ~both_nan;
    longs finite = are_finite(a) & are_finite(b);
    a = masked(a, finite), b = masked(b, finite);
    doubles d = a - b, size = (doubles)((longs)d & ~((longs)1 << 63));
    s->a += a * a, s->b += b * b, s->ab += a * b, s->d += d * d;
    longs larger = (longs)(size > s->most), here = (longs){0, 1, 2, 3, 4, 5, 6, 7} + (uint64_t)place;
    s->most = (doubles)(((longs)size & larger) | ((longs)s->most & ~larger));
    s->most_at = (here & larger) | (s->most_at & ~larger);
    s->differ -= other, s->unmatched -= other & ~finite;
}

INLINE ck_difference_t difference_of(const difference_job *j, int64_t from, int64_t end, int a_double, int b_double) {
    difference_lanes s = {.most = splat_double(0)};
    for (int64_t i = from; i < end; i += 8)
        add_difference(&s, read_doubles(j->a, a_double, i, end - i), read_doubles(j->b, b_double, i, end - i), i);
    ck_difference_t r = {.count = end - from, .differing_at = -1, .unmatched_at = -1, .largest_at = -1};
    for (int i = 0; i < 8; i++) {
        r.differing += (int64_t)s.differ[i], r.unmatched += (int64_t)s.unmatched[i];
        if (s.most[i] > r.largest || (s.most[i] > 0 && s.most[i] == r.largest && (int64_t)s.most_at[i] < r.largest_at))
            r.largest = s.most[i], r.largest_at = (int64_t)s.most_at[i];
    }
    r.squares_a = sum_doubles(s.a), r.squares_b = sum_doubles(s.b), r.products = sum_doubles(s.ab), r.distance = sum_doubles(s.d);
    if (r.differing) r.differing_at = first_different(j, a_double, b_double, from, end, 1);
    if (r.unmatched) r.unmatched_at = first_different(j, a_double, b_double, from, end, 0);
    return r;
}

#define DIFFERENCE_TASK(NAME, A, B) \
    static void NAME(void *context, int64_t task) { \
        difference_job *j = context; \
        int64_t from = task * j->group; \
        j->groups[task] = difference_of(j, from, ck_min(from + j->group, j->n), A, B); \
    }
DIFFERENCE_TASK(difference_task_ff, 0, 0)
DIFFERENCE_TASK(difference_task_fd, 0, 1)
DIFFERENCE_TASK(difference_task_df, 1, 0)
DIFFERENCE_TASK(difference_task_dd, 1, 1)

static void join_difference(ck_difference_t *r, const ck_difference_t *g) {
    r->differing += g->differing, r->unmatched += g->unmatched;
    if (r->differing_at < 0) r->differing_at = g->differing_at;
    if (r->unmatched_at < 0) r->unmatched_at = g->unmatched_at;
    r->squares_a += g->squares_a, r->squares_b += g->squares_b, r->products += g->products, r->distance += g->distance;
    if (g->largest > r->largest) r->largest = g->largest, r->largest_at = g->largest_at;
}

static void difference(const void *a, ck_type at, const void *b, ck_type bt, int64_t n, ck_difference_t *out, int threads) {
    difference_job j = {.a = a, .b = b, .n = n};
    j.group = ck_max(1, ck_ceil_div(n, (int64_t)MOST_DIFFERENCE_GROUPS * DIFFERENCE_GROUP)) * DIFFERENCE_GROUP;
    int64_t groups = n > 0 ? ck_ceil_div(n, j.group) : 0;
    int a_double = at == CK_F64, b_double = bt == CK_F64;
    ck_parallel(groups, threads,
                a_double ? b_double ? difference_task_dd : difference_task_df : b_double ? difference_task_fd : difference_task_ff, &j);
    *out = (ck_difference_t){.count = n, .differing_at = -1, .unmatched_at = -1, .largest_at = -1};
    for (int64_t g = 0; g < groups; g++) join_difference(out, &j.groups[g]);
}

// ---------------------------------------------------------------- rows of logits

typedef struct {
    const void *a, *b;
    int a_double, b_double;
    int64_t rows, n, block;
    double *kl;
    int32_t *a_top, *b_top;
} divergence_job;

INLINE double number_at(const void *p, int is_double, int64_t i) { return is_double ? ((const double *)p)[i] : ((const float *)p)[i]; }

// The place of the first largest.
static int64_t top_of(const void *x, int is_double, int64_t from, int64_t n) {
    int64_t top = 0;
    for (int64_t i = 1; i < n; i++)
        if (number_at(x, is_double, from + i) > number_at(x, is_double, from + top)) top = i;
    return top;
}

// sum_i p_i ((a_i - max a) - (b_i - max b)) + log Z_b - log Z_a; what has no probability in p adds nothing.
static double row_divergence(const divergence_job *j, int64_t from, double a_max, double b_max) {
    double za = 0, zb = 0, sum = 0;
    for (int64_t i = from; i < from + j->n; i++) {
        double a = number_at(j->a, j->a_double, i) - a_max, b = number_at(j->b, j->b_double, i) - b_max, p = exp(a);
        za += p, zb += exp(b);
        if (p != 0) sum += p * (a - b);
    }
    double kl = sum / za + (log(zb) - log(za));
    return kl < 0 ? 0 : kl;
}

static void divergence_task(void *context, int64_t task) {
    const divergence_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        int64_t from = r * j->n, a = top_of(j->a, j->a_double, from, j->n), b = top_of(j->b, j->b_double, from, j->n);
        j->a_top[r] = (int32_t)a, j->b_top[r] = (int32_t)b;
        j->kl[r] = row_divergence(j, from, number_at(j->a, j->a_double, from + a), number_at(j->b, j->b_double, from + b));
    }
}

static void divergence(const void *a, ck_type at, const void *b, ck_type bt, int64_t rows, int64_t n, double *kl, int32_t *a_top,
                       int32_t *b_top, int threads) {
    divergence_job j = {.a = a, .b = b, .a_double = at == CK_F64, .b_double = bt == CK_F64, .rows = rows, .n = n, .kl = kl,
                        .a_top = a_top, .b_top = b_top};
    if (rows <= 0 || n <= 0) return;
    j.block = ck_max(1, 8192 / n);
    ck_parallel(ck_ceil_div(rows, j.block), threads, divergence_task, &j);
}
