// The two products of attention as tiles of bf16 pairs (see TileDot.h): scores = q k^T over the features, context = probs v over the keys,
// each 32 of them from key 0 on. Keys that a query does not see take no part, whatever is in them.
#pragma once
#include "Attention.h"
#include "Softmax.h"
#include "TileDot.h"

enum { KEYS_AT_ONCE = 2 * STRETCH };      // of the context

static int64_t tile_words(int64_t k) { return ck_max(1, ck_ceil_div(k, 2 * STEP)) * STEP; }

// Rows of a head, or where there are fewer tokens than heads in a group, of all heads for one token; and where their scores or
// probabilities lie, one row `ld` behind the other.
typedef struct {
    int64_t head, token, rows;
    int per_head;
    float *scores;
    int64_t ld;
} block_rows;

// Queries i0 ..< i0 + count of a key-value head's group in blocks: from i on of the r-th head, or of its heads from i on for the r-th token.
static int64_t block_groups(const attention *a, int64_t count) { return a->T < a->heads / a->kv_heads ? count : a->heads / a->kv_heads; }
static int64_t block_length(const attention *a, int64_t count) { return a->T < a->heads / a->kv_heads ? a->heads / a->kv_heads : count; }
static block_rows block_of(const attention *a, int64_t kv, int64_t i0, int64_t count, int64_t r, int64_t i) {
    const int64_t group = a->heads / a->kv_heads;
    const int per_head = a->T < group;
    return (block_rows){kv * group + (per_head ? i : r), i0 + (per_head ? r : i), ck_min(BLOCK, (per_head ? group : count) - i), per_head, NULL, 0};
}
static block_rows in_matrix(const attention *a, block_rows b, float *scores) {
    b.scores = scores + (b.head * a->T + b.token) * a->S;
    b.ld = b.per_head ? a->T * a->S : a->S;
    return b;
}
static int64_t query_of(block_rows b, int64_t row) { return b.per_head ? b.token : b.token + row; }

static void tile_score_block(const attention *a, block_rows b, const uint32_t *packed, uint32_t *pairs, int64_t from, int64_t to) {
    const int64_t words = tile_words(a->D);
    range r = seen_by(a, b.token, b.per_head ? 1 : b.rows);
    int64_t lo = ck_max(from, r.lo) - from, hi = ck_min(to, r.hi) - from;
    if (lo < hi) {
        dots q = {.x = a->q.base + b.head * a->q.head_stride + b.token * a->q.token_stride, .pairs = pairs,
                  .ldx = b.per_head ? a->q.head_stride : a->q.token_stride, .m = b.rows, .k = a->D, .words = words};
        for (int64_t t = 0; t < ck_ceil_div(b.rows, W); t++) tile_pairs_task(&q, t);
        for (int64_t c = lo / NR * NR; c < hi; c += NR) {
            _Alignas(64) block_sums sums;
            ahead nothing = {0};
            sum_block(pairs, packed + c * words, words, sums, b.rows, 1, &nothing);
            for (int64_t i = 0; i < b.rows; i++)
                UNROLL for (int v = 0; v < PANEL; v++)
                    store_columns(b.scores + i * b.ld + from + c + v * W, score_of(a, load(sums[i] + v * W)), to - from - c - v * W);
        }
    }
}

static void hide_block(const attention *a, block_rows b, int64_t from, int64_t to) {
    for (int64_t i = 0; i < b.rows; i++) hide_scores(a, b.scores + i * b.ld, query_of(b, i), from, to);
}

