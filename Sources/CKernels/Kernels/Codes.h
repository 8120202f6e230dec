// Blocks of codes: each value a place in a table of levels, times the largest magnitude of its block. NF4 packs two codes a byte and holds the
// blocks' magnitudes as codes, too; its elements are unpacked sixteen at a time, to the bits that the whole matrix would have in fp32.
#pragma once
#include "Convert.h"

enum { CODE_BLOCK = 64, SCALE_BLOCK = 256, CODE_RUN = 512 };      // values a block, blocks a block of scales, blocks a task

typedef struct {
    const float *x;
    const uint8_t *raw;          // elements of `type`, for NF4
    ck_type type;
    const float *levels, *read_absmax;
    const uint8_t *read_codes;
    float *y, *absmax;
    uint8_t *codes;
    int64_t n, block;
    int count;
} code_job;

// Of two levels that are equally near the lower.
INLINE uint8_t nearest_level(float x, const float *levels, int count) {
    int low = 0, high = count - 1;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (levels[middle] <= x) low = middle; else high = middle;
    }
    return (uint8_t)(x - levels[low] <= levels[high] - x ? low : high);
}
INLINE float largest(const float *x, int64_t n) {
    lanes tops = splat(0);
    int64_t i = 0;
    for (; i + W <= n; i += W) tops = larger(magnitude(load(x + i)), tops);
    float top = max_lanes(tops);
    for (; i < n; i++) {
        float size = x[i] < 0 ? -x[i] : x[i];
        if (size > top) top = size;
    }
    return top;
}

INLINE lanes look_up(lanes table, words at) {
#ifdef LANES_AVX512
    return (lanes)_mm512_permutexvar_ps((__m512i)at, (__m512)table);
#elif defined(LANES_X86)
    __m256 low = (__m256)low_half(table), high = (__m256)high_half(table), part[2];
    __m256i place[2] = {(__m256i)low_half((lanes)at), (__m256i)high_half((lanes)at)};
    UNROLL for (int h = 0; h < 2; h++)
        part[h] = _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, place[h]), _mm256_permutevar8x32_ps(high, place[h]),
                                   (__m256)_mm256_slli_epi32(place[h], 28));
    return __builtin_shufflevector((lanes8)part[0], (lanes8)part[1], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    float t[W], y[W];
    store(t, table);
    for (int i = 0; i < W; i++) y[i] = t[at[i]];
    return load(y);
#endif
}

// Sixteen at a time, where there are as many levels at most. The table holds them; `levels` has `count` of them.
INLINE words nearest_levels(lanes x, lanes table, const float *levels, int count) {
    ints low = {0};
    for (int k = 1; k < count - 1; k++) low -= splat(levels[k]) <= x;
    lanes below = look_up(table, (words)low), above = look_up(table, (words)(low + 1));
    return (words)(low + 1 + (x - below <= above - x));
}

static void quantise_block(const code_job *j, int64_t block, lanes table) {
    typedef uint8_t bytes16 __attribute__((ext_vector_type(16), aligned(1)));
    int64_t i = block * j->block, to = ck_min(i + j->block, j->n);
    float top = j->absmax[block] = largest(j->x + i, to - i);
    for (; j->count <= W && i + W <= to; i += W) {
        lanes x = top > 0 ? load(j->x + i) / splat(top) : splat(0);
        *(bytes16 *)(j->codes + i) = __builtin_convertvector(nearest_levels(x, table, j->levels, j->count), bytes16);
    }
    for (; i < to; i++) j->codes[i] = nearest_level(top > 0 ? j->x[i] / top : 0, j->levels, j->count);
}
// A task is as many blocks as make it worth a thread's while.
static int64_t blocks_a_task(const code_job *j) { return ck_max(1, 16384 / j->block); }
static int64_t code_tasks(const code_job *j) { return ck_ceil_div(ck_ceil_div(j->n, j->block), blocks_a_task(j)); }

