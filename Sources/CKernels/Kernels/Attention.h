// Attention as two products per key-value head, which all query heads of its group share: scores = q k^T over the keys a block of queries
// can see at all, context = probs v. The tiles are those of ck_matmul, so each sum is one chain of fused multiply-adds.
#pragma once
#include "Exponential.h"
#include "Rounding.h"
#include "Thin.h"

typedef struct {
    ck_heads q, k;                   // context: k holds v
    const float *probs;
    float *out;
    int64_t heads, kv_heads, T, S, D;
    int64_t block, blocks, keys;         // a task is `block` queries of a key-value head's group, and so many keys of the scores
    float scale, softcap;
    ck_mask mask;
    const rounding *inner;               // of q k and what follows, or of the context; NULL: fp32
} attention;

enum { KEYS = 128 };

// What queries [first, first + rows) can see together: their union [lo, hi) and their intersection [all_lo, all_hi).
typedef struct { int64_t lo, hi, all_lo, all_hi; } range;
static range seen_by(const attention *a, int64_t first, int64_t rows) {
    range r = {a->S, 0, 0, a->S};
    for (int64_t i = first; i < first + rows; i++) {
        int64_t lo, hi;
        ck_visible(&a->mask, i, a->S, &lo, &hi);
        if (lo < hi) r.lo = ck_min(r.lo, lo), r.hi = ck_max(r.hi, hi);
        r.all_lo = ck_max(r.all_lo, lo), r.all_hi = ck_min(r.all_hi, hi);
    }
    return r;
}

// Scale and cap of sums.
INLINE lanes score_of(const attention *a, lanes s) {
    const rounding *f = a->inner;
    if (!f) {
        s = s * splat(a->scale);
        return a->softcap > 0 ? splat(a->softcap) * tanh_lanes(s / splat(a->softcap)) : s;
    }
    s = round_lanes(s, f) * splat(a->scale);
    if (a->softcap > 0) s = splat(a->softcap) * round_lanes(tanh_lanes(round_lanes(round_lanes(s, f) / splat(a->softcap), f)), f);
    return f->parts_only ? s : round_lanes(s, f);
}

typedef struct { int64_t from, to; } key_range;

// What a row must not see of columns [from, to) becomes -infinity, in every format; the rest are the columns that it gives.
static key_range hide_scores(const attention *a, float *row, int64_t i, int64_t from, int64_t to) {
    key_range seen;
    ck_visible(&a->mask, i, a->S, &seen.from, &seen.to);
    seen.from = ck_min(ck_max(seen.from, from), to), seen.to = ck_max(ck_min(seen.to, to), seen.from);
    fill(row + from, seen.from - from, -INFINITY);
    fill(row + seen.to, to - seen.to, -INFINITY);
    return seen;
}

static void finish_scores(const attention *a, float *row, int64_t i, int64_t from, int64_t to) {
    const key_range seen = hide_scores(a, row, i, from, to);
    const rounding f = a->inner ? *a->inner : (rounding){0};        // of its own, so that no store can change it
    attention own = *a;
    own.inner = a->inner ? &f : NULL;
    for (int64_t j = seen.from; j < seen.to; j += W)
        store_columns(row + j, score_of(&own, load_columns(row + j, seen.to - j)), seen.to - j);
}

// Queries that lie `ld` apart, row r being query i0 + r (or i0 for all, when the rows are the heads of a group), against packed keys.
static void score_rows(const attention *a, const float *q, int64_t ld, int64_t rows, int64_t i0, int per_head, const float *packed,
                       float *out, int64_t out_ld, int64_t from, int64_t to) {
    int64_t tiles = ck_ceil_div(rows, MOST_ROWS);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t first = t * rows / tiles, count = (t + 1) * rows / tiles - first;
        range r = seen_by(a, per_head ? i0 : i0 + first, per_head ? 1 : count);
        int64_t lo = ck_max(from, r.lo) - from, hi = ck_min(to, r.hi) - from;
        if (lo < hi) {
            lo = lo / NR * NR;
            tile block = {.x = q + first * ld, .ldx = ld, .b = packed + lo * a->D, .ldb = NR, .k = a->D,
                          .y = out + first * out_ld + from + lo, .ldy = out_ld};
            run_tiles(block, count, hi - lo, NR * a->D);
        }
        for (int64_t i = first; i < first + count; i++) finish_scores(a, out + i * out_ld, per_head ? i0 : i0 + i, from, to);
    }
}

