// Products of bf16 numbers as VDPBF16PS makes them: pairs of neighbours in k, in each pair the second product first, one chain of fused
// multiply-adds in fp32 where inputs and sums that would be subnormal are zero. Without the instruction the same bits by plain lanes.
// Columns are packed as panels [k / 2][NR] of words, a word being a pair; rows of x are turned into pairs once.
#pragma once
#include "Rounding.h"
#include "Thin.h"

INLINE lanes without_subnormals(lanes v) { return pick(magnitude(v) < splat(0x1p-126f), sign_of(splat(0), v), v); }

// a's and b's pairs into the sums.
INLINE lanes dot_step(lanes sum, words a, words b) {
#ifdef LANES_BF16
    return (lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    sum = without_subnormals(fma16((lanes)(a & 0xffff0000), (lanes)(b & 0xffff0000), sum));
    return without_subnormals(fma16((lanes)(a << 16), (lanes)(b << 16), sum));
#endif
}

INLINE words pairs_without_subnormals(words w) {
#ifdef LANES_BF16
    return w;                    // the instruction takes them for zero itself
#else
    lanes a = without_subnormals((lanes)(w << 16)), b = without_subnormals((lanes)(w & 0xffff0000));
    return (words)a >> 16 | (words)b;
#endif
}

// Numbers 0 ..< 16 and 16 ..< 32 of a row, which are in bf16, as sixteen pairs; subnormals are zero.
INLINE words pairs_of_bf16(words a, words b) {
#ifdef LANES_AVX512
    const __m512i upper = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25, 23, 21, 19, 17,
                                           15, 13, 11, 9, 7, 5, 3, 1);
    return pairs_without_subnormals((words)_mm512_permutex2var_epi16((__m512i)a, upper, (__m512i)b));
#else
    words first = SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    words second = SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return pairs_without_subnormals(first >> 16 | (second & 0xffff0000));
#endif
}

// The same of numbers that are rounded to bf16 first.
INLINE words pairs_of(lanes low, lanes high) { return pairs_of_bf16((words)round_to_bf16(low), (words)round_to_bf16(high)); }

typedef struct {
    const float *x;
    matrix w;
    const float *bias;
    float *y;
    uint32_t *pairs;             // of x, [m][words]
    const rounding *out;         // of y; NULL: none
    int64_t ldx, ldy, m, n, k, words, rows, columns, row_blocks;
    int64_t run;                 // of few rows and of tiles: tasks that one thread takes one after the other
    int transposed, tiled;
} dots;

static dots dots_of(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, float *y, int64_t ldy, int64_t m,
                    int64_t n, int64_t k) {
    return (dots){.x = x, .w = {w, wt, (int64_t)ck_type_size(wt), ldw, 0}, .y = y, .ldx = ldx, .ldy = ldy, .m = m,
                  .n = n, .k = ck_max(k, 0), .words = (ck_max(k, 0) + 1) / 2, .transposed = transposed};
}

// Room for the pairs of `rows` rows of x and, behind them, for bias in fp32; without memory y becomes NaN.
static int take_pairs(dots *j, int64_t rows, const void *bias, ck_type bt, size_t *room) {
    *room = (size_t)(rows * j->words + 64) * 4 + (size_t)j->n * 4;
    j->pairs = ck_allocate(*room);
    for (int64_t i = 0; !j->pairs && i < j->m; i++) fill(j->y + i * j->ldy, j->n, NAN);
    if (j->pairs && bias) {
        float *wide = (float *)(j->pairs + rows * j->words + 64);
        upcast_run(bias, bt, wide, j->n);
        j->bias = wide;
    }
    return j->pairs != NULL;
}

static void pair_row(const dots *j, const float *x, uint32_t *out) {
    for (int64_t p = 0; p < j->k; p += 2 * W, out += W)
        store_columns((float *)out, (lanes)pairs_of(load_columns(x + p, j->k - p), load_columns(x + p + W, j->k - p - W)),
                      j->words - p / 2);
}
static void pairs_task(void *context, int64_t task) {
    const dots *j = context;
    for (int64_t i = task * 16; i < ck_min(task * 16 + 16, j->m); i++) pair_row(j, j->x + i * j->ldx, j->pairs + i * j->words);
}

// Sixteen pairs of a row of w from element p on, of which `count` exist.
INLINE words row_pairs(const dots *j, const uint8_t *row, int64_t p, int64_t count) {
    const uint8_t *at = row + p * j->w.size;
    if (count >= 2 * W && j->w.type == CK_BF16) return pairs_without_subnormals(*(const words_at *)at);
    float line[2 * W] = {0};
    upcast_run(at, j->w.type, line, ck_min(count, 2 * W));
    return pairs_of(load(line), load(line + W));
}

