// What the kernels share among themselves: the pool of threads, scratch memory, and the table each instruction set fills.
#pragma once
#include "CKernels.h"

// Calls body(context, 0 ..< tasks) on at most `threads` threads, the caller among them; returns when all are done. The tasks are cut into
// ck_runs(threads) runs: a thread goes through its own from the front and helps the others from the back, so that from one operation to
// the next it finds most of its part of a value in its own cache. Who takes a task is left to chance in the end, so a task's result must
// depend on its number only.
void ck_parallel(int64_t tasks, int threads, void (*body)(void *context, int64_t task), void *context);
int ck_runs(int threads);

// A thread's part of the matrix that the next product will read, and its length; NULL if nobody said.
const uint8_t *ck_expected(int64_t part, int64_t *bytes);

// Where lines that are read once should wait when they are fetched early: 1 in the second-level cache, as on Intel, whose non-temporal
// fetches fill the first level alone and push each other out of it; 0 wherever the processor puts what is read once.
int ck_fetches_to_second_level(void);

// This thread's own scratch memory of at least `bytes`, 64-byte aligned, kept until the thread ends; NULL if there is none.
void *ck_scratch(size_t bytes);

static inline size_t ck_type_size(ck_type type) {
    switch (type) {
    case CK_F64: case CK_I64: case CK_U64: return 8;
    case CK_F32: case CK_I32: case CK_U32: return 4;
    case CK_F16: case CK_BF16: case CK_I16: case CK_U16: return 2;
    default: return 1;
    }
}
static inline int64_t ck_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t ck_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ck_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How many tasks a run has; the last may have fewer.
static inline int64_t ck_run_length(int64_t tasks, int runs) { return runs > 0 ? ck_ceil_div(tasks, runs) : tasks; }

// The keys [lo, hi) that query row i may see among S.
static inline void ck_visible(const ck_mask *mask, int64_t i, int64_t S, int64_t *lo, int64_t *hi) {
    int64_t end = mask->past + i + 1, h = mask->causal ? ck_min(end, S) : S, l = mask->window > 0 ? ck_max(0, end - mask->window) : 0;
    if (mask->first) l = ck_max(l, mask->first[i]);
    *hi = ck_max(h, 0);
    *lo = ck_min(l, *hi);
}

