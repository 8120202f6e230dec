// How many values of a chunk have which sign and exponent. Within a chunk nearly all exponents lie in a window of sixteen below the
// largest, so those are counted without memory: a value adds 1 << 4 d to a word of eight four-bit counters. The few outside the window,
// and processors without a shift by lane, go through a table.
#pragma once
#include "Lanes.h"

enum { TABLES = 4, HALF_CHUNK = 2048 };

// What a worker counts in a group before it adds to the job's totals.
typedef struct {
    uint32_t tables[TABLES][512];
    int64_t zeros, nan, posinf, neginf;
    uint32_t constant;           // the bits of the last constant chunk
    int suspicious;              // whether the last chunk had non-finite values
} counts;

// Sixteen at a time into a buffer, then counted in four tables in turn: equal neighbours, which are common, would otherwise wait for each
// other's store.
static void count_in_tables(const float *x, int64_t n, counts *c) {
    int64_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) {
        uint16_t e[2 * W];
        UNROLL for (int v = 0; v < 2; v++) {
            words u = *(const words_at *)(x + i + v * W) >> 23;
            *(halves_at *)(e + v * W) = __builtin_convertvector(u, halves);
        }
        UNROLL for (int j = 0; j < 2 * W; j += 4) {
            uint64_t p;
            memcpy(&p, e + j, 8);
            c->tables[0][p & 511]++;
            c->tables[1][p >> 16 & 511]++;
            c->tables[2][p >> 32 & 511]++;
            c->tables[3][p >> 48]++;
        }
    }
    for (; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, 4);
        c->tables[i & 3][u >> 23]++;
    }
}

#ifdef LANES_X86
// 1 << by, and 0 where by is 32 or more.
INLINE words one_shifted(words by) {
#ifdef LANES_AVX512
    return (words)_mm512_sllv_epi32(_mm512_set1_epi32(1), (__m512i)by);
#else
    typedef uint32_t words8 __attribute__((ext_vector_type(8)));
    words8 low = __builtin_shufflevector(by, by, 0, 1, 2, 3, 4, 5, 6, 7), high = __builtin_shufflevector(by, by, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m256i one = _mm256_set1_epi32(1);
    words8 a = (words8)_mm256_sllv_epi32(one, (__m256i)low), b = (words8)_mm256_sllv_epi32(one, (__m256i)high);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

// Counters of four bits become counters of eight: even places, then odd ones.
typedef struct { words even, odd; } wide_counters;
INLINE void widen(wide_counters *to, words four) {
    to->even += four & splat_word(0x0f0f0f0f);
    to->odd += four >> 4 & splat_word(0x0f0f0f0f);
}

// The eight totals of such counters over all lanes.
INLINE void total(const wide_counters *w, uint32_t *out) {
    const words mask = splat_word(0x00ff00ff);
    uint32_t a = __builtin_reduce_add(w->even & mask), b = __builtin_reduce_add(w->odd & mask);
    uint32_t c = __builtin_reduce_add(w->even >> 8 & mask), d = __builtin_reduce_add(w->odd >> 8 & mask);
    out[0] = a & 0xffff, out[4] = a >> 16, out[1] = b & 0xffff, out[5] = b >> 16;
    out[2] = c & 0xffff, out[6] = c >> 16, out[3] = d & 0xffff, out[7] = d >> 16;
}

// Values with exponents top - 15 ... top; returns how many of the n, a multiple of 16 up to HALF_CHUNK, there were.
static int64_t count_window(const float *x, int64_t n, int top, counts *c) {
    wide_counters all[2] = {0}, negative[2] = {0};
    const words four_top = splat_word(4 * (uint32_t)top), field = splat_word(0x3fc);
    for (int64_t i = 0; i < n; i += 15 * W) {
        words a = splat_word(0), b = a, p = a, q = a;
        for (int64_t j = i, end = ck_min(n, i + 15 * W); j < end; j += W) {
            words u = *(const words_at *)(x + j), by = four_top - (u >> 21 & field), sign = (words)((ints)u >> 31);
            words near = one_shifted(by), far = one_shifted(by - 32);
            a += near, b += far;
            p += near & sign, q += far & sign;
        }
        widen(&all[0], a), widen(&all[1], b), widen(&negative[0], p), widen(&negative[1], q);
    }
    uint32_t sum[16], minus[16];
    int64_t counted = 0;
    for (int h = 0; h < 2; h++) total(&all[h], sum + 8 * h), total(&negative[h], minus + 8 * h);
    for (int d = 0; d < 16 && d <= top; d++) {
        c->tables[0][top - d] += sum[d] - minus[d];
        c->tables[0][256 + top - d] += minus[d];
        counted += sum[d];
    }
    return counted;
}

// The values that count_window passed over. Zeros are many where there are any, so they are told apart in the vectors.
static void count_outside(const float *x, int64_t n, int top, counts *c) {
    const words four_top = splat_word(4 * (uint32_t)top), field = splat_word(0x3fc);
    words plus = splat_word(0), minus = plus, minus_infinity = plus;
    for (int64_t i = 0; i < n; i += W) {
        words u = *(const words_at *)(x + i), by = four_top - (u >> 21 & field);
        words out = (words)(by >= splat_word(64)), is_plus = (words)(u == splat_word(0)), is_minus = (words)(u == splat_word(0x80000000));
        words is_infinity = (words)(u == splat_word(0xff800000));
        plus -= is_plus & out, minus -= is_minus & out, minus_infinity -= is_infinity & out;
        out &= ~(is_plus | is_minus | is_infinity);
        if (!__builtin_reduce_or(out)) continue;
        for (int j = 0; j < W; j++)
            if (out[j]) c->tables[j & 3][u[j] >> 23]++;
    }
    c->tables[0][0] += __builtin_reduce_add(plus);
    c->tables[0][256] += __builtin_reduce_add(minus);
    c->tables[0][511] += __builtin_reduce_add(minus_infinity);
}
#endif

// `largest` is the chunk's largest finite magnitude: where the window ends.
static void count_exponents(const float *x, int64_t n, float largest, counts *c) {
    int64_t i = 0;
#ifdef LANES_X86
    uint32_t bits;
    memcpy(&bits, &largest, 4);
    int top = (int)(bits >> 23);
    while (n - i >= W) {
        int64_t part = ck_min(HALF_CHUNK, (n - i) / W * W);
        if (count_window(x + i, part, top, c) < part) count_outside(x + i, part, top, c);
        i += part;
    }
#else
    (void)largest;
#endif
    count_in_tables(x + i, n - i, c);
}
