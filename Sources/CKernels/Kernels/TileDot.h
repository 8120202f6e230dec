// Products of bf16 numbers as TDPBF16PS makes them: of each 32 neighbours in k one chain of fused multiply-adds in fp32 over the even ones and
// one over the odd ones, both from zero; their sum is added to the output. Inputs and sums that would be subnormal are zero. Without the
// instruction the same bits by plain lanes. Both sides lie as tiles of sixteen rows and sixteen words, two side by side: x as [m / 32][words / 16][2],
// columns as [n / NR][words / 16][NR / 16]. Blocks of BLOCK rows and one panel of columns; of long rows a stretch at a time, so that all blocks and a panel fit the second-level cache, the sums waiting in y meanwhile.
#pragma once
#include "Dot.h"

enum { STEP = 16, TILE = STEP * W, BLOCK = 2 * W, STRETCH = 512, PANELS = 4, BLOCK_ROWS = 512, TURNED_AT_ONCE = 64 };    // STEP, STRETCH in words

typedef struct {
    dots d;                      // words: a multiple of STEP
    int64_t stretch;
    uint32_t *columns;           // of few rows: their pairs, turned: [words][16]; or NULL
} tile_dots;

// Words p ..< p + STEP of row i of x.
INLINE uint32_t *tile_row(const dots *j, int64_t i, int64_t p) { return j->pairs + i / BLOCK * BLOCK * j->words + p * BLOCK + i % BLOCK * STEP; }

// One row of a block and a panel by plain lanes, of which only elements from ..< to take part.
static void sum_row(const uint32_t *row, const uint32_t *b, int64_t count, float *y, int64_t columns, int first, int64_t from, int64_t to) {
    lanes sum[PANEL];
    UNROLL for (int v = 0; v < PANEL; v++) sum[v] = first ? splat(0) : load_columns(y + v * W, columns - v * W);
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
    UNROLL for (int v = 0; v < PANEL; v++) store_columns(y + v * W, sum[v], columns - v * W);
}

// y [rows][columns] of a block and a panel, on top of what is in y unless it is the first stretch.
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

static void sum_block(const uint32_t *x, const uint32_t *b, int64_t count, float *y, int64_t ldy, int64_t rows, int64_t columns, int first) {
    float part[BLOCK][NR];
    float *at = rows == BLOCK && columns >= NR ? y : part[0];
    const size_t line = (size_t)(at == y ? ldy : NR) * 4;
    if (first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        for (int64_t i = 0; at != y && i < rows; i++)
            for (int v = 0; v < PANEL; v++) store(part[i] + v * W, load_columns(y + i * ldy + v * W, columns - v * W));
        _tile_loadd(0, at, line);
        _tile_loadd(1, at + W, line);
        _tile_loadd(2, at + W * line / 4, line);
        _tile_loadd(3, at + W * line / 4 + W, line);
    }
    for (int64_t p = 0; p < count; p += STEP, b += PANEL * TILE, x += 2 * TILE) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, x, 64);
        _tile_loadd(7, b + TILE, 64);
        _tile_loadd(5, x + TILE, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, at, line);
    _tile_stored(1, at + W, line);
    _tile_stored(2, at + W * line / 4, line);
    _tile_stored(3, at + W * line / 4 + W, line);
    for (int64_t i = 0; at != y && i < rows; i++)
        for (int v = 0; v < PANEL; v++) store_columns(y + i * ldy + v * W, load(part[i] + v * W), columns - v * W);
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

static void sum_block(const uint32_t *x, const uint32_t *b, int64_t count, float *y, int64_t ldy, int64_t rows, int64_t columns, int first) {
    for (int64_t i = 0; i < rows; i++) sum_row(x + i * STEP, b, count, y + i * ldy, columns, first, 0, 2 * count);
}
#endif