// Columns g ..< g + 16 of line p of a panel; where it is tiled, sixteen lines of sixteen columns lie together.
INLINE uint32_t *panel_line(const dots *j, uint32_t *panel, int64_t p, int64_t g) {
    return j->tiled ? panel + p / W * W * NR + g * W + p % W * W : panel + p * NR + g;
}

// Words p0 ..< p0 + pc of rows n0 ..< n0 + nc of w [n][k] to panels; columns beyond become 0.
static void pack_row_pairs(const dots *j, int64_t n0, int64_t nc, int64_t p0, int64_t pc, uint32_t *dst) {
    for (int64_t c = 0; c < nc; c += NR, dst += NR * pc)
        for (int64_t g = 0; g < NR; g += W)
            for (int64_t p = 0; p < pc; p += W) {
                words r[W];
                for (int64_t i = 0; i < W; i++)
                    r[i] = c + g + i < nc ? row_pairs(j, j->w.w + (n0 + c + g + i) * j->w.ldw * j->w.size, 2 * (p0 + p), j->k - 2 * (p0 + p))
                                          : splat_word(0);
                transpose16(r);
                for (int64_t i = 0; i < ck_min(W, pc - p); i++) store(panel_line(j, dst, p + i, g), (lanes)r[i]);
            }
}

// The first n elements of a line, rounded to bf16, each in the upper half of a word; the rest is 0.
INLINE words upper_halves_of(const uint8_t *at, ck_type type, int64_t n) {
    if (n >= W && type == CK_BF16) return __builtin_convertvector(*(const halves_at *)at, words) << 16;
    float line[W] = {0};
    if (n >= W && type == CK_F32) return (words)round_to_bf16(load(at));
    upcast_run(at, type, line, ck_max(0, ck_min(W, n)));
    return (words)round_to_bf16(load(line));
}
// Two lines, the first in the lower halves.
INLINE words line_pairs(words a, words b) { return pairs_without_subnormals(a >> 16 | (b & 0xffff0000)); }

// The same from w [k][n]: a pair is one element of each of two lines.
static void pack_line_pairs(const dots *j, int64_t n0, int64_t nc, int64_t p0, int64_t pc, uint32_t *dst) {
    const int64_t pitch = j->w.ldw * j->w.size;
    for (int64_t c = 0; c < nc; c += NR, dst += NR * pc)
        for (int64_t p = 0; p < pc; p++)
            for (int64_t g = 0; g < NR; g += W) {
                const int64_t k = 2 * (p0 + p), left = nc - c - g;
                const uint8_t *at = j->w.w + k * pitch + (n0 + c + g) * j->w.size;
                __builtin_prefetch(at + 8 * pitch, 0, 3);
                __builtin_prefetch(at + 9 * pitch, 0, 3);
                words a = upper_halves_of(at, j->w.type, k < j->k ? left : 0);
                words b = upper_halves_of(at + pitch, j->w.type, k + 1 < j->k ? left : 0);
                store(panel_line(j, dst, p, g), (lanes)line_pairs(a, b));
            }
}

// An output: the sum and the bias in fp32, rounded as y is.
INLINE lanes output_of(const dots *j, lanes sum, const float *bias, int64_t columns) {
    if (bias) sum = sum + load_columns(bias, columns);
    return j->out ? round_lanes(sum, j->out) : sum;
}

INLINE void dot_tile(const dots *j, const uint32_t *x, const uint32_t *b, float *y, const float *bias, int64_t columns, const int rows) {
    lanes sum[MOST_ROWS][PANEL];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < PANEL; v++) sum[i][v] = splat(0);
    const uint32_t *x0 = x, *x1 = x + (rows > 5 ? 5 : 0) * j->words, *x2 = x + (rows > 10 ? 10 : 0) * j->words;
    for (int64_t p = 0; p < j->words; p++, b += NR) {
        words c[PANEL];
        UNROLL for (int v = 0; v < PANEL; v++) c[v] = *(const words_at *)(b + v * W);
        UNROLL for (int i = 0; i < rows; i++) {
            words a = splat_word(((i < 5 ? x0 : i < 10 ? x1 : x2) + (i % 5) * j->words)[p]);
            UNROLL for (int v = 0; v < PANEL; v++) sum[i][v] = dot_step(sum[i][v], a, c[v]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < PANEL; v++)
            store_columns(y + i * j->ldy + v * W, output_of(j, sum[i][v], bias ? bias + v * W : NULL, columns - v * W), columns - v * W);
}
#define TILE(R) static __attribute__((noinline)) void dot_tile_##R(const dots *j, const uint32_t *x, const uint32_t *b, float *y, \
                                                                   const float *bias, int64_t columns) { \
        dot_tile(j, x, b, y, bias, columns, R); \
    }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#ifdef LANES_AVX512
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)
#endif
#undef TILE
static void (*const dot_tiles[])(const dots *, const uint32_t *, const uint32_t *, float *, const float *, int64_t) = {
    dot_tile_1, dot_tile_2, dot_tile_3, dot_tile_4, dot_tile_5, dot_tile_6,
#ifdef LANES_AVX512
    dot_tile_7, dot_tile_8, dot_tile_9, dot_tile_10, dot_tile_11, dot_tile_12, dot_tile_13, dot_tile_14,
#endif
};

