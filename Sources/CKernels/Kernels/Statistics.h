// Everything the screen says about a value at a glance, in one pass over memory: chunks that stay in the first-level cache are read for
// moments, for exponents and for the hash. Moments of groups of chunks are joined in order, so threads do not change a bit.
#pragma once
#include "Exponents.h"
#include "Hash.h"

enum { CHUNK = CHUNK_BYTES / 4, MOST_GROUPS = 512, MOST_WORKERS = 64 };

typedef struct {
    double sum, sum_squares;
    float min, max;
    int64_t min_chunk, max_chunk;         // where the chunk begins in which they come first; -1: there is none
} moments;

typedef struct {
    const float *x;
    int64_t n, group, group_count, workers;        // elements a group
    _Atomic uint64_t hash;
    _Atomic int64_t zeros, nan, posinf, neginf;
    _Atomic uint32_t buckets[512];
    // From here on nothing is read that was not written.
    struct { _Alignas(64) _Atomic int64_t next; } parts[MOST_WORKERS];      // the first group that nobody has taken of each worker's part
    moments groups[MOST_GROUPS];
} statistics_job;

// Where `value`, which is there, comes first. Asked for once of a whole value: searching chunk by chunk costs a twentieth of all this.
static int64_t first_equal(const float *x, int64_t n, float value) {
    int64_t i = 0;
    while (i + W <= n && !has_any((words)(load(x + i) == splat(value)), 1)) i += W;
    while (i + 1 < n && x[i] != value) i++;
    return i;
}

typedef struct { doubles sum_low, sum_high, squares_low, squares_high; } sums;
typedef struct { lanes low, high; } extremes;

INLINE void add_sums(lanes v, sums *s) {
    doubles a = low_doubles(v), b = high_doubles(v);
    s->sum_low += a, s->sum_high += b;
    s->squares_low = add_square(a, s->squares_low);
    s->squares_high = add_square(b, s->squares_high);
}

// A unit of finite values.
INLINE void add_unit_values(const float *x, extremes *e, sums *s) {
    UNROLL for (int i = 0; i < UNIT; i += W) {
        lanes v = load(x + i);
        e->low = smaller(v, e->low);
        e->high = larger(v, e->high);
        add_sums(v, s);
    }
}

// Up to a unit of any values: zeros and those that are not finite are counted, the latter left out of sums and extremes.
static void add_any_values(const float *x, int64_t n, extremes *e, sums *s, counts *c) {
    const lanes infinity = splat(INFINITY);
    ints zeros = {0}, nan = {0}, posinf = {0}, neginf = {0};
    for (int64_t i = 0; i < n; i += W) {
        lanes v = n - i >= W ? load(x + i) : load_part(x + i, n - i, 1);
        zeros += v == splat(0), nan += v != v, posinf += v == infinity, neginf += v == -infinity;
        if (n - i < W) v = load_part(x + i, n - i, NAN);          // lanes that do not exist count for nothing
        ints finite = magnitude(v) < infinity;
        e->low = smaller(pick(finite, v, infinity), e->low);
        e->high = larger(pick(finite, v, -infinity), e->high);
        add_sums(pick(finite, v, splat(0)), s);
    }
    c->zeros -= __builtin_reduce_add(zeros), c->nan -= __builtin_reduce_add(nan);
    c->posinf -= __builtin_reduce_add(posinf), c->neginf -= __builtin_reduce_add(neginf);
}

// Units of nothing but +0 or -infinity, as masks make them: true if counted here.
INLINE int add_constant_unit(const float *x, extremes *e, counts *c) {
    uint32_t first;
    memcpy(&first, x, 4);
    if (first != 0 && first != 0xff800000) return 0;
    words differ = splat_word(0);
    UNROLL for (int i = 0; i < UNIT; i += W) differ |= *(const words_at *)(x + i) ^ splat_word(first);
    if (__builtin_reduce_or(differ)) return 0;
    c->tables[0][first >> 23] += UNIT;
    if (first) {
        c->neginf += UNIT;
    } else {
        c->zeros += UNIT;
        e->low = smaller(splat(0), e->low), e->high = larger(splat(0), e->high);
    }
    return 1;
}

static float largest_finite(const float *x, int64_t n) {
    lanes top = splat(0);
    for (int64_t i = 0; i < n; i += W) {
        lanes v = magnitude(n - i >= W ? load(x + i) : load_part(x + i, n - i, 0));
        top = larger(pick(v < splat(INFINITY), v, splat(0)), top);
    }
    return max_lanes(top);
}

static void note_extremes(float least, int64_t least_chunk, float most, int64_t most_chunk, moments *m) {
    if (least_chunk >= 0 && (m->min_chunk < 0 || least < m->min)) m->min = least, m->min_chunk = least_chunk;
    if (most_chunk >= 0 && (m->max_chunk < 0 || most > m->max)) m->max = most, m->max_chunk = most_chunk;
}