static void tile_scores_task(void *context, int64_t task) {
    const attention *a = context;
    const int64_t parts = ck_max(1, ck_ceil_div(a->S, a->keys)), part = task % parts, block = task / parts, kv = block % a->kv_heads;
    const int64_t first = part * a->keys, last = ck_min(first + a->keys, a->S);
    const int64_t i0 = (a->blocks - 1 - block / a->kv_heads) * a->block, count = ck_min(a->block, a->T - i0), words = tile_words(a->D);
    uint32_t *packed = ck_scratch((size_t)((KEYS + BLOCK) * words) * 4);
    for (int64_t r = 0; !packed && r < a->heads * a->T; r++) fill(a->out + r * a->S + first, last - first, NAN);      // no memory
    if (!packed) return;
    const range all = seen_by(a, i0, count);
    dots k = {.w = {(const uint8_t *)(a->k.base + kv * a->k.head_stride), CK_F32, 4, a->k.token_stride, 0}, .k = a->D,
              .words = words, .tiled = 1};
    configure_tiles();
    for (int64_t from = first; from < last; from += KEYS) {
        const int64_t to = ck_min(from + KEYS, last);
        if (from < all.hi && to > all.lo) pack_row_pairs(&k, from, to - from, 0, words, packed);
        for (int64_t r = 0; r < block_groups(a, count); r++)
            for (int64_t i = 0; i < block_length(a, count); i += BLOCK) {
                block_rows b = in_matrix(a, block_of(a, kv, i0, count, r, i), a->out);
                tile_score_block(a, b, packed, packed + KEYS * words, from, to);
                hide_block(a, b, from, to);
            }
    }
    release_tiles();
}

// Keys from ..< to of a row of probabilities, in bf16 or to be rounded to it, as pairs; what the row does not see is 0.
static void probability_pairs(const attention *a, const float *row, int64_t query, int64_t from, int64_t to, int is_bf16, uint32_t *pairs) {
    int64_t lo, hi;
    ck_visible(&a->mask, query, a->S, &lo, &hi);
    for (int64_t j = from; j < to; j += 2 * STEP, pairs += BLOCK * STEP) {
        float line[2 * W] = {0};
        const float *at = row + j;
        if (j < lo || j + 2 * W > hi) {
            const int64_t first = ck_max(lo, j), end = ck_min(hi, j + 2 * W);
            if (first < end) memcpy(line + first - j, row + first, (size_t)(end - first) * 4);
            at = line;
        }
        const lanes low = load(at), high = load(at + W);
        store(pairs, (lanes)(is_bf16 ? pairs_of_bf16((words)low, (words)high) : pairs_of(low, high)));
    }
}

// Whether v of keys from ..< to is finite.
static int keys_are_finite(const attention *a, const float *v, int64_t from, int64_t to) {
    lanes zero = splat(0);
    for (int64_t j = from; j < to; j++)
        for (int64_t c = 0; c < a->D; c += W) {
            lanes x = load_columns(v + j * a->k.token_stride + c, a->D - c);
            zero = zero + (x - x);
        }
    for (int l = 0; l < W; l++)
        if (zero[l] != 0) return 0;
    return 1;
}

// Whether 0 times v of what the tiles of a block read, though not all of its rows see it, is 0.
static int edges_are_finite(const attention *a, const float *v, range seen, int64_t keys) {
    enum { TOGETHER = 2 * STEP };
    const int64_t low = ck_min(ck_max(seen.all_lo, seen.lo), seen.hi), high = ck_min(ck_max(seen.all_hi, low), seen.hi);
    return keys_are_finite(a, v, seen.lo / TOGETHER * TOGETHER, low)
        && keys_are_finite(a, v, high, ck_min(ck_ceil_div(seen.hi, TOGETHER) * TOGETHER, keys));
}

// The keys of from ..< to whose probabilities are made to pairs: whole steps of the sum.
static key_range keys_of(const attention *a, block_rows b, int64_t from, int64_t to) {
    range r = seen_by(a, b.token, b.per_head ? 1 : b.rows);
    return (key_range){ck_max(from, r.lo / (2 * STEP) * (2 * STEP)), ck_min(to, r.hi)};
}