static void quantise_task(void *context, int64_t task) {
    const code_job *j = context;
    const int64_t each = blocks_a_task(j), blocks = ck_ceil_div(j->n, j->block);
    float table[W] = {0};
    memcpy(table, j->levels, (size_t)ck_min(j->count, W) * 4);
    for (int64_t b = task * each; b < ck_min((task + 1) * each, blocks); b++) quantise_block(j, b, load(table));
}
static void quantise_blocks(const float *x, int64_t n, int64_t block, const float *levels, int count, uint8_t *codes, float *absmax,
                            int threads) {
    code_job j = {.x = x, .n = n, .block = block, .levels = levels, .count = count, .codes = codes, .absmax = absmax};
    if (n > 0 && block > 0) ck_parallel(code_tasks(&j), threads, quantise_task, &j);
}
static void dequantise_task(void *context, int64_t task) {
    const code_job *j = context;
    const int64_t each = blocks_a_task(j), blocks = ck_ceil_div(j->n, j->block);
    for (int64_t b = task * each; b < ck_min((task + 1) * each, blocks); b++)
        for (int64_t i = b * j->block, end = ck_min(i + j->block, j->n); i < end; i++)
            j->y[i] = j->levels[j->read_codes[i]] * j->read_absmax[b];
}
static void dequantise_blocks(const uint8_t *codes, const float *absmax, int64_t n, int64_t block, const float *levels, float *y,
                              int threads) {
    code_job j = {.read_codes = codes, .read_absmax = absmax, .n = n, .block = block, .levels = levels, .y = y};
    if (n > 0 && block > 0) ck_parallel(code_tasks(&j), threads, dequantise_task, &j);
}

// ---------------------------------------------------------------- NF4
static void encode_nf4_task(void *context, int64_t task) {
    const code_job *j = context;
    const int64_t blocks = ck_ceil_div(j->n, CODE_BLOCK);
    float line[CODE_BLOCK];
    for (int64_t b = task * CODE_RUN; b < ck_min((task + 1) * CODE_RUN, blocks); b++) {
        int64_t from = b * CODE_BLOCK, n = ck_min(CODE_BLOCK, j->n - from);
        upcast_run(j->raw + (size_t)from * ck_type_size(j->type), j->type, line, n);
        float top = j->absmax[b] = largest(line, n);
        uint8_t *out = j->codes + from / 2;
        memset(out, 0, (size_t)ck_ceil_div(n, 2));
        for (int64_t i = 0; i < n; i++)
            out[i / 2] |= (uint8_t)(nearest_level(top > 0 ? line[i] / top : 0, j->levels, W) << (i % 2 * 4));
    }
}
static void encode_nf4(const void *x, ck_type type, int64_t n, const float *levels, uint8_t *codes, float *absmax, int threads) {
    code_job j = {.raw = x, .type = type, .n = n, .levels = levels, .codes = codes, .absmax = absmax};
    if (n > 0) ck_parallel(ck_ceil_div(n, CODE_BLOCK * CODE_RUN), threads, encode_nf4_task, &j);
}

// The codes of sixteen elements, from eight bytes.
INLINE words spread_codes(const uint8_t *p) {
    uint32_t a, b;
    memcpy(&a, p, 4), memcpy(&b, p + 4, 4);
    words w = {a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b};
    return w >> (words){0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28} & 15;
}
// Elements [first, first + n) of the view.
static void unpack_nf4(const ck_nf4 *t, int64_t first, int64_t n, float *y) {
    const lanes levels = load(t->levels);
    int64_t i = t->first + first;
    for (const int64_t end = i + n; i < end;) {
        const int64_t block = i / CODE_BLOCK, stop = ck_min(end, (block + 1) * CODE_BLOCK);
        const float scale = t->steps[t->scales[block]] * t->tops[block / SCALE_BLOCK] + t->mean;
        while (i < stop) {
            if (i % W == 0 && i + W <= stop) {
                store(y, look_up(levels, spread_codes(t->codes + i / 2)) * splat(scale));
                i += W, y += W;
            } else {
                *y++ = t->levels[t->codes[i / 2] >> (i % 2 * 4) & 15] * scale;
                i++;
            }
        }
    }
}
