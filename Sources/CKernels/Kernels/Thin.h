// Products with few rows of x, as in decoding: their time is that of reading w once. Nothing is packed: blocks of w are transposed in
// registers, so that a lane is an output and k ascends from one multiply-add to the next, as in the tiles.
#pragma once
#include "Panels.h"

enum { THIN_ROWS = 4, MOST_THIN_ROWS = 12, LINES = 16 };

typedef struct {
    const float *x;
    int64_t ldx;
    const matrix *w;
    const float *bias;
    float *y;
    int64_t ldy, n, k;
    const uint8_t *then;         // what this thread reads after its last rows, or NULL
} thin;

// Sixteen words of each of sixteen rows, as sixteen vectors of one word of each row. Words are fp32 or pairs of 16-bit elements. Each load
// also fetches a line from `next` on: lines that lie in memory one behind the other come faster than lines of as many rows.
INLINE void load_block(const uint8_t *row, int64_t pitch, const uint8_t *next, int second_level, words *r) {
    if (second_level)
        UNROLL for (int i = 0; i < W; i++) {
            __builtin_prefetch(next + 64 * i, 0, 2);
            r[i] = *(const words_at *)(row + i * pitch);
        }
    else
        UNROLL for (int i = 0; i < W; i++) {
            __builtin_prefetch(next + 64 * i, 0, 0);       // read once: what else lies in the second-level cache stays there
            r[i] = *(const words_at *)(row + i * pitch);
        }
    transpose16(r);
}
// The same where fewer than sixteen words are left.
INLINE void load_last_block(const uint8_t *row, int64_t pitch, int64_t bytes, words *r) {
    uint8_t part[W][64] = {0};
    for (int i = 0; i < W; i++) memcpy(part[i], row + i * pitch, (size_t)bytes);
    UNROLL for (int i = 0; i < W; i++) r[i] = *(const words_at *)part[i];
    transpose16(r);
}

// Element `odd` of each word, as fp32.
INLINE lanes element(words word, int odd, ck_type type) {
    if (type == CK_F32) return (lanes)word;
    if (type == CK_BF16) return (lanes)(odd ? word & 0xffff0000 : word << 16);
    return f16_lanes(__builtin_convertvector(odd ? word >> 16 : word & 0xffff, halves));
}

// Adds `count` steps of k, from p, to the sums of sixteen outputs.
INLINE void add_block(const thin *t, const words *r, int64_t p, int64_t count, const int m, ck_type type, lanes *sum) {
    const int each = type == CK_F32 ? 1 : 2;
    UNROLL for (int i = 0; i < W; i++)
        UNROLL for (int e = 0; e < each; e++)
            if (i * each + e < count) {
                lanes w = element(r[i], e, type);
                UNROLL for (int q = 0; q < m; q++) sum[q] = fma16(splat(t->x[q * t->ldx + p + i * each + e]), w, sum[q]);
            }
}

// Outputs n0 ..< n0 + 16; more at once would have to be fetched further ahead. `next`: what is to be fetched meanwhile.
INLINE void thin_rows(const thin *t, int64_t n0, const uint8_t *next, const int m, ck_type type) {
    const int64_t size = t->w->size, step = type == CK_F32 ? 16 : 32, pitch = t->w->ldw * size;
    const uint8_t *row = t->w->w + n0 * pitch;
    lanes sum[THIN_ROWS];
    words r[W];
    UNROLL for (int q = 0; q < m; q++) sum[q] = splat(0);
    const int second_level = ck_fetches_to_second_level();
    int64_t p = 0;
    for (; p + step <= t->k; p += step, row += 64, next += 64 * W) {
        load_block(row, pitch, next, second_level, r);
        add_block(t, r, p, step, m, type, sum);
    }
    if (p < t->k) {
        load_last_block(row, pitch, (t->k - p) * size, r);
        add_block(t, r, p, t->k - p, m, type, sum);
    }
    UNROLL for (int q = 0; q < m; q++) store(t->y + q * t->ldy + n0, t->bias ? sum[q] + load(t->bias + n0) : sum[q]);
}