// Keys from ..< to, with which `packed` begins. Unless 0 times each v is 0, what a row does not see is left out row by row.
static void tile_context_block(const attention *a, block_rows b, const uint32_t *packed, uint32_t *pairs, int64_t from, int64_t to,
                               int64_t pitch, int finite) {
    const int64_t ld = b.per_head ? a->D : a->heads * a->D;
    float *y = a->out + b.token * a->heads * a->D + b.head * a->D;
    const key_range keys = keys_of(a, b, from, to);
    const range r = seen_by(a, b.token, b.per_head ? 1 : b.rows);
    const int64_t words = tile_words(ck_max(0, keys.to - keys.from));
    if (keys.from >= keys.to) return;
    packed += (keys.from - from) / 2 * NR;
    const int starts = from <= r.lo, ends = to >= r.hi;      // of the sums over keys; at their end they are rounded
    for (int64_t c = 0; c < a->D; c += NR, packed += NR * pitch) {
        _Alignas(64) block_sums sums;
        ahead nothing = {0};
        if (!starts) take_sums(sums, y + c, ld, b.rows, a->D - c);
        if (finite) sum_block(pairs, packed, words, sums, b.rows, starts, &nothing);
        for (int64_t i = 0; i < b.rows && !finite; i++) {
            int64_t lo, hi;
            ck_visible(&a->mask, query_of(b, i), a->S, &lo, &hi);
            sum_row(pairs + i * STEP, packed, words, sums[i], starts, lo - keys.from, hi - keys.from);
        }
        for (int64_t i = 0; i < b.rows; i++)
            UNROLL for (int v = 0; v < PANEL; v++) {
                lanes sum = load(sums[i] + v * W);
                store_columns(y + i * ld + c + v * W, ends && a->inner ? round_lanes(sum, a->inner) : sum, a->D - c - v * W);
            }
    }
}

static void tile_context_task(void *context, int64_t task) {
    const attention *a = context;
    const int64_t kv = task % a->kv_heads, group = a->heads / a->kv_heads, i0 = (a->blocks - 1 - task / a->kv_heads) * a->block;
    const int64_t count = ck_min(a->block, a->T - i0), panels = ck_ceil_div(a->D, NR), width = ck_min(KEYS_AT_ONCE, 2 * tile_words(a->S));
    const range all = seen_by(a, i0, count);
    float *y = a->out + i0 * a->heads * a->D + kv * group * a->D;
    uint32_t *packed = ck_scratch((size_t)(width / 2 * (panels * NR + BLOCK)) * 4);
    for (int64_t i = 0; i < count; i++) fill(y + i * a->heads * a->D, group * a->D, packed ? 0 : NAN);      // NaN: no memory
    if (!packed) return;
    const float *v = a->k.base + kv * a->k.head_stride;
    dots lines = {.w = {(const uint8_t *)v, CK_F32, 4, a->k.token_stride, 0}, .k = all.hi, .tiled = 1};
    configure_tiles();
    for (int64_t from = 0; from < all.hi; from += KEYS_AT_ONCE) {
        const int64_t to = ck_min(from + KEYS_AT_ONCE, all.hi), pitch = tile_words(to - from);
        if (to <= all.lo) continue;
        pack_line_pairs(&lines, 0, a->D, from / 2, pitch, packed);
        for (int64_t i = 0; i < block_length(a, count); i += BLOCK)
            for (int64_t r = 0, finite = 0; r < block_groups(a, count); r++) {
                block_rows b = in_matrix(a, block_of(a, kv, i0, count, r, i), (float *)a->probs);
                // The heads of a group see the same keys.
                if (b.per_head || !r) finite = edges_are_finite(a, v, seen_by(a, b.token, b.per_head ? 1 : b.rows), all.hi);
                uint32_t *pairs = packed + width / 2 * panels * NR;
                const key_range keys = keys_of(a, b, from, to);
                for (int64_t row = 0; row < b.rows; row++)
                    probability_pairs(a, b.scores + row * b.ld, query_of(b, row), keys.from, keys.to, 0, pairs + row * STEP);
                tile_context_block(a, b, packed, pairs, from, to, pitch, (int)finite);
            }
    }
    release_tiles();
}

// Scores, softmax and context of a block after the other while they are in a cache, each rounded as its own kernel rounds it.
typedef struct {
    attention scores, context;
    const rounding *probs;
} whole_attention;

// A block's scores become probabilities, and their pairs what the context's products read.
static void softmax_pairs(const whole_attention *j, block_rows b, key_range keys, uint32_t *pairs) {
    const int is_narrow = j->probs && j->probs->plain_bf16;
    for (int64_t row = 0; row < b.rows; row++) {
        float *x = b.scores + row * b.ld;
        int64_t lo, hi;
        ck_visible(&j->scores.mask, query_of(b, row), j->scores.S, &lo, &hi);
        softmax_row(x + lo, x + lo, hi - lo, j->probs);
        probability_pairs(&j->scores, x, query_of(b, row), keys.from, keys.to, is_narrow, pairs + row * STEP);
    }
}

