// Gradients of the products of attention. dP is ck_attention_scores of the context's gradient and v; here are the others. dQ adds up keys
// as the context does; dK and dV add up queries, as a weight's gradient adds up rows.
#pragma once
#include "Attention.h"
#include "WeightGradient.h"

static void scale_rows(float *y, int64_t ld, int64_t rows, int64_t n, float factor) {
    for (int64_t r = 0; factor != 1 && r < rows; r++)
        for (int64_t i = 0; i < n; i++) y[r * ld + i] *= factor;
}

// A block of queries of a key-value head's group: out[h, i, :] = scale * sum over visible j of ds[h, i, j] k[j, :].
static void queries_gradient_task(void *context, int64_t task) {
    const attention *a = context;
    int64_t kv = task % a->kv_heads, group = a->heads / a->kv_heads, i0 = (a->blocks - 1 - task / a->kv_heads) * a->block;
    int64_t count = ck_min(a->block, a->T - i0), padded = ck_ceil_div(a->D, NR) * NR, tiles = ck_ceil_div(count, MOST_ROWS);
    range all = seen_by(a, i0, count);
    const int64_t keys = ck_max(all.hi, 1);
    matrix lines = {(const uint8_t *)(a->k.base + kv * a->k.head_stride), CK_F32, 4, a->k.token_stride, 0};
    float *packed = ck_scratch((size_t)(keys * padded) * 4);
    if (packed && all.lo < all.hi) pack_lines(&lines, 0, a->D, 0, keys, packed);
    for (int64_t h = kv * group; h < (kv + 1) * group; h++) {
        float *out = a->out + (h * a->T + i0) * a->D;
        if (!packed) fill(out, count * a->D, NAN);
        for (int64_t t = 0; packed && t < tiles; t++) {
            int64_t first = t * count / tiles, rows = (t + 1) * count / tiles - first;
            context_rows(a, a->probs + (h * a->T + i0 + first) * a->S, a->S, rows, i0 + first, 0, packed, NR * keys, NR,
                         out + first * a->D, a->D);
        }
        scale_rows(out, a->D, count, a->D, a->scale);
    }
}

static void attention_queries_gradient(const float *ds, ck_heads k, float *dq, int64_t heads, int64_t kv_heads, int64_t T, int64_t S,
                                       int64_t D, float scale, ck_mask mask, int threads) {
    attention a = {.k = k, .probs = ds, .out = dq, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .scale = scale,
                   .mask = mask};
    if (D > 0) run_attention(&a, 1, 0, threads, queries_gradient_task, &a);
}

enum { KEY_BLOCK = 64 };       // keys that are added up together; fixed, so that what is skipped does not depend on the machine

// The queries [from, to) that can see any of the keys [j0, j1).
static void seers(const attention *a, int64_t j0, int64_t j1, int64_t *from, int64_t *to) {
    *from = a->mask.causal ? ck_min(ck_max(0, j0 - a->mask.past), a->T) : 0;
    *to = a->mask.window > 0 ? ck_max(*from, ck_min(a->T, j1 - 1 + a->mask.window - a->mask.past)) : a->T;
}

// A block of keys: out[kv, j, :] = scale * sum over the group's heads and the queries that can see the block, both ascending, of
// p[h, i, j] x[h, i, :]; where a query does not see, p is not read.
static void keys_gradient_task(void *context, int64_t task) {
    const attention *a = context;
    const int64_t kv = task % a->kv_heads, group = a->heads / a->kv_heads, j0 = task / a->kv_heads * KEY_BLOCK;
    const int64_t count = ck_min(KEY_BLOCK, a->S - j0), depth = 512, width = ck_min(TURNED_COLUMNS, a->D);
    float *out = a->out + (kv * a->S + j0) * a->D, *room = ck_scratch(turned_room(count, depth, width));
    clear_rows(out, a->D, count, a->D, room ? 0 : NAN);
    int64_t from, to;
    seers(a, j0, j0 + count, &from, &to);
    for (int64_t h = kv * group; room && from < to && h < (kv + 1) * group; h++) {
        turned_block t = {a->probs + (h * a->T + from) * a->S + j0, a->q.base + h * a->q.head_stride + from * a->q.token_stride, a->S,
                          a->q.token_stride, to - from, count, a->D, out, a->D, 1, &a->mask, from, j0, a->S};
        run_turned(&t, depth, width, room);
    }
    scale_rows(out, a->D, count, a->D, a->scale);
}

static void attention_keys_gradient(const float *p, ck_heads x, float *out, int64_t heads, int64_t kv_heads, int64_t T, int64_t S,
                                    int64_t D, float scale, ck_mask mask, int threads) {
    attention a = {.q = x, .probs = p, .out = out, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .scale = scale,
                   .mask = mask};
    if (kv_heads <= 0 || S <= 0 || D <= 0) return;
    ck_parallel(kv_heads * ck_ceil_div(S, KEY_BLOCK), heads * T * S * D < RUN ? 1 : threads, keys_gradient_task, &a);
}

// Through the cap: out = ds (1 - (s / cap)^2), where s is the capped score; 0 where s is -infinity. In parts it is ((ds cap) (1 - t^2)) / cap
// with t = s / cap, the tangent, each rounded. Of a score that is not capped yet the tangent is made first.
typedef struct {
    const float *ds, *s;
    float *out, cap;
    int capped;
    int64_t n;
    const rounding *inner;
} softcap_job;

INLINE lanes capped_slope(lanes ds, lanes t, lanes cap, const rounding *f) {
    if (!f) return ds * ((splat(1) - t) * (splat(1) + t));
    t = round_lanes(t, f);
    return round_lanes(round_lanes(ds * cap, f) * (splat(1) - t * t), f) / cap;
}
static void softcap_gradient_task(void *context, int64_t task) {
    const softcap_job *j = context;
    for (int64_t i = task * RUN, end = ck_min(i + RUN, j->n); i < end; i += W) {
        lanes s = load_columns(j->s + i, end - i), t = s / splat(j->cap);
        if (!j->capped) t = tanh_lanes(j->inner ? round_lanes(t, j->inner) : t);
        lanes d = capped_slope(load_columns(j->ds + i, end - i), t, splat(j->cap), j->inner);
        store_columns(j->out + i, pick(s == splat(-INFINITY), splat(0), d), end - i);
    }
}
static void softcap_gradient(const float *ds, const float *s, float cap, int capped, const ck_format *format, float *out, int64_t n,
                             int threads) {
    rounding inner;
    softcap_job j = {ds, s, out, cap, capped, n, part_rounding(&inner, format)};
    if (n > 0) ck_parallel(ck_ceil_div(n, RUN), threads, softcap_gradient_task, &j);
}
