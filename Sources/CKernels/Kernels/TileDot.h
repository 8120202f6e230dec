// Products of bf16 numbers as TDPBF16PS makes them: of each 32 neighbours in k one chain of fused multiply-adds in fp32 over the even ones
// and one over the odd ones, both from zero; their sum is added to the output. Inputs and sums that would be subnormal are zero. Without
// the instruction the same bits by plain lanes. Both sides lie as tiles of sixteen rows and sixteen words, two side by side: x as
// [m / 32][words / 16][2], columns as [n / NR][words / 16][NR / 16]. Blocks of BLOCK rows and one panel of columns; of long rows a stretch
// at a time, so that all blocks and a panel fit the second-level cache, the sums waiting in y meanwhile. Sums leave the tiles for a block
// in the first-level cache: rows of y may lie pages apart, and what is done to them is done on the way.
#pragma once
#include "Dot.h"

enum { STEP = 16, STRETCH = 768 };       // words
enum { TILE = STEP * W, BLOCK = 2 * W, BLOCK_ROWS = 512, MOST_FETCHED = 4, TURNED_AT_ONCE = 64 };
enum { STREAMED = 32 << 20 };     // a y of more bytes is read from memory anyway, and goes there past the caches
typedef float block_sums[BLOCK][NR];

// Memory that is read next, fetched meanwhile.
typedef struct {
    const uint8_t *at;
    int64_t lines;               // a step
} ahead;
INLINE void fetch_lines(ahead *next) {
    for (int64_t line = 0; line < next->lines; line++, next->at += 64) __builtin_prefetch(next->at, 0, 2);
}

typedef struct {
    dots d;                      // words: a multiple of STEP
    int64_t stretch;
    int streams;
    uint32_t *columns;           // of few rows: their pairs, turned: [words][16]; or NULL
} tile_dots;

// Words p ..< p + STEP of row i of x.
INLINE uint32_t *tile_row(const dots *j, int64_t i, int64_t p) { return j->pairs + i / BLOCK * BLOCK * j->words + p * BLOCK + i % BLOCK * STEP; }

// One row of a block and a panel by plain lanes, of which only elements from ..< to take part.
static void sum_row(const uint32_t *row, const uint32_t *b, int64_t count, float *y, int first, int64_t from, int64_t to) {
    lanes sum[PANEL];
    UNROLL for (int v = 0; v < PANEL; v++) sum[v] = first ? splat(0) : load(y + v * W);
    for (int64_t p = 0; p < count; p += STEP) {
        lanes even[PANEL], odd[PANEL];
        UNROLL for (int v = 0; v < PANEL; v++) even[v] = odd[v] = splat(0);
        for (int64_t q = 0; q < STEP; q++) {
            const uint32_t pair = row[p * BLOCK + q];
            const int64_t k = 2 * (p + q);
            const lanes low = (lanes)splat_word(pair << 16), high = (lanes)splat_word(pair & 0xffff0000);
            UNROLL for (int v = 0; v < PANEL; v++) {
                words w = *(const words_at *)(b + p * NR + v * TILE + q * W);
                if (k >= from && k < to) even[v] = without_subnormals(fma16(low, without_subnormals((lanes)(w << 16)), even[v]));
                if (k + 1 >= from && k + 1 < to)
                    odd[v] = without_subnormals(fma16(high, without_subnormals((lanes)(w & 0xffff0000)), odd[v]));
            }
        }
        UNROLL for (int v = 0; v < PANEL; v++) sum[v] = without_subnormals(sum[v] + without_subnormals(even[v] + odd[v]));
    }
    UNROLL for (int v = 0; v < PANEL; v++) store(y + v * W, sum[v]);
}

// The sums of a block and a panel, on top of what `sums` has unless it is the first stretch.
#ifdef LANES_AMX
// Eight tiles of sixteen rows of 64 bytes (Intel SDM volume 1, chapter 18).
static void configure_tiles(void) {
    static const struct {
        _Alignas(64) uint8_t palette;
        uint8_t start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } all = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&all);
}
static void release_tiles(void) { _tile_release(); }