// Few rows, as in decoding: w is read once, straight ahead, and sixteen rows of it are turned in registers (see Thin.h). Outputs
// n0 ..< n0 + 16 of rows q0 ..< q0 + m of x; `next` is what is to be fetched meanwhile.
INLINE void few_rows(const dots *j, int64_t n0, int64_t q0, const uint8_t *next, const int m, ck_type type) {
    const int64_t pitch = j->w.ldw * j->w.size;
    const uint8_t *row = j->w.w + n0 * pitch;
    const uint32_t *pairs = j->pairs + q0 * j->words;
    const int lines = type == CK_BF16 ? 1 : 2;           // of 64 bytes, for 32 elements of a row
    const int second_level = ck_fetches_to_second_level();
    lanes sum[THIN_ROWS];
    UNROLL for (int q = 0; q < m; q++) sum[q] = splat(0);
    for (int64_t p = 0; p < j->words; p += W, row += 2 * W * j->w.size, next += 64 * lines * W) {
        const int whole = j->k - 2 * p >= 2 * W;
        words r[W];
#define ROWS(LEVEL) \
        UNROLL for (int i = 0; i < W; i++) { \
            const uint8_t *at = row + i * pitch; \
            UNROLL for (int line = 0; line < lines; line++) __builtin_prefetch(next + 64 * (lines * i + line), 0, LEVEL); \
            r[i] = !whole ? row_pairs(j, at, 0, j->k - 2 * p) \
                : type == CK_BF16 ? pairs_without_subnormals(*(const words_at *)at) : pairs_of(load(at), load(at + 64)); \
        }
        if (second_level) ROWS(2) else ROWS(0)
#undef ROWS
        transpose16(r);
        UNROLL for (int i = 0; i < W; i++)
            if (whole || p + i < j->words)
                UNROLL for (int q = 0; q < m; q++) sum[q] = dot_step(sum[q], splat_word(pairs[q * j->words + p + i]), r[i]);
    }
    UNROLL for (int q = 0; q < m; q++) store(j->y + (q0 + q) * j->ldy + n0, output_of(j, sum[q], j->bias ? j->bias + n0 : NULL, W));
}

// The same from w [k][n] of bf16 numbers: a pair is one element of each of two lines.
INLINE void few_lines(const dots *j, int64_t n0, int64_t q0, const uint8_t *next, const int m, ck_type type) {
    (void)next, (void)type;
    const int vectors = LINES / m;
    const int64_t pitch = j->w.ldw * 2;
    const uint8_t *line = j->w.w + n0 * 2;
    const uint32_t *pairs = j->pairs + q0 * j->words;
    lanes sum[THIN_ROWS][LINES];
    UNROLL for (int q = 0; q < m; q++)
        UNROLL for (int v = 0; v < vectors; v++) sum[q][v] = splat(0);
    for (int64_t p = 0; p < j->words; p++, line += 2 * pitch)
        UNROLL for (int v = 0; v < vectors; v++) {
            words a = __builtin_convertvector(*(const halves_at *)(line + 2 * W * v), words), b = splat_word(0);
            if (2 * p + 1 < j->k) b = __builtin_convertvector(*(const halves_at *)(line + pitch + 2 * W * v), words);
            __builtin_prefetch(line + 8 * pitch + 2 * W * v, 0, 3);
            __builtin_prefetch(line + 9 * pitch + 2 * W * v, 0, 3);
            words pair = pairs_without_subnormals(a | b << 16);
            UNROLL for (int q = 0; q < m; q++) sum[q][v] = dot_step(sum[q][v], splat_word(pairs[q * j->words + p]), pair);
        }
    UNROLL for (int q = 0; q < m; q++)
        UNROLL for (int v = 0; v < vectors; v++) {
            int64_t at = n0 + v * W;
            store(j->y + (q0 + q) * j->ldy + at, output_of(j, sum[q][v], j->bias ? j->bias + at : NULL, W));
        }
}

#define FEW(NAME, M, T) static __attribute__((noinline)) void NAME##_##M##_##T(const dots *j, int64_t n0, int64_t q0, const uint8_t *next) { \
        NAME(j, n0, q0, next, M, T); \
    }