static void tile_attention_task(void *context, int64_t task) {
    const whole_attention *j = context;
    const attention *a = &j->scores;
    const int64_t kv = task % a->kv_heads, i0 = (a->blocks - 1 - task / a->kv_heads) * a->block, count = ck_min(a->block, a->T - i0);
    const range all = seen_by(a, i0, count);
    const int64_t from = ck_min(all.lo, all.hi) / KEYS * KEYS, panels = ck_ceil_div(a->D, NR), words = tile_words(a->D);
    const int64_t pitch = tile_words(all.hi - from), key_room = ck_ceil_div(all.hi - from, NR) * NR * words, value_room = panels * NR * pitch;
    const int64_t group = a->heads / a->kv_heads, pair_room = BLOCK * ck_max(words, pitch), ld = ck_ceil_div(all.hi, W) * W;
    float *y = j->context.out + i0 * a->heads * a->D + kv * group * a->D;
    uint32_t *keys = ck_scratch((size_t)(key_room + value_room + pair_room + BLOCK * ld) * 4);
    uint32_t *values = keys + key_room, *pairs = values + value_room;
    for (int64_t i = 0; i < count; i++) fill(y + i * a->heads * a->D, group * a->D, keys ? 0 : NAN);      // NaN: no memory
    if (!keys) return;
    const float *v = j->context.k.base + kv * j->context.k.head_stride;
    dots k = {.w = {(const uint8_t *)(a->k.base + kv * a->k.head_stride + from * a->k.token_stride), CK_F32, 4, a->k.token_stride, 0},
              .k = a->D, .words = words, .tiled = 1};
    dots lines = {.w = {(const uint8_t *)v, CK_F32, 4, j->context.k.token_stride, 0}, .k = all.hi, .tiled = 1};
    pack_row_pairs(&k, 0, all.hi - from, 0, words, keys);
    pack_line_pairs(&lines, 0, a->D, from / 2, pitch, values);
    configure_tiles();
    for (int64_t i = 0; i < block_length(a, count); i += BLOCK)
        for (int64_t r = 0, finite = 0; r < block_groups(a, count); r++) {
            block_rows b = block_of(a, kv, i0, count, r, i);
            b.scores = (float *)(pairs + pair_room), b.ld = ld;
            tile_score_block(a, b, keys, pairs, from, all.hi);
            softmax_pairs(j, b, keys_of(a, b, from, all.hi), pairs);
            if (b.per_head || !r) finite = edges_are_finite(&j->context, v, seen_by(a, b.token, b.per_head ? 1 : b.rows), all.hi);
            tile_context_block(&j->context, b, values, pairs, from, all.hi, pitch, (int)finite);
        }
    release_tiles();
}

static void attention_scores_tile(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                                  float scale, float softcap, ck_mask mask, const ck_format *format, int threads) {
    rounding inner;
    attention a = scores_of(q, k, scores, heads, kv_heads, T, S, D, scale, softcap, mask, part_rounding(&inner, format));
    run_attention(&a, BLOCK, 1, threads, tile_scores_task, &a);
}

static void attention_context_tile(const float *probs, ck_heads v, const ck_format *format, float *context, int64_t heads, int64_t kv_heads,
                                   int64_t T, int64_t S, int64_t D, ck_mask mask, int threads) {
    rounding out;
    attention a = {.k = v, .probs = probs, .out = context, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .mask = mask,
                   .inner = part_rounding(&out, format)};
    run_attention(&a, BLOCK, 0, threads, tile_context_task, &a);
}

static void attention_tile(ck_heads q, ck_heads k, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                           float scale, float softcap, ck_mask mask, const ck_format *scores, const ck_format *probs,
                           const ck_format *format, int threads) {
    rounding room[3];
    whole_attention j = {
        .scores = scores_of(q, k, NULL, heads, kv_heads, T, S, D, scale, softcap, mask, part_rounding(&room[0], scores)),
        .context = {.k = v, .out = context, .heads = heads, .kv_heads = kv_heads, .T = T, .S = S, .D = D, .mask = mask,
                    .inner = part_rounding(&room[2], format)},
        .probs = part_rounding(&room[1], probs)};
    run_attention(&j.scores, BLOCK, 0, threads, tile_attention_task, &j);
}