static void sum_block(const uint32_t *x, const uint32_t *b, int64_t count, block_sums sums, int64_t rows, int first, ahead *next) {
    (void)rows;
    if (first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, sums[0], NR * 4);
        _tile_loadd(1, sums[0] + W, NR * 4);
        _tile_loadd(2, sums[W], NR * 4);
        _tile_loadd(3, sums[W] + W, NR * 4);
    }
    for (int64_t p = 0; p < count; p += STEP, b += PANEL * TILE, x += 2 * TILE) {
        fetch_lines(next);
        _tile_loadd(6, b, 64);
        _tile_loadd(4, x, 64);
        _tile_loadd(7, b + TILE, 64);
        _tile_loadd(5, x + TILE, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums[0], NR * 4);
    _tile_stored(1, sums[0] + W, NR * 4);
    _tile_stored(2, sums[W], NR * 4);
    _tile_stored(3, sums[W] + W, NR * 4);
}

// Few rows, as in decoding: w is read once, straight ahead, sixteen rows of it being a tile as they lie in memory, and what comes out is
// turned. Outputs n0 ..< n0 + 16; `next` is what is to be fetched meanwhile (see Thin.h).
static void few_tiles(const tile_dots *t, int64_t n0, const uint8_t *next) {
    const dots *j = &t->d;
    const int64_t pitch = j->w.ldw * j->w.size, step = 2 * STEP * j->w.size;
    const uint8_t *row = j->w.w + n0 * pitch;
    _Alignas(64) words r[W];
    _tile_zero(0);
    for (int64_t p = 0; p < j->words; p += STEP, row += step, next += W * step) {
        for (int64_t line = 0; line < W * step; line += 64) __builtin_prefetch(next + line, 0, 2);
        _tile_loadd(2, t->columns + p * W, 4 * W);
        if (j->w.type == CK_BF16 && j->k - 2 * p >= 2 * STEP) {
            _tile_loadd(1, row, (size_t)pitch);
        } else {
            for (int i = 0; i < W; i++) r[i] = row_pairs(j, row + i * pitch, 0, j->k - 2 * p);
            _tile_loadd(1, r, 64);
        }
        _tile_dpbf16ps(0, 1, 2);
    }
    _tile_stored(0, r, 64);
    transpose16(r);
    for (int64_t q = 0; q < j->m; q++) store(j->y + q * j->ldy + n0, output_of(j, (lanes)r[q], j->bias ? j->bias + n0 : NULL, W));
}

static int reads_rows_once(const dots *j) { return !j->transposed && j->m <= W; }
#else
static void few_tiles(const tile_dots *t, int64_t n0, const uint8_t *next) { (void)t, (void)n0, (void)next; }
static int reads_rows_once(const dots *j) { return (void)j, 0; }
static void configure_tiles(void) {}
static void release_tiles(void) {}

static void sum_block(const uint32_t *x, const uint32_t *b, int64_t count, block_sums sums, int64_t rows, int first, ahead *next) {
    (void)next;
    for (int64_t i = 0; i < rows; i++) sum_row(x + i * STEP, b, count, sums[i], first, 0, 2 * count);
}
#endif

static void take_sums(block_sums sums, const float *y, int64_t ldy, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++)
        for (int v = 0; v < PANEL; v++) store(sums[i] + v * W, load_columns(y + i * ldy + v * W, columns - v * W));
}

// Sums of rows i ..< i + rows and a panel from column n on, on their way to y; after the last stretch they are outputs.
typedef struct {
    _Alignas(64) block_sums sums;
    int64_t i, n, rows, columns;
    int last;
} waiting_block;