// The same from w [k][n], where a line of w is already in lanes: 16 / m vectors of outputs at a time.
INLINE void thin_lines(const thin *t, int64_t n0, const uint8_t *next, const int m, ck_type type) {
    (void)next;
    const int vectors = LINES / m;
    const int64_t size = t->w->size, pitch = t->w->ldw * size;
    const uint8_t *line = t->w->w + n0 * size;
    lanes sum[THIN_ROWS][LINES];
    UNROLL for (int q = 0; q < m; q++)
        UNROLL for (int v = 0; v < vectors; v++) sum[q][v] = splat(0);
    for (int64_t p = 0; p < t->k; p++, line += pitch) {
        UNROLL for (int v = 0; v < vectors; v++) {
            __builtin_prefetch(line + 8 * pitch + v * W * size, 0, 3);
            lanes w = read16(line + v * W * size, type);
            UNROLL for (int q = 0; q < m; q++) sum[q][v] = fma16(splat(t->x[q * t->ldx + p]), w, sum[q][v]);
        }
    }
    UNROLL for (int q = 0; q < m; q++)
        UNROLL for (int v = 0; v < vectors; v++) {
            lanes s = sum[q][v];
            if (t->bias) s = s + load(t->bias + n0 + v * W);
            store(t->y + q * t->ldy + n0 + v * W, s);
        }
}

#define EACH_M(M, T) M(1, T) M(2, T) M(3, T) M(4, T)
#define ROWS(M, T) static __attribute__((noinline)) void thin_rows_##M##_##T(const thin *t, int64_t n0, const uint8_t *next) { thin_rows(t, n0, next, M, T); }
#define LINE(M, T) static __attribute__((noinline)) void thin_lines_##M##_##T(const thin *t, int64_t n0, const uint8_t *next) { thin_lines(t, n0, next, M, T); }
EACH_M(ROWS, CK_F32) EACH_M(ROWS, CK_BF16) EACH_M(ROWS, CK_F16)
EACH_M(LINE, CK_F32) EACH_M(LINE, CK_BF16) EACH_M(LINE, CK_F16)
#undef ROWS
#undef LINE

typedef void (*thin_kernel)(const thin *, int64_t, const uint8_t *);
#define NAME(M, T) thin_rows_##M##_##T,
static const thin_kernel thin_row_kernels[3][THIN_ROWS] = {{EACH_M(NAME, CK_F32)}, {EACH_M(NAME, CK_BF16)}, {EACH_M(NAME, CK_F16)}};
#undef NAME
#define NAME(M, T) thin_lines_##M##_##T,
static const thin_kernel thin_line_kernels[3][THIN_ROWS] = {{EACH_M(NAME, CK_F32)}, {EACH_M(NAME, CK_BF16)}, {EACH_M(NAME, CK_F16)}};
#undef NAME

static int is_thin(int64_t m, int transposed, ck_type type) {
    return m <= (transposed ? THIN_ROWS : MOST_THIN_ROWS) && (type == CK_F32 || type == CK_BF16 || type == CK_F16);
}

// Outputs [n0, n1) of all m rows; returns the first of the fewer than a step that are left over.
static int64_t run_thin(const thin *t, int transposed, int64_t m, int64_t n0, int64_t n1) {
    int type = t->w->type == CK_F32 ? 0 : t->w->type == CK_BF16 ? 1 : 2;
    int64_t step = transposed ? LINES / ck_min(m, THIN_ROWS) * W : W;
    for (; n0 + step <= n1; n0 += step) {
        const uint8_t *next = t->w->w + (n0 + step) * t->w->ldw * t->w->size;
        if (n0 + 2 * step > n1 && t->then) next = t->then;
        for (int64_t q = 0; q < m; q += THIN_ROWS) {        // rows beyond four find this part of w in the cache
            int64_t rows = ck_min(THIN_ROWS, m - q);
            thin part = *t;
            part.x += q * t->ldx, part.y += q * t->ldy;
            thin_kernel kernel = (transposed ? thin_line_kernels : thin_row_kernels)[type][rows - 1];
            kernel(&part, n0, next);
        }
    }
    return n0;
}
