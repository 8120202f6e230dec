// Attention without a matrix of scores: a block of queries walks over tiles of 64 keys with a running maximum, sum and average, which are scaled
// down where a later tile holds a larger score. Tiles lie at multiples of 64, so that a row's bits do not depend on who computes it.
// Milakov and Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135; Dao 2023, arXiv:2307.08691.
#pragma once
#include "Attention.h"

enum { FLASH_KEYS = 64, FLASH_ROWS = 32, FLASH_VECTORS = FLASH_KEYS / W };

typedef struct {
    attention a;                 // k holds the keys; out is the context
    ck_heads v;
} flash;

// Of one row: the maximum, the sum of exp(s - maximum), and the average times the sum, from state + W on.
static float sum_lanes(lanes v) {
    lanes8 h = low_half(v) + high_half(v);
    float a = h[0] + h[4], b = h[1] + h[5], c = h[2] + h[6], d = h[3] + h[7];
    return (a + c) + (b + d);
}

static void flash_scores(const flash *f, const float *q, const float *keys, int64_t lo, int64_t hi, lanes *s) {
    for (int c = 0; c < FLASH_VECTORS; c++) s[c] = splat(0);
    for (int64_t d = 0; d < f->a.D; d++)
        UNROLL for (int c = 0; c < FLASH_VECTORS; c++) s[c] = fma16(splat(q[d]), load(keys + d * FLASH_KEYS + c * W), s[c]);
    for (int c = 0; c < FLASH_VECTORS; c++) {
        s[c] = s[c] * splat(f->a.scale);
        if (f->a.softcap > 0) s[c] = splat(f->a.softcap) * tanh_lanes(s[c] / splat(f->a.softcap));
        for (int64_t j = 0; j < W; j++)
            if (c * W + j < lo || c * W + j >= hi) s[c][j] = -INFINITY;
    }
}

// average = average * shrink + sum over [lo, hi) of p v
static void flash_values(const flash *f, const float *p, float shrink, const float *v, int64_t lo, int64_t hi, float *average) {
    for (int64_t d = 0; d < f->a.D; d += FLASH_KEYS) {
        lanes sum[FLASH_VECTORS];
        for (int c = 0; c < FLASH_VECTORS; c++) sum[c] = load_columns(average + d + c * W, f->a.D - d - c * W) * splat(shrink);
        for (int64_t j = lo; j < hi; j++)
            UNROLL for (int c = 0; c < FLASH_VECTORS; c++)
                sum[c] = fma16(splat(p[j]), load_columns(v + j * f->v.token_stride + d + c * W, f->a.D - d - c * W), sum[c]);
        for (int c = 0; c < FLASH_VECTORS; c++) store_columns(average + d + c * W, sum[c], f->a.D - d - c * W);
    }
}

// The keys [j0, j0 + 64) for query i.
static void flash_tile(const flash *f, const float *q, int64_t i, const float *keys, const float *v, int64_t j0, float *state) {
    int64_t lo, hi;
    ck_visible(&f->a.mask, i, f->a.S, &lo, &hi);
    lo = ck_max(lo - j0, 0), hi = ck_min(hi - j0, FLASH_KEYS);
    if (lo >= hi) return;
    lanes s[FLASH_VECTORS], sum = splat(0);
    float p[FLASH_KEYS], top = state[0];
    flash_scores(f, q, keys, lo, hi, s);
    for (int c = 0; c < FLASH_VECTORS; c++) top = max_lanes(s[c]) > top ? max_lanes(s[c]) : top;
    for (int c = 0; c < FLASH_VECTORS; c++) {
        s[c] = exp_lanes(s[c] - splat(top));
        sum = sum + s[c];
        store(p + c * W, f->a.inner ? round_lanes(s[c], f->a.inner) : s[c]);
    }
    float shrink = exp_lanes(splat(state[0] - top))[0];
    state[0] = top;
    state[1] = state[1] * shrink + sum_lanes(sum);
    flash_values(f, p, shrink, v + j0 * f->v.token_stride, lo, hi, state + W);
}

static void flash_task(void *context, int64_t task) {
    const flash *f = context;
    const attention *a = &f->a;
    int64_t kv = task % a->kv_heads, group = a->heads / a->kv_heads, i0 = (a->blocks - 1 - task / a->kv_heads) * FLASH_ROWS;
    int64_t rows = ck_min(FLASH_ROWS, a->T - i0), pitch = W + ck_ceil_div(a->D, W) * W, ld = a->heads * a->D;
    range all = seen_by(a, i0, rows);
    float *keys = ck_scratch((size_t)(a->D * FLASH_KEYS + rows * group * pitch) * 4 + 64), *states = keys ? keys + a->D * FLASH_KEYS : NULL;
    for (int64_t r = 0; keys && r < rows * group; r++) fill(states + r * pitch, pitch, 0), states[r * pitch] = -INFINITY;
    for (int64_t j0 = all.lo / FLASH_KEYS * FLASH_KEYS; keys && j0 < all.hi; j0 += FLASH_KEYS) {
        const float *k = a->k.base + kv * a->k.head_stride + j0 * a->k.token_stride;
        int64_t n = ck_min(FLASH_KEYS, a->S - j0);
        for (int64_t d = 0; d < a->D; d++)
            for (int64_t j = 0; j < FLASH_KEYS; j++) keys[d * FLASH_KEYS + j] = j < n ? k[j * a->k.token_stride + d] : 0;
        for (int64_t r = 0; r < rows * group; r++)
            flash_tile(f, a->q.base + (kv * group + r / rows) * a->q.head_stride + (i0 + r % rows) * a->q.token_stride, i0 + r % rows, keys,
                       f->v.base + kv * f->v.head_stride, j0, states + r * pitch);
    }
    for (int64_t r = 0; r < rows * group; r++) {
        float *out = a->out + (i0 + r % rows) * ld + (kv * group + r / rows) * a->D, sum = keys ? states[r * pitch + 1] : NAN;
        int sees = !keys || states[r * pitch] != -INFINITY || sum != 0;      // a row that sees nothing is 0
        for (int64_t d = 0; d < a->D; d++) out[d] = !keys ? NAN : sees ? states[r * pitch + W + d] / sum : 0;
    }
}

static void flash_attention(ck_heads q, ck_heads k, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S,
                            int64_t D, float scale, float softcap, ck_mask mask, const ck_format *format, int threads) {
    if (T <= 0 || heads <= 0 || kv_heads <= 0 || D <= 0) return;
    rounding inner;
    flash f = {.a = {.q = q, .k = k, .out = context, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .scale = scale,
                     .softcap = softcap, .mask = mask, .blocks = ck_ceil_div(T, FLASH_ROWS), .inner = part_rounding(&inner, format)},
               .v = v};
    ck_parallel(kv_heads * f.a.blocks, threads, flash_task, &f);
}
