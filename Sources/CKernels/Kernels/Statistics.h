// Everything the screen says about a value at a glance, in one pass over memory: chunks that stay in the first-level cache are read for
// moments, for exponents and for the hash. Moments of groups of chunks are joined in order, so threads do not change a bit.
#pragma once
#include "Exponents.h"
#include "Hash.h"

enum { CHUNK = CHUNK_BYTES / 4, MOST_GROUPS = 512 };

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

static int64_t first_equal(const float *x, int64_t n, float value) {
    for (int64_t i = 0; i < n; i++)
        if (x[i] == value) return i;
    return 0;
}

typedef struct { doubles sum_low, sum_high, squares_low, squares_high; } sums;
typedef struct { lanes low, high; words largest; ints zeros, nan, posinf, neginf; } extremes;

INLINE void add_sums(lanes v, sums *s) {
    doubles a = low_doubles(v), b = high_doubles(v);
    s->sum_low += a, s->sum_high += b;
    s->squares_low = add_square(a, s->squares_low);
    s->squares_high = add_square(b, s->squares_high);
}

// Values that are all finite, unless `checked`: then the others are counted and left out of the extremes.
INLINE void add_extremes(lanes v, const int checked, extremes *e) {
    const lanes infinity = splat(INFINITY);
    words magnitudes = (words)v & 0x7fffffff;
    ints finite = magnitude(v) < infinity;
    e->zeros += v == splat(0);
    e->low = smaller(checked ? pick(finite, v, infinity) : v, e->low);
    e->high = larger(checked ? pick(finite, v, -infinity) : v, e->high);
    e->largest = magnitudes > e->largest ? magnitudes : e->largest;
    if (checked) e->nan += v != v, e->posinf += v == infinity, e->neginf += v == -infinity;
}

INLINE extremes read_chunk(const float *x, int64_t n, const int checked, sums *s) {
    extremes e = {.low = splat(INFINITY), .high = splat(-INFINITY)};
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        lanes v = load(x + i);
        add_extremes(v, checked, &e);
        add_sums(checked ? pick(magnitude(v) < splat(INFINITY), v, splat(0)) : v, s);
    }
    for (; i < n; i++) {
        // One value in sixteen lanes: its extremes are its own, what it counts for is taken once.
        extremes one = {.low = splat(INFINITY), .high = splat(-INFINITY)};
        lanes v = splat(x[i]), alone = splat(0);
        add_extremes(v, 1, &one);
        alone[i % W] = one.largest[0] < 0x7f800000 ? x[i] : 0;
        add_sums(alone, s);
        e.low = smaller(one.low, e.low), e.high = larger(one.high, e.high);
        e.largest = one.largest > e.largest ? one.largest : e.largest;
        e.zeros[0] += one.zeros[0], e.nan[0] += one.nan[0], e.posinf[0] += one.posinf[0], e.neginf[0] += one.neginf[0];
    }
    return e;
}

// Chunks of nothing but +0 or -infinity, as masks make them: true if counted here.
static int count_constant(const float *x, int64_t n, counts *c) {
    words first = splat_word(0), differ = first;
    int64_t i = 0;
    if (x[0] == 0) c->constant = 0;
    else if (x[0] == -INFINITY) c->constant = 0xff800000;
    else return 0;
    for (first = splat_word(c->constant); i + 4 * W <= n; i += 4 * W) {
        for (int v = 0; v < 4; v++) differ |= *(const words_at *)(x + i + v * W) ^ first;
        if (__builtin_reduce_or(differ)) return 0;
    }
    for (; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, 4);
        if (u != c->constant) return 0;
    }
    c->tables[0][c->constant >> 23] += (uint32_t)n;
    if (c->constant) c->neginf += n;
    else c->zeros += n;
    return 1;
}

static void note_extremes(const float *x, int64_t n, int64_t offset, float least, float most, moments *m) {
    if (m->min_at < 0 || least < m->min) m->min = least, m->min_at = offset + first_equal(x, n, least);
    if (m->max_at < 0 || most > m->max) m->max = most, m->max_at = offset + first_equal(x, n, most);
}

// Sums, extremes and exponents of one chunk. A chunk after one with non-finite values is read as if it had some too: the bits are the
// same, but it is read once instead of twice.
static void read_values(const float *x, int64_t n, int64_t offset, moments *m, sums *s, counts *c) {
    if (count_constant(x, n, c)) {
        if (!c->constant) note_extremes(x, n, offset, 0, 0, m);
        return;
    }
    sums before = *s;
    extremes e = c->suspicious ? read_chunk(x, n, 1, s) : read_chunk(x, n, 0, s);
    int finite = __builtin_reduce_max(e.largest) < 0x7f800000;
    if (!finite && !c->suspicious) {
        *s = before;
        e = read_chunk(x, n, 1, s);
    }
    c->suspicious = !finite;
    c->zeros -= __builtin_reduce_add(e.zeros), c->nan -= __builtin_reduce_add(e.nan);
    c->posinf -= __builtin_reduce_add(e.posinf), c->neginf -= __builtin_reduce_add(e.neginf);
    float least = -max_lanes(-e.low), most = max_lanes(e.high);
    if (least <= most) note_extremes(x, n, offset, least, most, m);
    count_exponents(x, n, least > most ? 0 : most > -least ? most : -least, c);
}

static void statistics_task(void *context, int64_t task) {
    statistics_job *j = context;
    counts c = {0};
    sums s = {0};
    moments m = {.min_at = -1, .max_at = -1};
    uint64_t hash = 0;
    for (int64_t i = task * j->group, end = ck_min(i + j->group, j->n); i < end; i += CHUNK) {
        int64_t n = ck_min(CHUNK, end - i);
        read_values(j->x + i, n, i, &m, &s, &c);
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