#define EACH(NAME, T) FEW(NAME, 1, T) FEW(NAME, 2, T) FEW(NAME, 3, T) FEW(NAME, 4, T)
EACH(few_rows, CK_BF16) EACH(few_rows, CK_F32) EACH(few_lines, CK_BF16)
#undef EACH
#undef FEW
#define EACH(NAME, T) {NAME##_1_##T, NAME##_2_##T, NAME##_3_##T, NAME##_4_##T}
typedef void (*few_kernel)(const dots *, int64_t, int64_t, const uint8_t *);
static const few_kernel few_row_kernels[2][THIN_ROWS] = {EACH(few_rows, CK_BF16), EACH(few_rows, CK_F32)};
static const few_kernel few_line_kernels[THIN_ROWS] = EACH(few_lines, CK_BF16);
#undef EACH

static int are_few(const dots *j) {
    return j->transposed ? j->m <= THIN_ROWS && j->w.type == CK_BF16
                         : j->m <= MOST_THIN_ROWS && (j->w.type == CK_BF16 || j->w.type == CK_F32);
}

// Columns [n0, n1) as far as whole steps go; returns the first that is left over.
static int64_t run_few(const dots *j, int64_t n0, int64_t n1, const uint8_t *then) {
    const int64_t step = j->transposed ? LINES / ck_min(j->m, THIN_ROWS) * W : W;
    for (; n0 + step <= n1; n0 += step) {
        const uint8_t *next = j->w.w + (n0 + step) * j->w.ldw * j->w.size;
        if (n0 + 2 * step > n1 && then) next = then;
        for (int64_t q = 0; q < j->m; q += THIN_ROWS) {
            int64_t rows = ck_min(THIN_ROWS, j->m - q);
            (j->transposed ? few_line_kernels : few_row_kernels[j->w.type == CK_F32])[rows - 1](j, n0, q, next);
        }
    }
    return n0;
}

static void dots_task(void *context, int64_t task) {
    const dots *j = context;
    int64_t m0 = task % j->row_blocks * j->rows, mc = ck_min(j->rows, j->m - m0);
    int64_t n0 = task / j->row_blocks * j->columns, nc = ck_min(j->columns, j->n - n0);
    if (are_few(j)) {
        int64_t bytes, end = n0 + nc, last = (task + 1) % j->run == 0 || end == j->n;
        n0 = run_few(j, n0, end, last ? ck_expected(task / j->run, &bytes) : NULL), nc = end - n0;
        if (!nc) return;
    }
    uint32_t *packed = ck_scratch((size_t)(ck_ceil_div(nc, NR) * NR * j->words) * 4 + 64);
    for (int64_t i = m0; !packed && i < m0 + mc; i++) fill(j->y + i * j->ldy + n0, nc, NAN);
    if (!packed) return;                             // no memory: NaN, not what was there
    (j->transposed ? pack_line_pairs : pack_row_pairs)(j, n0, nc, 0, j->words, packed);
    int64_t tiles = ck_ceil_div(mc, MOST_ROWS);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t first = m0 + t * mc / tiles, rows = m0 + (t + 1) * mc / tiles - first;
        for (int64_t c = 0; c < nc; c += NR)
            dot_tiles[rows - 1](j, j->pairs + first * j->words, packed + c * j->words, j->y + first * j->ldy + n0 + c,
                                j->bias ? j->bias + n0 + c : NULL, nc - c);
    }
}

// As few tasks as keep the threads evenly busy, since every block of rows packs the columns again; of few rows w is all there is to read.
static void plan_dots(dots *j, int threads) {
    const int few = are_few(j);
    int64_t wanted = threads > 1 ? 8 * threads : 1, most = ck_max(1, 131072 / ck_max(1, NR * j->words));
    int64_t least = few ? j->transposed ? 256 : W : NR;
    j->columns = few ? ck_max(1, ck_min(j->n / least / wanted, 512 / least)) * least
                     : ck_max(1, ck_min(ck_min(most, 8), ck_ceil_div(j->n, NR) / wanted)) * NR;
    j->rows = j->m;
    j->row_blocks = 1;
    if (few) j->run = ck_run_length(ck_ceil_div(j->n, j->columns), ck_runs(threads));
}

static void matmul_bf16(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt,
                        const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    if (m <= 0 || n <= 0) return;
    size_t room;
    rounding out;
    dots j = dots_of(x, ldx, w, wt, transposed, ldw, y, ldy, m, n, k);
    j.out = part_rounding(&out, format);
    if (!take_pairs(&j, m, bias, bt, &room)) return;
    ck_parallel(ck_ceil_div(m, 16), threads, pairs_task, &j);
    plan_dots(&j, threads);
    ck_parallel(ck_ceil_div(n, j.columns), threads, dots_task, &j);
    ck_free(j.pairs, room);
}