// The same for so few rows that reading the keys is what takes time: they are not packed, but for a rest.
static void score_few(const attention *a, const float *q, int64_t ld, int64_t rows, int64_t i0, int per_head, const matrix *k,
                      float *packed, float *out, int64_t out_ld, int64_t from, int64_t to) {
    range r = seen_by(a, i0, per_head ? 1 : rows);
    int64_t lo = ck_max(from, r.lo), hi = ck_min(to, r.hi);
    thin t = {.x = q, .ldx = ld, .w = k, .y = out, .ldy = out_ld, .n = hi, .k = a->D};
    if (lo < hi) lo = run_thin(&t, 0, rows, lo, hi);
    for (; lo < hi; lo += NR) {
        pack_rows(k, lo, ck_min(NR, hi - lo), 0, a->D, packed);
        tile block = {.x = q, .ldx = ld, .b = packed, .ldb = NR, .k = a->D, .y = out + lo, .ldy = out_ld};
        for (int64_t h = 0; h < rows; h += MOST_ROWS, block.x += MOST_ROWS * ld, block.y += MOST_ROWS * out_ld)
            run_tiles(block, ck_min(MOST_ROWS, rows - h), ck_min(NR, hi - lo), NR * a->D);
    }
    for (int64_t i = 0; i < rows; i++) finish_scores(a, out + i * out_ld, per_head ? i0 : i0 + i, from, to);
}

// Keys [from, to) for queries [i0, i0 + count) of all heads of a group. The rows of a product are one head's queries, or, when these are
// fewer, one query of all heads.
static void score_keys(const attention *a, int64_t kv, int64_t i0, int64_t count, int64_t from, int64_t to, float *packed) {
    int64_t group = a->heads / a->kv_heads;
    int per_head = a->T < group, few = (per_head ? group : a->T) <= MOST_THIN_ROWS;
    range all = seen_by(a, i0, count);
    matrix k = {(const uint8_t *)(a->k.base + kv * a->k.head_stride), CK_F32, 4, a->k.token_stride, 0};
    if (!few && from < all.hi && to > all.lo) pack_rows(&k, from, to - from, 0, a->D, packed);
    for (int64_t r = 0; r < (per_head ? count : group); r++) {
        int64_t h = kv * group + (per_head ? 0 : r), i = i0 + (per_head ? r : 0), rows = per_head ? group : count;
        const float *q = a->q.base + h * a->q.head_stride + i * a->q.token_stride;
        int64_t ld = per_head ? a->q.head_stride : a->q.token_stride, out_ld = per_head ? a->T * a->S : a->S;
        float *out = a->out + (h * a->T + i) * a->S;
        if (few) score_few(a, q, ld, rows, i, per_head, &k, packed, out, out_ld, from, to);
        else score_rows(a, q, ld, rows, i, per_head, packed, out, out_ld, from, to);
    }
}

// The blocks with most to see come first, so that the last task to finish is a short one.
static void scores_task(void *context, int64_t task) {
    const attention *a = context;
    int64_t parts = ck_max(1, ck_ceil_div(a->S, a->keys)), part = task % parts, first = part * a->keys, last = ck_min(first + a->keys, a->S);
    int64_t block = task / parts, kv = block % a->kv_heads, i0 = (a->blocks - 1 - block / a->kv_heads) * a->block, keys = KEYS;
    float small[NR * 256], *packed = ck_scratch((size_t)(KEYS * a->D) * 4 + 64);
    if (!packed) packed = small, keys = a->D <= 256 ? NR : 0;
    for (int64_t r = 0; !keys && r < a->heads * a->T; r++) fill(a->out + r * a->S + first, last - first, NAN);      // no memory
    for (int64_t from = first; keys && from < last; from += keys)
        score_keys(a, kv, i0, ck_min(a->block, a->T - i0), from, ck_min(from + keys, last), packed);
}

// Sums over keys [lo, hi) added to rows of the context, where these keys are seen by all rows.
static void add_context(const attention *a, const float *probs, int64_t ld, int64_t rows, const float *v, int64_t panel, int64_t ldb,
                        float *y, int64_t ldy, int64_t lo, int64_t hi) {
    if (lo >= hi) return;
    tile t = {.x = probs + lo, .ldx = ld, .b = v + lo * ldb, .ldb = ldb, .k = hi - lo, .y = y, .ldy = ldy, .resume = 1};
    run_tiles(t, rows, a->D, panel);
}

// Rows of one tile: each row's own first keys, the keys they share, then each row's own last keys, so that j ascends in every row.
static void context_rows(const attention *a, const float *probs, int64_t ld, int64_t rows, int64_t i0, int per_head, const float *v,
                         int64_t panel, int64_t ldb, float *y, int64_t ldy) {
    range r = seen_by(a, i0, per_head ? 1 : rows);
    for (int64_t i = 0; i < rows; i++) memset(y + i * ldy, 0, (size_t)a->D * 4);
    int64_t shared_lo = r.all_lo, shared_hi = ck_max(r.all_hi, r.all_lo);
    for (int last = 0; last < 2; last++) {
        for (int64_t i = 0; i < rows; i++) {
            int64_t lo, hi;
            ck_visible(&a->mask, per_head ? i0 : i0 + i, a->S, &lo, &hi);
            add_context(a, probs + i * ld, ld, 1, v, panel, ldb, y + i * ldy, ldy, last ? ck_max(lo, shared_hi) : lo,
                        last ? hi : ck_min(hi, shared_lo));
        }
        if (!last) add_context(a, probs, ld, rows, v, panel, ldb, y, ldy, shared_lo, shared_hi);
    }
}