static void finish_block(const tile_dots *t, const waiting_block *b) {
    const dots *j = &t->d;
    const int streams = t->streams && b->last && b->columns >= NR;
    for (int64_t i = 0; i < b->rows; i++)
        UNROLL for (int v = 0; v < PANEL; v++) {
            const int64_t n = b->n + v * W, columns = b->columns - v * W;
            float *y = j->y + (b->i + i) * j->ldy + n;
            lanes sum = load(b->sums[i] + v * W);
            if (b->last) sum = output_of(j, sum, j->bias ? j->bias + n : NULL, columns);
            if (streams) stream(y, sum);
            else store_columns(y, sum, columns);
        }
}

// A block is finished while the tiles of the next one are summed.
static void sum_blocks(const tile_dots *t, int64_t m0, int64_t mc, int64_t n0, int64_t nc, const uint8_t *then, uint32_t *packed) {
    const dots *j = &t->d;
    waiting_block blocks[2];
    const int64_t steps = ck_ceil_div(mc, BLOCK) * j->words / STEP, lines = NR * j->k * j->w.size / 64;
    ahead next = {then, then ? ck_min(ck_ceil_div(lines, steps), MOST_FETCHED) : 0};
    int turn = 0, waits = 0;
    for (int64_t p0 = 0; p0 < j->words; p0 += t->stretch) {
        const int64_t pc = ck_min(t->stretch, j->words - p0);
        (j->transposed ? pack_line_pairs : pack_row_pairs)(j, n0, nc, p0, pc, packed);
        for (int64_t i = m0; i < m0 + mc; i += BLOCK, turn ^= 1, waits = 1) {
            waiting_block *b = &blocks[turn];
            b->i = i, b->n = n0, b->rows = ck_min(BLOCK, m0 + mc - i), b->columns = nc, b->last = p0 + pc == j->words;
            if (waits && p0) finish_block(t, &blocks[turn ^ 1]), waits = 0;       // its rows may be those that are needed now
            if (p0) take_sums(b->sums, j->y + i * j->ldy + n0, j->ldy, b->rows, nc);
            sum_block(tile_row(j, i, p0), packed, pc, b->sums, b->rows, p0 == 0, &next);
            if (waits) finish_block(t, &blocks[turn ^ 1]);
        }
    }
    finish_block(t, &blocks[turn ^ 1]);
}

// What the thread reads after columns ..< end of w: further columns, or where its run ends, the next matrix.
static const uint8_t *read_after(const tile_dots *t, int64_t task, int64_t end) {
    const dots *j = &t->d;
    int64_t bytes;
    if ((task + 1) % j->run == 0 || end == j->n) return ck_expected(task / j->run, &bytes);
    return j->transposed ? NULL : j->w.w + end * j->w.ldw * j->w.size;
}

static void tile_dots_task(void *context, int64_t task) {
    const tile_dots *t = context;
    const dots *j = &t->d;
    const int64_t parts = ck_ceil_div(j->n, j->columns), m0 = task / parts * j->rows, mc = ck_min(j->rows, j->m - m0);
    int64_t n0 = task % parts * j->columns, nc = ck_min(j->columns, j->n - n0);
    const uint8_t *then = read_after(t, task, n0 + nc);
    if (t->columns) {
        configure_tiles();
        for (; nc >= W; n0 += W, nc -= W)
            few_tiles(t, n0, nc < 2 * W && then ? then : j->w.w + (n0 + W) * j->w.ldw * j->w.size);
        release_tiles();
        if (!nc) return;
    }
    uint32_t *packed = ck_scratch((size_t)(NR * t->stretch) * 4 + 64);
    for (int64_t i = m0; !packed && i < m0 + mc; i++) fill(j->y + i * j->ldy + n0, nc, NAN);
    if (!packed) return;                             // no memory: NaN, not what was there
    configure_tiles();
    sum_blocks(t, m0, mc, n0, nc, then, packed);     // one panel: few rows leave less than one
    release_tiles();
    if (t->streams) end_streams();
}

