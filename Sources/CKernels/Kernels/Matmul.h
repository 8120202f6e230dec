// ck_matmul: blocks of columns are packed into the second-level cache and every row of x passes over them. Tasks are blocks of columns
// (and of rows, where columns are few); no sum is ever split, and a sum that spans several blocks of k waits in y.
#pragma once
#include "Panels.h"
#include "Thin.h"

typedef struct {
    const float *x;
    int64_t ldx;
    matrix w;
    int transposed;
    const float *bias;
    float *y;
    int64_t ldy, m, n, k;
    int64_t rows, columns, inner;     // a task's rows and columns; the columns packed at a time
    int64_t row_blocks, depth;        // depth: how much of k is packed at a time
    int64_t run;                      // tasks that one thread takes one after the other; 0 where there is no such order
} product;

enum { SMALL_BLOCK = 2048 };

// Rows of x whose distance is a multiple of 1 KiB share a few sets of the first-level cache and drive each other out: a tile's rows are
// then copied side by side. Many columns must follow, or the copy is not worth its time.
static int rows_collide(const product *j) { return j->ldx % 256 == 0 && j->m > MOST_THIN_ROWS && j->inner > NR; }
static void copy_rows(const float *x, int64_t ldx, int64_t rows, int64_t n, float *out, int64_t ld) {
    for (int64_t i = 0; i < rows; i++) memcpy(out + i * ld, x + i * ldx, (size_t)n * 4);
}

// `near` is room for a tile's rows, or NULL where they stay where they are.
static void product_block(const product *j, int64_t m0, int64_t mc, int64_t n0, int64_t nc, float *packed, float *near) {
    int64_t tiles = ck_ceil_div(mc, MOST_ROWS);
    for (int64_t k0 = 0; k0 == 0 || k0 < j->k; k0 += j->depth) {
        int64_t kc = ck_min(j->depth, j->k - k0);
        if (j->transposed) pack_lines(&j->w, n0, nc, k0, kc, packed);
        else pack_rows(&j->w, n0, nc, k0, kc, packed);
        for (int64_t t = 0; t < tiles; t++) {
            int64_t first = m0 + t * mc / tiles, rows = m0 + (t + 1) * mc / tiles - first;
            tile block = {.x = j->x + first * j->ldx + k0, .ldx = j->ldx, .b = packed, .ldb = NR, .k = kc,
                          .y = j->y + first * j->ldy + n0, .ldy = j->ldy, .resume = k0 > 0,
                          .bias = j->bias && k0 + kc == j->k ? j->bias + n0 : NULL};
            if (near) {
                copy_rows(block.x, j->ldx, rows, kc, near, j->depth + W);
                block.x = near, block.ldx = j->depth + W;
            }
            run_tiles(block, rows, nc, NR * kc);
        }
    }
}

static void product_task(void *context, int64_t task) {
    product j = *(const product *)context;
    const int64_t near_size = rows_collide(&j) ? MOST_ROWS * (j.depth + W) : 0;
    float small[SMALL_BLOCK], *packed = ck_scratch((size_t)(j.inner * j.depth + near_size) * 4);
    float *near = packed && near_size ? packed + j.inner * j.depth : NULL;
    if (!packed) {
        packed = small;
        j.inner = NR;
        j.depth = SMALL_BLOCK / NR;
    }
    int64_t m0 = task % j.row_blocks * j.rows, mc = ck_min(j.rows, j.m - m0);
    int64_t from = task / j.row_blocks * j.columns, to = ck_min(from + j.columns, j.n);
    if (is_thin(j.m, j.transposed, j.w.type)) {
        int64_t bytes, last = (task + 1) % j.run == 0 || to == j.n;
        thin t = {j.x, j.ldx, &j.w, j.bias, j.y, j.ldy, j.n, j.k, last ? ck_expected(task / j.run, &bytes) : NULL};
        from = run_thin(&t, j.transposed, j.m, from, to);
    }
    for (int64_t n0 = from; n0 < to; n0 += j.inner) product_block(&j, m0, mc, n0, ck_min(j.inner, to - n0), packed, near);
}

// Several rows: as few tasks as keep the threads evenly busy, since every block of rows packs the columns again.
static void plan_many_rows(product *j, int threads) {
    int64_t wanted = threads > 1 ? 8 * threads : 1, panels = ck_ceil_div(j->n, NR);
    j->depth = ck_max(1, ck_min(j->k, 768));
    if (j->k > 768) j->depth = ck_ceil_div(ck_ceil_div(j->k, ck_ceil_div(j->k, 768)), 32) * 32;
    // Where k is long, x no longer stays in a cache: it is read once a block of columns, so these are wide.
    int64_t least = ck_min(panels, j->k > 8192 ? 128 / NR : 1);
    j->columns = j->inner = ck_max(least, ck_min(128 / NR, panels / wanted)) * NR;
    j->rows = j->m;
    int64_t column_blocks = ck_ceil_div(j->n, j->columns), splits = ck_ceil_div(wanted, column_blocks);
    if (splits > 1) j->rows = ck_max(ck_min(j->m, 128), ck_ceil_div(j->m, splits));
}

// Few rows: the time is that of reading w once, straight ahead, so that what a thread fetches early is its own.
static void plan_few_rows(product *j, int threads) {
    const int64_t least = j->transposed ? 256 : W, wanted = threads > 1 ? 8 * threads : 1;
    j->inner = j->transposed ? 256 : 64;
    j->depth = j->transposed ? 64 : 128;
    j->columns = ck_max(1, ck_min(j->n / least / wanted, 512 / least)) * least;
    j->rows = j->m;
    j->run = ck_run_length(ck_ceil_div(j->n, j->columns), ck_runs(threads));
}

static void matmul(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt,
                   float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    if (m <= 0 || n <= 0) return;
    product j = {.x = x, .ldx = ldx, .w = {w, wt, (int64_t)ck_type_size(wt), ldw, 0}, .transposed = transposed, .y = y, .ldy = ldy,
                 .m = m, .n = n, .k = ck_max(k, 0)};
    float few[256], *widened = NULL;
    if (bias && bt == CK_F32 && (uintptr_t)bias % 4 == 0) {
        j.bias = bias;
    } else if (bias) {
        widened = n <= 256 ? few : ck_allocate((size_t)n * 4);
        for (int64_t i = 0; !widened && i < m; i++) fill(y + i * ldy, n, NAN);
        if (!widened) return;
        upcast_run(bias, bt, widened, n);
        j.bias = widened;
    }
    if (m <= MOST_THIN_ROWS) plan_few_rows(&j, threads);
    else plan_many_rows(&j, threads);
    j.row_blocks = ck_ceil_div(m, j.rows);
    ck_parallel(j.row_blocks * ck_ceil_div(n, j.columns), threads, product_task, &j);
    if (widened && widened != few) ck_free(widened, (size_t)n * 4);
}