// One line a kernel: name, parameters, arguments. Dispatch.c forwards each public function to the table in use.
#define CK_KERNELS(K) \
    K(matmul, (const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt, \
               float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads), \
      (x, ldx, w, wt, transposed, ldw, bias, bt, y, ldy, m, n, k, threads)) \
    K(attention_scores, (ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D, \
                         float scale, float softcap, ck_mask mask, int threads), \
      (q, k, scores, heads, kv_heads, T, S, D, scale, softcap, mask, threads)) \
    K(attention_context, (const float *probs, ck_heads v, const ck_format *format, float *context, int64_t heads, int64_t kv_heads, \
                          int64_t T, int64_t S, int64_t D, ck_mask mask, int threads), \
      (probs, v, format, context, heads, kv_heads, T, S, D, mask, threads)) \
    K(softmax, (const float *x, const ck_format *format, float *y, int64_t rows, int64_t n, const ck_mask *mask, int64_t T, int threads), \
      (x, format, y, rows, n, mask, T, threads)) \
    K(rope, (ck_heads x, const float *cos, const float *sin, float *y, int64_t heads, int64_t T, int64_t D, int64_t rotary, \
             int interleaved, int threads), \
      (x, cos, sin, y, heads, T, D, rotary, interleaved, threads)) \
    K(rms_norm, (const float *x, const void *w, ck_type wt, float eps, int plus_one, float *y, int64_t rows, int64_t n, int threads), \
      (x, w, wt, eps, plus_one, y, rows, n, threads)) \
    K(layer_norm, (const float *x, const void *w, ck_type wt, const void *b, ck_type bt, float eps, int plus_one, const ck_format *format, \
                   float *y, int64_t rows, int64_t n, int threads), \
      (x, w, wt, b, bt, eps, plus_one, format, y, rows, n, threads)) \
    K(map, (ck_function f, const float *x, float *y, int64_t n, int threads), (f, x, y, n, threads)) \
    K(add, (const float *a, const float *b, const ck_format *format, float *y, int64_t n, int threads), (a, b, format, y, n, threads)) \
    K(multiply, (const float *a, const float *b, const ck_format *format, float *y, int64_t n, int threads), (a, b, format, y, n, threads)) \
    K(scale, (const float *a, float factor, const ck_format *format, float *y, int64_t n, int threads), (a, factor, format, y, n, threads)) \
    K(softcap, (const float *a, float cap, const ck_format *format, float *y, int64_t n, int threads), (a, cap, format, y, n, threads)) \
    K(gather, (const void *table, ck_type type, int64_t ld, const int32_t *ids, float *y, int64_t rows, int64_t n, int threads), \
      (table, type, ld, ids, y, rows, n, threads)) \
    K(upcast, (const void *x, ck_type type, float *y, int64_t n, int threads), (x, type, y, n, threads)) \
    K(cross_entropy, (const float *x, const int32_t *targets, float *losses, int64_t rows, int64_t n, int threads), \
      (x, targets, losses, rows, n, threads)) \
    K(head_loss, (const float *x, const void *w, ck_type wt, int64_t ldw, const int32_t *targets, float *y, int64_t rows, int64_t h, \
                  int64_t vocabulary, int threads), \
      (x, w, wt, ldw, targets, y, rows, h, vocabulary, threads)) \
    K(weight_gradient, (const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t rows, \
                        int64_t columns, int threads), \
      (a, lda, b, ldb, c, ldc, m, rows, columns, threads)) \
    K(column_sums, (const float *x, int64_t ld, float *y, int64_t rows, int64_t n, int threads), \
      (x, ld, y, rows, n, threads)) \
    K(rms_norm_gradient, (const float *dy, const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format, \
                          float *dx, float *dw, int64_t rows, int64_t n, int threads), \
      (dy, x, w, wt, eps, plus_one, format, dx, dw, rows, n, threads)) \
    K(layer_norm_gradient, (const float *dy, const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format, \
                            float *dx, float *dw, float *db, int64_t rows, int64_t n, int threads), \
      (dy, x, w, wt, eps, plus_one, format, dx, dw, db, rows, n, threads)) \
    K(map_gradient, (ck_function f, const float *x, const float *dy, const ck_format *parts, const ck_format *format, float *dx, int64_t n, \
                     int threads), \
      (f, x, dy, parts, format, dx, n, threads)) \
    K(softmax_gradient, (const float *p, const float *dp, const ck_format *format, float *dx, int64_t rows, int64_t n, \
                         const ck_mask *mask, int64_t T, int threads), \
      (p, dp, format, dx, rows, n, mask, T, threads)) \
    K(cross_entropy_gradient, (const float *z, const int32_t *targets, const float *dl, const ck_format *format, float *dz, int64_t rows, \
                               int64_t n, int threads), \
      (z, targets, dl, format, dz, rows, n, threads)) \
    K(attention_queries_gradient, (const float *ds, ck_heads k, float *dq, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, \
                                   int64_t D, float scale, ck_mask mask, int threads), \
      (ds, k, dq, heads, kv_heads, T, S, D, scale, mask, threads)) \
    K(attention_keys_gradient, (const float *p, ck_heads x, float *out, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, \
                                int64_t D, float scale, ck_mask mask, int threads), \
      (p, x, out, heads, kv_heads, T, S, D, scale, mask, threads)) \
    K(softcap_gradient, (const float *ds, const float *s, float cap, int capped, const ck_format *format, float *out, int64_t n, \
                         int threads), \
      (ds, s, cap, capped, format, out, n, threads)) \
    K(rope_gradient, (ck_heads dy, const float *cos, const float *sin, const ck_format *format, float *dx, int64_t heads, int64_t T, \
                      int64_t D, int64_t rotary, int interleaved, int threads), \
      (dy, cos, sin, format, dx, heads, T, D, rotary, interleaved, threads)) \
    K(gather_gradient, (const float *dy, const int32_t *ids, const float *initial, const ck_format *format, float *table, \
                        int64_t vocabulary, int64_t rows, int64_t n, int threads), \
      (dy, ids, initial, format, table, vocabulary, rows, n, threads)) \
    K(join_heads, (ck_heads x, float *y, int64_t head_stride, int64_t token_stride, int64_t heads, int64_t T, int64_t D, int threads), \
      (x, y, head_stride, token_stride, heads, T, D, threads)) \
    K(sum, (const float *const *x, int64_t count, float *y, int64_t n, int threads), \
      (x, count, y, n, threads)) \
    K(add_product, (const float *a, const float *b, float factor, float *y, int64_t n, int threads), (a, b, factor, y, n, threads)) \
    K(add_scaled, (const float *a, const float *b, float factor, float *y, int64_t n, int threads), (a, b, factor, y, n, threads)) \
    K(lerp, (const float *m, const float *g, float weight, float *y, int64_t n, int threads), (m, g, weight, y, n, threads)) \
    K(average_squares, (const float *v, const float *g, float keep, float weight, float *y, int64_t n, int threads), \
      (v, g, keep, weight, y, n, threads)) \
    K(adam_update, (const float *m, const float *v, float step, float correction, float epsilon, float *y, int64_t n, int threads), \
      (m, v, step, correction, epsilon, y, n, threads)) \
    K(dropout, (const float *x, uint64_t key, uint32_t threshold, float scale, float *y, int64_t n, int threads), \
      (x, key, threshold, scale, y, n, threads)) \
    K(quantise_blocks, (const float *x, int64_t n, int64_t block, const float *levels, int count, uint8_t *codes, float *absmax, \
                        int threads), \
      (x, n, block, levels, count, codes, absmax, threads)) \
    K(dequantise_blocks, (const uint8_t *codes, const float *absmax, int64_t n, int64_t block, const float *levels, float *y, \
                          int threads), \
      (codes, absmax, n, block, levels, y, threads)) \
    K(encode_nf4, (const void *x, ck_type type, int64_t n, const float *levels, uint8_t *codes, float *absmax, int threads), \
      (x, type, n, levels, codes, absmax, threads)) \
    K(rms_norm_rounded, (const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *parts, \
                         const ck_format *format, float *y, int64_t rows, int64_t n, int threads), \
      (x, w, wt, eps, plus_one, parts, format, y, rows, n, threads)) \
    K(attention_scores_rounded, (ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D, \
                                 float scale, float softcap, ck_mask mask, const ck_format *format, int threads), \
      (q, k, scores, heads, kv_heads, T, S, D, scale, softcap, mask, format, threads)) \
    K(rope_rounded, (ck_heads x, const float *cos, const float *sin, const ck_format *format, float *y, int64_t heads, int64_t T, \
                     int64_t D, int64_t rotary, int interleaved, int threads), \
      (x, cos, sin, format, y, heads, T, D, rotary, interleaved, threads)) \
    K(map_rounded, (ck_function f, const float *x, const ck_format *parts, const ck_format *format, float *y, int64_t n, int threads), \
      (f, x, parts, format, y, n, threads)) \
    K(cast, (const float *x, float *y, int64_t n, const ck_format *format, int threads), (x, y, n, format, threads)) \
    K(upper_halves, (const float *x, uint16_t *y, int64_t n, int threads), (x, y, n, threads)) \
    K(cast_blocks, (const float *x, float *y, int64_t rows, int64_t n, int64_t block, ck_block_scale scale, const ck_format *format, \
                     int threads), \
      (x, y, rows, n, block, scale, format, threads)) \
    K(ordered_matmul, (ck_order order, const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, \
                       const float *bias, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads), \
      (order, x, ldx, w, wt, transposed, ldw, bias, y, ldy, m, n, k, threads)) \
    K(q8_matmul, (const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const float *bias, float *y, \
                  int64_t ldy, int64_t m, int64_t n, int64_t k, int threads), \
      (x, ldx, w, wt, transposed, ldw, bias, y, ldy, m, n, k, threads)) \
    K(flash_attention, (ck_heads q, ck_heads k, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, \
                        int64_t D, float scale, float softcap, ck_mask mask, const ck_format *format, int threads), \
      (q, k, v, context, heads, kv_heads, T, S, D, scale, softcap, mask, format, threads)) \
    K(gated, (ck_function f, const float *gate, const float *up, const ck_format *parts, const ck_format *stored, const ck_format *format, \
              float *y, int64_t n, int threads), (f, gate, up, parts, stored, format, y, n, threads)) \
    K(add_rms_norm, (const float *a, const float *b, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format, \
                     float *y, int64_t rows, int64_t n, int threads), \
      (a, b, w, wt, eps, plus_one, format, y, rows, n, threads)) \
    K(statistics, (const float *x, int64_t n, ck_statistics_t *out, int threads), (x, n, out, threads)) \
    K(difference, (const void *a, ck_type at, const void *b, ck_type bt, int64_t n, ck_difference_t *out, int threads), \
      (a, at, b, bt, n, out, threads)) \
    K(divergence, (const void *a, ck_type at, const void *b, ck_type bt, int64_t rows, int64_t n, double *kl, int32_t *a_top, \
                   int32_t *b_top, int threads), \
      (a, at, b, bt, rows, n, kl, a_top, b_top, threads)) \
    K(pool, (const void *x, ck_type type, int64_t ld, int64_t cs, int64_t height, int64_t width, float *values, uint8_t *flags, \
             int64_t rows, int64_t columns, int threads), \
      (x, type, ld, cs, height, width, values, flags, rows, columns, threads)) \
    K(histogram, (const float *x, int64_t n, float low, float high, uint32_t *counts, int64_t bins, int threads), \
      (x, n, low, high, counts, bins, threads))