static void sum_blocks(const dots *j, int64_t m0, int64_t mc, int64_t n0, int64_t nc, int64_t stretch, uint32_t *packed) {
    for (int64_t p0 = 0; p0 < j->words; p0 += stretch) {
        const int64_t pc = ck_min(stretch, j->words - p0);
        (j->transposed ? pack_line_pairs : pack_row_pairs)(j, n0, nc, p0, pc, packed);
        for (int64_t c = 0; c < nc; c += NR)
            for (int64_t i = m0; i < m0 + mc; i += BLOCK)
                sum_block(tile_row(j, i, p0), packed + c * pc, pc, j->y + i * j->ldy + n0 + c, j->ldy,
                          ck_min(BLOCK, m0 + mc - i), nc - c, p0 == 0);
    }
    for (int64_t i = m0; (j->bias || j->out) && i < m0 + mc; i++)
        for (int64_t c = 0; c < nc; c += W) {
            float *y = j->y + i * j->ldy + n0 + c;
            store_columns(y, output_of(j, load_columns(y, nc - c), j->bias ? j->bias + n0 + c : NULL, nc - c), nc - c);
        }
}

static void tile_dots_task(void *context, int64_t task) {
    const tile_dots *t = context;
    const dots *j = &t->d;
    int64_t m0 = task % j->row_blocks * j->rows, mc = ck_min(j->rows, j->m - m0);
    int64_t n0 = task / j->row_blocks * j->columns, nc = ck_min(j->columns, j->n - n0);
    if (t->columns) {
        int64_t bytes, last = (task + 1) % j->run == 0 || n0 + nc == j->n;
        const uint8_t *then = last ? ck_expected(task / j->run, &bytes) : NULL;
        configure_tiles();
        for (; nc >= W; n0 += W, nc -= W)
            few_tiles(t, n0, nc < 2 * W && then ? then : j->w.w + (n0 + W) * j->w.ldw * j->w.size);
        release_tiles();
        if (!nc) return;
    }
    uint32_t *packed = ck_scratch((size_t)(ck_ceil_div(nc, NR) * NR * t->stretch) * 4 + 64);
    for (int64_t i = m0; !packed && i < m0 + mc; i++) fill(j->y + i * j->ldy + n0, nc, NAN);
    if (!packed) return;                             // no memory: NaN, not what was there
    configure_tiles();
    sum_blocks(j, m0, mc, n0, nc, t->stretch, packed);
    release_tiles();
}

static void tile_pairs_task(void *context, int64_t task) {
    const dots *j = context;
    for (int64_t i = task * W; i < ck_min(task * W + W, j->m); i++) {
        const float *x = j->x + i * j->ldx;
        for (int64_t p = 0, k = 0; p < j->words; p += STEP, k += 2 * STEP)
            store(tile_row(j, i, p), (lanes)pairs_of(load_columns(x + k, j->k - k), load_columns(x + k + W, j->k - k - W), &j->format));
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
                words a = upper_halves_of(at, CK_F32, k < j->k ? n : 0, &j->format);
                words b = upper_halves_of(at + 4 * j->ldx, CK_F32, k + 1 < j->k ? n : 0, &j->format);
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
    j->rows = ck_min(j->m, BLOCK_ROWS);
    j->row_blocks = ck_ceil_div(j->m, j->rows);
    j->columns = ck_max(1, ck_min(PANELS, ck_ceil_div(j->n, NR) * j->row_blocks / wanted)) * NR;
    if (!t->columns) return;
    j->columns = ck_max(1, ck_min(j->n / W / wanted, 512 / W)) * W;
    j->run = ck_run_length(ck_ceil_div(j->n, j->columns), ck_runs(threads));
}

static void matmul_bf16_tile(const float *x, int64_t ldx, int turned, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias,
                             ck_type bt, const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    if (m <= 0 || n <= 0) return;
    rounding out;
    tile_dots t = {dots_of(x, ldx, w, wt, transposed, ldw, y, ldy, m, n, k), 0, NULL};
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
    (t.columns ? ck_parallel_runs : ck_parallel)(j->row_blocks * ck_ceil_div(n, j->columns), threads, tile_dots_task, &t);
    ck_free(j->pairs, room);
}