// Sums, extremes and exponents of one chunk.
static void read_values(const float *x, int64_t n, int64_t offset, moments *m, sums *s, counts *c) {
    extremes e = {splat(INFINITY), splat(-INFINITY)};
    sums t = *s;
    int64_t i = 0;
    if (!c->top) move_window(largest_finite(x, n), c);
    for (; i + UNIT <= n; i += UNIT) {
        UNROLL for (int line = 0; line < UNIT; line += W) __builtin_prefetch(x + i + CHUNK + line, 0, 2);
        if (add_constant_unit(x + i, &e, c)) continue;
        if (count_unit(x + i, c)) add_unit_values(x + i, &e, &t);
        else add_any_values(x + i, UNIT, &e, &t, c);
    }
    if (i < n) {
        count_in_tables(x + i, n - i, c);
        add_any_values(x + i, n - i, &e, &t, c);
    }
    *s = t;
    float least = -max_lanes(-e.low), most = max_lanes(e.high);
    if (least > most) return;
    note_extremes(least, offset, most, offset, m);
    move_window(most > -least ? most : -least, c);
}

static moments read_group(const statistics_job *j, int64_t group, counts *c, uint64_t *hash) {
    sums s = {0};
    moments m = {.min_chunk = -1, .max_chunk = -1};
    for (int64_t i = group * j->group, end = ck_min(i + j->group, j->n); i < end; i += CHUNK) {
        int64_t n = ck_min(CHUNK, end - i);
        read_values(j->x + i, n, i, &m, &s, c);
        *hash += place_chunk(hash_chunk((const uint8_t *)(j->x + i), (size_t)n * 4), (uint64_t)(i / CHUNK));
    }
    m.sum = sum_doubles(s.sum_low + s.sum_high);
    m.sum_squares = sum_doubles(s.squares_low + s.squares_high);
    return m;
}

static int64_t first_group(const statistics_job *j, int64_t worker) { return worker * j->group_count / j->workers; }

// A task is a worker, which takes groups of its own part and then of the others' until none is left: what it counts, it adds up once.
static void statistics_task(void *context, int64_t task) {
    statistics_job *j = context;
    counts c = {0};
    uint64_t hash = 0;
    for (int64_t other = 0; other < j->workers; other++) {
        const int64_t part = (task + other) % j->workers, end = first_group(j, part + 1);
        for (int64_t g; (g = atomic_fetch_add_explicit(&j->parts[part].next, 1, memory_order_relaxed)) < end;)
            j->groups[g] = read_group(j, g, &c, &hash);
    }
    empty_planes(&c);
#define ADD(FIELD, VALUE) atomic_fetch_add_explicit(&j->FIELD, VALUE, memory_order_relaxed)
    ADD(hash, hash), ADD(zeros, c.zeros), ADD(nan, c.nan), ADD(posinf, c.posinf), ADD(neginf, c.neginf);
    for (int e = 0; e < 512; e++) {
        uint32_t count = c.tables[0][e] + c.tables[1][e] + c.tables[2][e] + c.tables[3][e];
        if (count) ADD(buckets[e], count);
    }
#undef ADD
}

static moments joined(const statistics_job *j) {
    moments all = {.min_chunk = -1, .max_chunk = -1};
    for (int64_t g = 0; g < j->group_count; g++) {
        const moments *m = &j->groups[g];
        all.sum += m->sum, all.sum_squares += m->sum_squares;
        note_extremes(m->min, m->min_chunk, m->max, m->max_chunk, &all);
    }
    return all;
}

static int64_t place_of(float value, int64_t chunk, const statistics_job *j) {
    return chunk < 0 ? -1 : chunk + first_equal(j->x + chunk, ck_min(CHUNK, j->n - chunk), value);
}

static void statistics(const float *x, int64_t n, ck_statistics_t *out, int threads) {
    statistics_job j;
    memset(&j, 0, offsetof(statistics_job, parts));
    j.x = x, j.n = n;
    // Small, so that threads end together even where a value has a hundred thousand numbers.
    j.group = ck_max(2, ck_ceil_div(n, (int64_t)MOST_GROUPS * CHUNK)) * CHUNK;
    j.group_count = n > 0 ? ck_ceil_div(n, j.group) : 0;
    j.workers = ck_max(1, ck_min(ck_min(threads, MOST_WORKERS), j.group_count));
    for (int64_t part = 0; part < j.workers; part++) j.parts[part].next = first_group(&j, part);
    ck_parallel(j.workers, threads, statistics_task, &j);
    const moments all = joined(&j);
    memset(out, 0, sizeof *out);
    out->sum = all.sum, out->sum_squares = all.sum_squares;
    out->min = all.min, out->min_at = place_of(all.min, all.min_chunk, &j);
    out->max = all.max, out->max_at = place_of(all.max, all.max_chunk, &j);
    out->count = n;
    out->zeros = j.zeros, out->nan = j.nan, out->posinf = j.posinf, out->neginf = j.neginf;
    for (int e = 0; e < 512; e++) out->buckets[e] = j.buckets[e];
    out->subnormals = (int64_t)out->buckets[0] + out->buckets[256] - out->zeros;
    out->absmax = out->max > -out->min ? out->max : -out->min;
    if (out->absmax == 0) out->absmax = 0;
    out->hash = finish_hash(j.hash, (uint64_t)n * 4);
}