typedef void (*ck_bf16_product)(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias,
                                ck_type bt, const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads);
// Those that have a table of their own where the processor multiplies tiles.
#define CK_TILE_KERNELS(K) \
    K(matmul_bf16_tile, (const float *x, int64_t ldx, int turned, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, \
                         ck_type bt, const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads), \
      (x, ldx, turned, w, wt, transposed, ldw, bias, bt, format, y, ldy, m, n, k, threads)) \
    K(attention_scores_tile, (ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D, \
                              float scale, float softcap, ck_mask mask, const ck_format *format, int threads), \
      (q, k, scores, heads, kv_heads, T, S, D, scale, softcap, mask, format, threads)) \
    K(attention_context_tile, (const float *probs, ck_heads v, const ck_format *format, float *context, int64_t heads, int64_t kv_heads, \
                               int64_t T, int64_t S, int64_t D, ck_mask mask, int threads), \
      (probs, v, format, context, heads, kv_heads, T, S, D, mask, threads)) \
    K(attention_tile, (ck_heads q, ck_heads k, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D, \
                       float scale, float softcap, ck_mask mask, const ck_format *scores, const ck_format *probs, const ck_format *format, \
                       int threads), \
      (q, k, v, context, heads, kv_heads, T, S, D, scale, softcap, mask, scores, probs, format, threads))
typedef struct {
#define K(NAME, PARAMETERS, ARGUMENTS) void (*NAME) PARAMETERS;
    CK_TILE_KERNELS(K)
#undef K
} ck_tile_table;

typedef struct {
#define K(NAME, PARAMETERS, ARGUMENTS) void (*NAME) PARAMETERS;
    CK_KERNELS(K)
#undef K
    ck_bf16_product matmul_bf16;
    ck_tile_table tiles;
    uint64_t (*hash)(const void *bytes, size_t count, int threads);
    double (*sum_squares)(const float *x, int64_t n, int threads);
} ck_table;
extern const ck_table ck_table_portable;
#if defined(__x86_64__)
extern const ck_table ck_table_avx2, ck_table_avx512;
extern const ck_bf16_product ck_matmul_bf16_native;
extern const ck_tile_table ck_tiles_native;
#endif