static void tile_pairs_task(void *context, int64_t task) {
    const dots *j = context;
    for (int64_t i = task * W; i < ck_min(task * W + W, j->m); i++) {
        const float *x = j->x + i * j->ldx;
        for (int64_t p = 0, k = 0; p < j->words; p += STEP, k += 2 * STEP)
            store(tile_row(j, i, p), (lanes)pairs_of(load_columns(x + k, j->k - k), load_columns(x + k + W, j->k - k - W)));
    }
}

// The same from x that is stored as [k][m]: pairs of lines, turned.
static void turned_pairs_task(void *context, int64_t task) {
    const dots *j = context;
    const int64_t i0 = task * TURNED_AT_ONCE, i1 = ck_min(i0 + TURNED_AT_ONCE, j->m);
    for (int64_t p = 0; p < j->words; p += W)
        for (int64_t i = i0; i < i1; i += W) {
            words r[W];
            for (int64_t q = 0; q < W; q++) {
                const int64_t k = 2 * (p + q), n = i1 - i;
                const uint8_t *at = (const uint8_t *)(j->x + k * j->ldx + i);
                words a = upper_halves_of(at, CK_F32, k < j->k ? n : 0);
                words b = upper_halves_of(at + 4 * j->ldx, CK_F32, k + 1 < j->k ? n : 0);
                r[q] = line_pairs(a, b);
            }
            transpose16(r);
            for (int64_t q = 0; q < ck_min(W, i1 - i); q++) store(tile_row(j, i + q, p), (lanes)r[q]);
        }
}

// Pairs of at most sixteen rows as the columns of tiles; columns beyond are 0.
static void turn_few(const dots *j, uint32_t *columns) {
    for (int64_t p = 0; p < j->words; p += W) {
        words r[W];
        for (int64_t i = 0; i < W; i++) r[i] = i < j->m ? *(const words_at *)tile_row(j, i, p) : splat_word(0);
        transpose16(r);
        for (int64_t i = 0; i < W; i++) store(columns + (p + i) * W, (lanes)r[i]);
    }
}

static void plan_tile_dots(tile_dots *t, int threads) {
    dots *j = &t->d;
    const int64_t wanted = threads > 1 ? 8 * threads : 1;
    t->stretch = ck_ceil_div(ck_ceil_div(j->words, ck_ceil_div(j->words, STRETCH)), STEP) * STEP;
    t->streams = j->m * j->n * 4 > STREAMED && (uintptr_t)j->y % 64 == 0 && j->ldy % W == 0;
    j->rows = ck_min(j->m, BLOCK_ROWS);
    j->row_blocks = ck_ceil_div(j->m, j->rows);
    j->columns = t->columns ? ck_max(1, ck_min(j->n / W / wanted, 512 / W)) * W : NR;
    j->run = ck_run_length(j->row_blocks * ck_ceil_div(j->n, j->columns), ck_runs(threads));
}

static void matmul_bf16_tile(const float *x, int64_t ldx, int turned, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias,
                             ck_type bt, const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    if (m <= 0 || n <= 0) return;
    rounding out;
    tile_dots t = {.d = dots_of(x, ldx, w, wt, transposed, ldw, y, ldy, m, n, k)};
    dots *j = &t.d;
    size_t room;
    j->out = part_rounding(&out, format);
    j->tiled = 1;
    j->words = ck_max(1, ck_ceil_div(j->words, STEP)) * STEP;
    const int64_t rows = ck_ceil_div(m, BLOCK) * BLOCK, few = reads_rows_once(j);
    if (!take_pairs(j, few ? rows + W : rows, bias, bt, &room)) return;
    ck_parallel(ck_ceil_div(m, turned ? TURNED_AT_ONCE : W), threads, turned ? turned_pairs_task : tile_pairs_task, j);
    if (few) turn_few(j, t.columns = j->pairs + rows * j->words);
    plan_tile_dots(&t, threads);
    ck_parallel(j->row_blocks * ck_ceil_div(n, j->columns), threads, tile_dots_task, &t);
    ck_free(j->pairs, room);
}
