// Everything the screen says about a value at a glance, in one pass over memory: chunks that stay in the first-level cache are read for
// moments, for exponents and for the hash. Moments of groups of chunks are joined in order, so threads do not change a bit.
#pragma once
#include "Hash.h"

enum { CHUNK = CHUNK_BYTES / 4, MOST_GROUPS = 512, TABLES = 4 };

typedef struct {
    double sum, sum_squares;
    float min, max;
    int64_t min_at, max_at;
} moments;

typedef struct {
    const float *x;
    int64_t n, group;                     // elements a group
    moments groups[MOST_GROUPS];
    _Atomic uint64_t hash;
    _Atomic int64_t zeros, nan, posinf, neginf;
    _Atomic uint32_t buckets[512];
} statistics_job;

// What a worker counts in a group before it adds to the job's totals.
typedef struct { uint32_t tables[TABLES][512]; int64_t zeros, nan, posinf, neginf; } counts;

INLINE int64_t count_true(ints mask) {
#ifdef LANES_AVX512
    return __builtin_popcount(_mm512_movepi32_mask((__m512i)mask));
#else
    return -__builtin_reduce_add(mask);
#endif
}

// Biased exponents and signs, sixteen at a time into a buffer, then counted in four tables in turn: equal neighbours, which are common,
// would otherwise wait for each other's store.
static void count_exponents(const float *x, int64_t n, counts *c) {
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        uint16_t e[4 * W];
        UNROLL for (int v = 0; v < 4; v++) {
            words u = *(const words_at *)(x + i + v * W) >> 23;
            *(halves_at *)(e + v * W) = __builtin_convertvector(u, halves);
        }
        for (int j = 0; j < 4 * W; j += 8) {
            uint64_t p, q;
            memcpy(&p, e + j, 8);
            memcpy(&q, e + j + 4, 8);
            c->tables[0][p & 511]++;
            c->tables[1][p >> 16 & 511]++;
            c->tables[2][p >> 32 & 511]++;
            c->tables[3][p >> 48]++;
            c->tables[0][q & 511]++;
            c->tables[1][q >> 16 & 511]++;
            c->tables[2][q >> 32 & 511]++;
            c->tables[3][q >> 48]++;
        }
    }
    for (; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, 4);
        c->tables[i & 3][u >> 23]++;
    }
}

static int64_t first_equal(const float *x, int64_t n, float value) {
    for (int64_t i = 0; i < n; i++)
        if (x[i] == value) return i;
    return 0;
}

typedef struct { doubles sum_low, sum_high, squares_low, squares_high; } sums;

// One chunk. Non-finite values count as 0 in the sums and are left out of the extremes.
static void chunk_moments(const float *x, int64_t n, int64_t offset, moments *m, sums *s, counts *c) {
    const lanes infinity = splat(INFINITY), zero = splat(0);
    lanes low = infinity, high = -infinity;
    ints zeros = {0}, finite = {0};
    for (int64_t i = 0; i < n; i += W) {
        lanes v = n - i >= W ? load(x + i) : load_part(x + i, n - i, NAN);
        ints is_finite = magnitude(v) < infinity;
        zeros += v == zero;
        finite += is_finite;
        low = smaller(pick(is_finite, v, infinity), low);
        high = larger(pick(is_finite, v, -infinity), high);
        v = pick(is_finite, v, zero);
        doubles a = low_doubles(v), b = high_doubles(v);
        s->sum_low += a, s->sum_high += b;
        s->squares_low = __builtin_elementwise_fma(a, a, s->squares_low);
        s->squares_high = __builtin_elementwise_fma(b, b, s->squares_high);
    }
    c->zeros -= __builtin_reduce_add(zeros);
    if (!__builtin_reduce_add(finite)) return;
    float least = -max_lanes(-low), most = max_lanes(high);
    if (m->min_at < 0 || least < m->min) m->min = least, m->min_at = offset + first_equal(x, n, least);
    if (m->max_at < 0 || most > m->max) m->max = most, m->max_at = offset + first_equal(x, n, most);
}

static void count_non_finite(const float *x, int64_t n, counts *c) {
    for (int64_t i = 0; i < n; i++) {
        c->nan += x[i] != x[i];
        c->posinf += x[i] == INFINITY;
        c->neginf += x[i] == -INFINITY;
    }
}

static void statistics_task(void *context, int64_t task) {
    statistics_job *j = context;
    counts c = {0};
    sums s = {0};
    moments m = {.min_at = -1, .max_at = -1};
    uint64_t hash = 0;
    for (int64_t i = task * j->group, end = ck_min(i + j->group, j->n); i < end; i += CHUNK) {
        int64_t n = ck_min(CHUNK, end - i);
        uint32_t before = 0, after = 0;
        for (int t = 0; t < TABLES; t++) before += c.tables[t][255] + c.tables[t][511];
        chunk_moments(j->x + i, n, i, &m, &s, &c);
        count_exponents(j->x + i, n, &c);
        for (int t = 0; t < TABLES; t++) after += c.tables[t][255] + c.tables[t][511];
        if (after != before) count_non_finite(j->x + i, n, &c);
        hash += place_chunk(hash_chunk((const uint8_t *)(j->x + i), (size_t)n * 4), (uint64_t)(i / CHUNK));
    }
    m.sum = sum_doubles(s.sum_low + s.sum_high);
    m.sum_squares = sum_doubles(s.squares_low + s.squares_high);
    j->groups[task] = m;
#define ADD(FIELD, VALUE) atomic_fetch_add_explicit(&j->FIELD, VALUE, memory_order_relaxed)
    ADD(hash, hash), ADD(zeros, c.zeros), ADD(nan, c.nan), ADD(posinf, c.posinf), ADD(neginf, c.neginf);
    for (int e = 0; e < 512; e++) {
        uint32_t count = c.tables[0][e] + c.tables[1][e] + c.tables[2][e] + c.tables[3][e];
        if (count) ADD(buckets[e], count);
    }
#undef ADD
}

static void join_moments(ck_statistics_t *out, const moments *m) {
    out->sum += m->sum;
    out->sum_squares += m->sum_squares;
    if (m->min_at >= 0 && (out->min_at < 0 || m->min < out->min)) out->min = m->min, out->min_at = m->min_at;
    if (m->max_at >= 0 && (out->max_at < 0 || m->max > out->max)) out->max = m->max, out->max_at = m->max_at;
}

static void statistics(const float *x, int64_t n, ck_statistics_t *out, int threads) {
    statistics_job j = {.x = x, .n = n};
    int64_t groups = 0;
    j.group = ck_max(8, ck_ceil_div(n, (int64_t)MOST_GROUPS * CHUNK)) * CHUNK;
    if (n > 0) groups = ck_ceil_div(n, j.group);
    ck_parallel(groups, threads, statistics_task, &j);
    memset(out, 0, sizeof *out);
    out->min_at = out->max_at = -1;
    for (int64_t g = 0; g < groups; g++) join_moments(out, &j.groups[g]);
    out->count = n;
    out->zeros = j.zeros, out->nan = j.nan, out->posinf = j.posinf, out->neginf = j.neginf;
    for (int e = 0; e < 512; e++) out->buckets[e] = j.buckets[e];
    out->subnormals = (int64_t)out->buckets[0] + out->buckets[256] - out->zeros;
    out->absmax = out->max > -out->min ? out->max : -out->min;
    if (out->absmax == 0) out->absmax = 0;
    out->hash = finish_hash(j.hash, (uint64_t)n * 4);
}
