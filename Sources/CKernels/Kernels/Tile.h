// The heart of every product: a tile of rows x columns accumulators that stay in registers while k ascends. Each accumulator is one chain
// of fused multiply-adds, so tile sizes are a matter of speed and never of bits.
#pragma once
#include "Lanes.h"

// A panel is PANEL vectors wide. With 32 registers 14 x 2 accumulators leave room for two columns; with 16 registers of eight lanes, 6 x 1.
#ifdef LANES_AVX512
enum { PANEL = 2, MOST_ROWS = 14, WIDE_ROWS = 6 };
#else
enum { PANEL = 1, MOST_ROWS = 6, WIDE_ROWS = 2 };
#endif
enum { NR = PANEL * W };

typedef struct {
    const float *x;              // rows of x, ldx apart
    int64_t ldx;
    const float *b, *b2;         // packed columns: row p of the panel is b[p * ldb ..< p * ldb + NR]; b2 the panel beside it
    int64_t ldb, k;
    float *y;                    // outputs, ldy apart
    int64_t ldy, columns;        // of which so many exist
    int resume;                  // start from what is in y instead of 0
    const float *bias;           // added last, or NULL
} tile;

INLINE void run_tile(const tile *t, const int rows, const int panels) {
    lanes sum[MOST_ROWS][2 * PANEL];
    const int64_t ldx = t->ldx, ldb = t->ldb, k = t->k;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < panels * PANEL; v++)
            sum[i][v] = t->resume ? load_columns(t->y + i * t->ldy + v * W, t->columns - v * W) : splat(0);
    const float *b = t->b, *b2 = t->b2, *x0 = t->x, *x1 = x0 + (rows > 5 ? 5 : 0) * ldx, *x2 = x0 + (rows > 10 ? 10 : 0) * ldx;
    for (int64_t p = 0; p < k; p++) {
        lanes c[2 * PANEL];
        UNROLL for (int v = 0; v < panels * PANEL; v++) c[v] = load(v < PANEL ? b + v * W : b2 + (v - PANEL) * W);
        UNROLL for (int i = 0; i < rows; i++) {
            const float *row = (i < 5 ? x0 : i < 10 ? x1 : x2) + (i % 5) * ldx;
            lanes a = splat(row[p]);
            UNROLL for (int v = 0; v < panels * PANEL; v++) sum[i][v] = fma16(a, c[v], sum[i][v]);
        }
        b += ldb;
        b2 += ldb;
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < panels * PANEL; v++) {
            lanes s = sum[i][v];
            if (t->bias) s = s + load_columns(t->bias + v * W, t->columns - v * W);
            store_columns(t->y + i * t->ldy + v * W, s, t->columns - v * W);
        }
}

#define ROWS(R) static __attribute__((noinline)) void tile_##R(const tile *t) { run_tile(t, R, 1); }
#define WIDE(R) static __attribute__((noinline)) void wide_##R(const tile *t) { run_tile(t, R, 2); }
ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) WIDE(1) WIDE(2)
#ifdef LANES_AVX512
ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14) WIDE(3) WIDE(4) WIDE(5) WIDE(6)
#endif
#undef ROWS
#undef WIDE

static void (*const narrow_tiles[])(const tile *) = {
    tile_1, tile_2, tile_3, tile_4, tile_5, tile_6,
#ifdef LANES_AVX512
    tile_7, tile_8, tile_9, tile_10, tile_11, tile_12, tile_13, tile_14,
#endif
};
static void (*const wide_tiles[])(const tile *) = {
    wide_1, wide_2,
#ifdef LANES_AVX512
    wide_3, wide_4, wide_5, wide_6,
#endif
};

// rows x columns outputs from panels that lie panel_stride apart.
static void run_tiles(tile t, int64_t rows, int64_t columns, int64_t panel_stride) {
    for (int64_t c = 0; c < columns;) {
        int wide = rows <= WIDE_ROWS && columns - c > NR;
        t.b2 = t.b + (wide ? panel_stride : 0);
        t.columns = columns - c;
        (wide ? wide_tiles : narrow_tiles)[rows - 1](&t);
        int step = wide ? 2 : 1;
        c += step * NR;
        t.b += step * panel_stride;
        t.y += step * NR;
        if (t.bias) t.bias += step * NR;
    }
}
