// Sums over rows: the gradient of a weight, c = a^T b, and of a bias. A block of a is turned into rows, so that the tiles of ck_matmul
// serve here too and every output is one chain of fused multiply-adds, rows ascending. No sum is ever split.
#pragma once
#include "Elementwise.h"
#include "Panels.h"

enum { TURNED_ROWS = 16 * MOST_ROWS, TURNED_DEPTH = 512, TURNED_COLUMNS = 128 };

// rows x columns of a (columns of it apart), turned: out[j * ld + i] = a[i * lda + j].
static void turn(const float *a, int64_t lda, int64_t rows, int64_t columns, float *out, int64_t ld) {
    int64_t i = 0;
    for (; i + W <= rows; i += W) {
        int64_t j = 0;
        for (; j + W <= columns; j += W) {
            words r[W];
            UNROLL for (int q = 0; q < W; q++) r[q] = *(const words_at *)(a + (i + q) * lda + j);
            transpose16(r);
            UNROLL for (int q = 0; q < W; q++) store(out + (j + q) * ld + i, (lanes)r[q]);
        }
        for (; j < columns; j++)
            for (int64_t q = i; q < i + W; q++) out[j * ld + q] = a[q * lda + j];
    }
    for (; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) out[j * ld + i] = a[i * lda + j];
}

// One block of outputs: c[a0 + i, b0 + j] over rows [0, m) of a and b, from what is in c if `resume`.
typedef struct {
    const float *a, *b;          // at the block's first column
    int64_t lda, ldb, m, rows, columns;
    float *c;                    // at the block's first output
    int64_t ldc;
    int resume;
    const ck_mask *mask;         // of attention, where row m of a is a query and column i a key: hidden ones count as 0; or NULL
    int64_t query, key, keys;    // of the block's first row and column; keys in all
} turned_block;

// What run_turned needs: a block of a turned, padded so that its rows do not share cache sets, and packed columns of b.
static inline size_t turned_room(int64_t rows, int64_t depth, int64_t columns) {
    return (size_t)(rows * (depth + W) + (ck_ceil_div(columns, NR) * NR) * depth) * 4;
}

// Of a turned block the elements whose query [k0, k0 + kc) does not see its key become 0.
static void hide_turned(const turned_block *t, int64_t k0, int64_t kc, float *room, int64_t ld) {
    for (int64_t i = 0; t->mask && i < kc; i++) {
        int64_t lo, hi;
        ck_visible(t->mask, t->query + k0 + i, t->keys, &lo, &hi);
        for (int64_t j = 0; j < ck_min(lo - t->key, t->rows); j++) room[j * ld + i] = 0;
        for (int64_t j = ck_max(hi - t->key, 0); j < t->rows; j++) room[j * ld + i] = 0;
    }
}

static void run_turned(const turned_block *t, int64_t depth, int64_t width, float *room) {
    const int64_t ld = depth + W, tiles = ck_ceil_div(t->rows, MOST_ROWS);
    float *packed = room + t->rows * ld;
    for (int64_t k0 = 0; k0 < t->m; k0 += depth) {
        int64_t kc = ck_min(depth, t->m - k0);
        matrix lines = {(const uint8_t *)(t->b + k0 * t->ldb), CK_F32, 4, t->ldb, 0};
        turn(t->a + k0 * t->lda, t->lda, kc, t->rows, room, ld);
        hide_turned(t, k0, kc, room, ld);
        for (int64_t n0 = 0; n0 < t->columns; n0 += width) {
            int64_t nc = ck_min(width, t->columns - n0);
            pack_lines(&lines, n0, nc, 0, kc, packed);
            for (int64_t s = 0; s < tiles; s++) {
                int64_t first = s * t->rows / tiles, count = (s + 1) * t->rows / tiles - first;
                tile block = {.x = room + first * ld, .ldx = ld, .b = packed, .ldb = NR, .k = kc, .y = t->c + first * t->ldc + n0,
                              .ldy = t->ldc, .resume = t->resume || k0 > 0};
                run_tiles(block, count, nc, NR * kc);
            }
        }
    }
}

static void clear_rows(float *c, int64_t ldc, int64_t rows, int64_t columns, float value) {
    for (int64_t i = 0; i < rows; i++) fill(c + i * ldc, columns, value);
}

typedef struct {
    const float *a, *b;
    int64_t lda, ldb;
    float *c;
    int64_t ldc, m, rows, columns, row_block, column_block, row_blocks;
} turned_job;

static void weight_gradient_task(void *context, int64_t task) {
    const turned_job *j = context;
    int64_t a0 = task % j->row_blocks * j->row_block, b0 = task / j->row_blocks * j->column_block;
    turned_block t = {j->a + a0, j->b + b0, j->lda, j->ldb, j->m, ck_min(j->row_block, j->rows - a0),
                      ck_min(j->column_block, j->columns - b0), j->c + a0 * j->ldc + b0, j->ldc, 0, NULL, 0, 0, 0};
    int64_t depth = ck_min(TURNED_DEPTH, ck_max(j->m, 1)), width = ck_min(TURNED_COLUMNS, t.columns);
    float *room = ck_scratch(turned_room(t.rows, depth, width));
    if (!room || j->m <= 0) clear_rows(t.c, t.ldc, t.rows, t.columns, j->m <= 0 ? 0 : NAN);
    else run_turned(&t, depth, width, room);
}

// Long runs of both sides, so that little is turned and packed again; yet enough tasks to keep the threads evenly busy.
static void weight_gradient(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t rows,
                            int64_t columns, int threads) {
    if (rows <= 0 || columns <= 0) return;
    int64_t wanted = threads > 1 ? 8 * threads : 1;
    turned_job j = {a, b, lda, ldb, c, ldc, m, rows, columns, .row_block = ck_min(rows, TURNED_ROWS)};
    j.row_blocks = ck_ceil_div(rows, j.row_block);
    j.row_block = ck_ceil_div(rows, j.row_blocks);
    int64_t splits = ck_min(ck_ceil_div(wanted, j.row_blocks), ck_ceil_div(columns, TURNED_COLUMNS));
    j.column_block = ck_ceil_div(ck_ceil_div(columns, splits), NR) * NR;
    ck_parallel(j.row_blocks * ck_ceil_div(columns, j.column_block), threads, weight_gradient_task, &j);
}

// ---------------------------------------------------------------- sums of columns
enum { STRIP = 64 };       // columns whose sums stay in registers

typedef struct {
    const float *x;
    float *y;
    int64_t ld, rows, n;
} column_job;

// The columns of a strip, rows ascending, in fp64.
static void column_sums_task(void *context, int64_t task) {
    const column_job *j = context;
    const int64_t c = task * STRIP, n = ck_min(STRIP, j->n - c);
    doubles low[STRIP / W], high[STRIP / W];
    UNROLL for (int v = 0; v < STRIP / W; v++) low[v] = high[v] = splat_double(0);
    for (int64_t r = 0; r < j->rows; r++)
        UNROLL for (int v = 0; v < STRIP / W; v++) {
            lanes x = load_columns(j->x + r * j->ld + c + v * W, n - v * W);
            low[v] += low_doubles(x), high[v] += high_doubles(x);
        }
    UNROLL for (int v = 0; v < STRIP / W; v++) store_columns(j->y + c + v * W, narrow(low[v], high[v]), n - v * W);
}

static void column_sums(const float *x, int64_t ld, float *y, int64_t rows, int64_t n, int threads) {
    column_job j = {x, y, ld, rows, n};
    if (n > 0) ck_parallel(ck_ceil_div(n, STRIP), rows * n < RUN ? 1 : threads, column_sums_task, &j);
}