static void context_task(void *context, int64_t task) {
    const attention *a = context;
    int64_t kv = task % a->kv_heads, group = a->heads / a->kv_heads, i0 = (a->blocks - 1 - task / a->kv_heads) * a->block;
    int64_t count = ck_min(a->block, a->T - i0), padded = ck_ceil_div(a->D, NR) * NR, ld = a->heads * a->D;
    range all = seen_by(a, i0, count);
    const float *v = a->k.base + kv * a->k.head_stride;
    int64_t panel = NR, ldb = a->k.token_stride;
    if (a->D % NR && all.lo < all.hi) {              // a tile reads whole panels
        float *packed = ck_scratch((size_t)(all.hi * padded) * 4);
        for (int64_t i = i0; !packed && i < i0 + count; i++) fill(a->out + i * ld + kv * group * a->D, group * a->D, NAN);
        if (!packed) return;                         // no memory: NaN, not what was there
        matrix lines = {(const uint8_t *)v, CK_F32, 4, ldb, 0};
        pack_lines(&lines, 0, a->D, 0, all.hi, packed);
        v = packed, panel = NR * all.hi, ldb = NR;
    }
    for (int64_t i = i0; a->T < group && i < i0 + count; i++)
        for (int64_t h = 0; h < group; h += MOST_ROWS)
            context_rows(a, a->probs + ((kv * group + h) * a->T + i) * a->S, a->T * a->S, ck_min(MOST_ROWS, group - h), i, 1, v, panel, ldb,
                         a->out + i * ld + (kv * group + h) * a->D, a->D);
    int64_t tiles = ck_ceil_div(count, MOST_ROWS);
    for (int64_t h = kv * group; a->T >= group && h < (kv + 1) * group; h++)
        for (int64_t t = 0; t < tiles; t++) {
            int64_t first = i0 + t * count / tiles, rows = i0 + (t + 1) * count / tiles - first;
            context_rows(a, a->probs + (h * a->T + first) * a->S, a->S, rows, first, 0, v, panel, ldb, a->out + first * ld + h * a->D, ld);
        }
    for (int64_t i = i0; a->inner && i < i0 + count; i++) {
        float *y = a->out + i * ld + kv * group * a->D;
        round_run(y, y, group * a->D, a->inner);
    }
}

// The body's tasks are of a multiple of `unit` queries, and where there are few of them and it can, of a part of the keys.
static void run_attention(attention *a, int64_t unit, int splits_keys, int threads, void (*body)(void *, int64_t), void *job) {
    if (a->T <= 0 || a->heads <= 0 || a->kv_heads <= 0) return;
    int64_t wanted = threads > 1 ? ck_ceil_div(6 * threads, a->kv_heads) : 1;
    a->block = ck_min(a->T, ck_ceil_div(ck_max(4 * MOST_ROWS, ck_ceil_div(a->T, wanted)), unit) * unit);
    a->blocks = ck_ceil_div(a->T, a->block);
    a->keys = ck_max(a->S, 1);
    if (a->blocks < wanted && splits_keys) a->keys = ck_max(1024, ck_ceil_div(ck_ceil_div(a->S, wanted), KEYS) * KEYS);
    int64_t parts = ck_max(1, ck_ceil_div(a->S, a->keys));
    int small = a->heads * a->T * a->S * a->D < 32768;      // less than waking a thread
    ck_parallel(a->kv_heads * a->blocks * parts, small ? 1 : threads, body, job);
}

static attention scores_of(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                           float scale, float softcap, ck_mask mask, const rounding *inner) {
    return (attention){.q = q, .k = k, .out = scores, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .scale = scale,
                       .softcap = softcap, .mask = mask, .inner = inner};
}
static void attention_scores_rounded(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                                     float scale, float softcap, ck_mask mask, const ck_format *format, int threads) {
    rounding inner;
    attention a = scores_of(q, k, scores, heads, kv_heads, T, S, D, scale, softcap, mask, part_rounding(&inner, format));
    run_attention(&a, 1, 1, threads, scores_task, &a);
}
static void attention_scores(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                             float scale, float softcap, ck_mask mask, int threads) {
    attention_scores_rounded(q, k, scores, heads, kv_heads, T, S, D, scale, softcap, mask, NULL, threads);
}

static void attention_context(const float *probs, ck_heads v, const ck_format *format, float *context, int64_t heads, int64_t kv_heads,
                              int64_t T, int64_t S, int64_t D, ck_mask mask, int threads) {
    rounding out;
    attention a = {.k = v, .probs = probs, .out = context, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .mask = mask,
                   .inner = part_rounding(&out, format)};
    run_attention(&a, 1, 0, threads, context_task, &a);
}
