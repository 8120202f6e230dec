// Fast kernels: C with SIMD intrinsics, the variant chosen at run time by CPU feature, each with a portable path.
// Every result is the same for any number of threads: work is split by output, never along a reduction.
// Shapes are in elements, row-major; ld* is the distance between rows in elements. Nothing here allocates for a caller except
// ck_allocate, and nothing prints, aborts or reads the environment.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "Formats.h"
#include "Updates.h"
#include "Exact.h"

// ---------------------------------------------------------------- element types, as they lie in a file
typedef enum {
    CK_F64, CK_F32, CK_F16, CK_BF16, CK_F8_E4M3, CK_F8_E5M2,
    CK_I8, CK_I16, CK_I32, CK_I64, CK_U8, CK_U16, CK_U32, CK_U64, CK_BOOL,
    CK_NF4                       // in memory only: where elements are asked for, a ck_nf4 is given
} ck_type;

// Four bits an element (Dettmers et al. 2023, arXiv:2305.14314): element i is levels[code i] * scale of its block of 64, and the scale of block
// b is steps[scales[b]] * tops[b / 256] + mean, both rounded.
typedef struct {
    const uint8_t *codes;        // two a byte, the even element in the lower half
    const uint8_t *scales;       // one a block
    const float *tops;           // one for 256 blocks
    const float *levels, *steps; // 16 and 256 of them
    float mean;
    int64_t first;               // the element at which a view begins
} ck_nf4;

// ---------------------------------------------------------------- machine
typedef enum { CK_PORTABLE = 0, CK_AVX2 = 1, CK_AVX512 = 2 } ck_isa;
ck_isa ck_best_isa(void);        // what this CPU (and the operating system) can run
ck_isa ck_get_isa(void);         // what is in use
void ck_set_isa(ck_isa isa);     // for tests and comparisons; a level above ck_best_isa is clamped
const char *ck_isa_name(ck_isa isa);

// Memory for values: 64-byte aligned, NULL if there is none. Large blocks ask for huge pages and freed ones are kept for reuse
// (up to a limit), because fresh pages cost as much as the arithmetic of the cheaper operations.
void *ck_allocate(size_t bytes);
void ck_free(void *memory, size_t bytes);
void ck_release_pool(void);

// ---------------------------------------------------------------- matrix products
// y[m,n] = fma(x[m,k-1], w[n,k-1], ... fma(x[m,0], w[n,0], 0)) + bias[n]: for every output ONE chain of fused multiply-adds, k
// ascending, in fp32, whatever m, n, the tiling, the instruction set and the number of threads: so one cell can be replayed by
// hand, decoding one token gives the bits of the whole prompt, and portable = AVX2 = AVX-512.
// w holds elements of type wt (F32, F16, BF16, F64 rounded to fp32 first; the fp8 types too), exactly upcast as they are read; NF4 is
// unpacked as it is read, so that no more than a panel of it is ever in fp32.
// transposed = 0: w is [n][k] with rows ldw apart (Linear); 1: w is [k][n] with rows ldw apart (GPT-2's Conv1D).
// bias: n elements of type bt, or NULL. m = 1 must run at the speed of memory.
void ck_matmul(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt,
               float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads);

// Says which matrix (of `bytes`, read by so many threads) the product after the next one will read: idle threads fetch its beginning into
// their caches, and the next product's last lines fetch on into it. Only time depends on it; NULL: nothing is expected.
void ck_expect(const void *matrix, int64_t bytes, int threads);

// The same with x and w rounded to bf16 and the sums in the order and with the roundings of VDPBF16PS (Intel SDM, volume 2): for p = 0, 2, ...
// first the product of elements p + 1, then that of p, is added to the fp32 sum with one rounding; inputs and sums below 2^-126 are 0.
// y is rounded to `format` at the end; NULL: it is not. The instruction is used where the processor has it (ck_has_bf16_dot); elsewhere the
// same bits are made without.
void ck_matmul_bf16(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt,
                    const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads);
int ck_has_bf16_dot(void);

// The same product with the sums of TDPBF16PS (Intel SDM, volume 2): of each 32 neighbours in k (zeros stand for what is missing of the last)
// one chain of fused multiply-adds over the even ones and one over the odd ones, both from 0; the two are added, and the result is added
// to the sum of the 32 before. Inputs and sums below 2^-126 are 0. turned: x is stored as [k][m].
// The instruction is used where the processor has it and the system allows it (ck_has_bf16_tile); elsewhere the same bits are made without.
void ck_matmul_bf16_tile(const float *x, int64_t ldx, int turned, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias,
                         ck_type bt, const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads);
int ck_has_bf16_tile(void);

// The product in other orders of summation; see ck_matmul for what is read.
typedef enum {
    CK_NAIVE,                    // k ascending, each product and each sum rounded
    CK_REVERSED,                 // one chain of fused multiply-adds, k descending
    CK_PAIRWISE,                 // chains of sixteen, added two by two, and the sums of these again
    CK_KAHAN,                    // k ascending, what an addition lost taken off the next product (Kahan 1965)
    CK_SPLIT_K,                  // four chains, each over a quarter of k; then (first + second) + (third + fourth)
} ck_order;
void ck_ordered_matmul(ck_order order, const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw,
                       const float *bias, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads);
// x and w in blocks of 32 integers -127...127 along k, each with a scale in fp16, as ggml's Q8_0: integers are multiplied and added exactly,
// blocks in fp32, ascending.
void ck_q8_matmul(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const float *bias, float *y,
                  int64_t ldy, int64_t m, int64_t n, int64_t k, int threads);

// ---------------------------------------------------------------- attention
// One head layout for q, k, v: element (head, token, d) at base[head * head_stride + token * token_stride + d].
typedef struct { const float *base; int64_t head_stride, token_stride; } ck_heads;
// Which keys query row i (of T; `past` keys came before row 0) may see: j in [lo, hi):
// hi = causal ? past + i + 1 : S; lo = window > 0 ? max(0, past + i + 1 - window) : 0; also lo = max(lo, first[i]) if first is given.
typedef struct { int64_t past, window; int causal; const int32_t *first; } ck_mask;
// scores[h,i,j] = cap(scale * sum_d q[h,i,d] k[h / (heads / kv_heads), j, d]) for visible j, -infinity otherwise. The sum is one fma
// chain, d ascending; then one multiplication by scale; cap(x) = softcap * tanh(x / softcap) if softcap > 0. [heads, T, S] contiguous.
void ck_attention_scores(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                         float scale, float softcap, ck_mask mask, int threads);
// context[i, h, d] = sum over visible j ascending, one fma chain, of probs[h,i,j] * v[h / group, j, d]. Output [T, heads * D].
// format, here and below: to which what comes out is rounded; NULL: it is not.
void ck_attention_context(const float *probs, ck_heads v, const ck_format *format, float *context, int64_t heads, int64_t kv_heads,
                          int64_t T, int64_t S, int64_t D, ck_mask mask, int threads);
// Both with q, k, probs and v rounded to bf16 and the sums of ck_matmul_bf16_tile, over d and over j from key 0 on; hidden keys take no part.
void ck_attention_scores_tile(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                              float scale, float softcap, ck_mask mask, const ck_format *format, int threads);
void ck_attention_context_tile(const float *probs, ck_heads v, const ck_format *format, float *context, int64_t heads, int64_t kv_heads,
                               int64_t T, int64_t S, int64_t D, ck_mask mask, int threads);
// Both with ck_softmax between them, a block of queries after the other; their bits, and no matrix of scores. A format for what each gives.
void ck_attention_tile(ck_heads q, ck_heads k, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                       float scale, float softcap, ck_mask mask, const ck_format *scores, const ck_format *probs, const ck_format *format,
                       int threads);
// y = exp(x - max) / sum over each row of n. Row r sees only [lo, hi) of the mask's row r mod T if mask is given (the rest becomes 0
// without being read; a row that sees nothing is all 0). A row of only -infinity gives NaN, as PyTorch does; NaN in, NaN out. exp within
// 1 ulp. y may be x.
void ck_softmax(const float *x, const ck_format *format, float *y, int64_t rows, int64_t n, const ck_mask *mask, int64_t T, int threads);
// Rotates pairs: y[h,t,i] = x_i cos - x_j sin, y[h,t,j] = x_j cos + x_i sin with j = i + rotary/2 (halves) or the neighbour
// (interleaved). cos, sin: [T, rotary/2]. Dimensions from `rotary` to D are copied. y is [heads, T, D] contiguous.
// Two roundings a product, as PyTorch computes x * cos + rotate_half(x) * sin: no fused multiply-add.
void ck_rope(ck_heads x, const float *cos, const float *sin, float *y, int64_t heads, int64_t T, int64_t D, int64_t rotary,
             int interleaved, int threads);

// The same context without the scores in memory: tiles of 64 keys with a running maximum and sum, see Flash.h. format: to which exp(s - max) is
// rounded before it meets v, the sum of them not; NULL: it is not.
void ck_flash_attention(ck_heads q, ck_heads k, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S,
                        int64_t D, float scale, float softcap, ck_mask mask, const ck_format *format, int threads);

// ---------------------------------------------------------------- rows and elements
// y = w * (x * rsqrt(mean(x^2) + eps)); plus_one: (1 + w) (Gemma). w: n elements of type wt, or NULL.
void ck_rms_norm(const float *x, const void *w, ck_type wt, float eps, int plus_one, float *y, int64_t rows, int64_t n, int threads);
// y = (x - mean) / sqrt(var + eps) * w + b, var biased (divided by n). plus_one as above. b may be NULL.
void ck_layer_norm(const float *x, const void *w, ck_type wt, const void *b, ck_type bt, float eps, int plus_one,
                   const ck_format *format, float *y, int64_t rows, int64_t n, int threads);
// The same of a + b, which is not stored; format: to which x / rms is rounded, or NULL.
void ck_add_rms_norm(const float *a, const float *b, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format, float *y,
                     int64_t rows, int64_t n, int threads);
typedef enum { CK_SILU, CK_GELU_TANH, CK_GELU_ERF, CK_GELU_QUICK, CK_RELU, CK_RELU_SQUARED, CK_EXP, CK_TANH, CK_SIGMOID } ck_function;
void ck_map(ck_function f, const float *x, float *y, int64_t n, int threads);
void ck_add(const float *a, const float *b, const ck_format *format, float *y, int64_t n, int threads);
void ck_multiply(const float *a, const float *b, const ck_format *format, float *y, int64_t n, int threads);
// y = f(gate) * up. parts: to which what f is made of is rounded (see ck_map_rounded); stored: to which what it gives is.
void ck_gated(ck_function f, const float *gate, const float *up, const ck_format *parts, const ck_format *stored, const ck_format *format,
              float *y, int64_t n, int threads);
void ck_scale(const float *a, float factor, const ck_format *format, float *y, int64_t n, int threads);
// y[i, :] = table[ids[i], :] upcast. The caller has checked the ids.
void ck_gather(const void *table, ck_type type, int64_t ld, const int32_t *ids, float *y, int64_t rows, int64_t n, int threads);
// Exactly upcast (F64 and the wide integers: rounded to nearest even).
void ck_upcast(const void *x, ck_type type, float *y, int64_t n, int threads);
// losses[i] = log(sum_j exp(x[i,j] - max)) + max - x[i, target[i]]; target < 0: masked, 0.
void ck_cross_entropy(const float *x, const int32_t *targets, float *losses, int64_t rows, int64_t n, int threads);

// ---------------------------------------------------------------- a linear head and its loss in one
// x [rows, h], w [vocabulary, h] -> y [rows, h + 1]: with z = x w^T, first sum_v softmax(z)[v] w[v] - w[target], the slope of the loss, then
// the loss log sum_v exp(z[v]) - z[target], in nats. Targets outside 0 ..< vocabulary: the row is 0. The logits are never all in memory.
void ck_head_loss(const float *x, const void *w, ck_type wt, int64_t ldw, const int32_t *targets, float *y, int64_t rows, int64_t h,
                  int64_t vocabulary, int threads);

// ---------------------------------------------------------------- gradients
// c[i,j] = sum over m rows, ascending, one fma chain, of a[m,i] * b[m,j]: with dy and x a Linear's weight gradient, with x and dy a
// Conv1D's. c is [rows][columns].
void ck_weight_gradient(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t rows,
                        int64_t columns, int threads);
// y[j] = sum over the rows of x[.,j], in fp64, rows ascending: a bias's gradient.
void ck_column_sums(const float *x, int64_t ld, float *y, int64_t rows, int64_t n, int threads);
// From y = w x r, r = rsqrt(mean(x^2) + eps), g = dy w: dx = r (g - x r mean(g x r)), dw = sum over rows of dy x r. w may be NULL; dx or dw
// may be NULL where it is not wanted. Sums and products are in fp64. Here and below a format, if it is not NULL, is what autograd keeps the
// parts of a gradient in: g, x r and dy x r.
void ck_rms_norm_gradient(const float *dy, const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format,
                          float *dx, float *dw, int64_t rows, int64_t n, int threads);
// The same with x' = (x - mean) r: dx = r (g - mean(g) - x' mean(g x')), dw = sum of dy x', db = sum of dy; each may be NULL, and x where
// db alone is wanted. With a format the mean and r are rounded to it, and dw and db after each row.
void ck_layer_norm_gradient(const float *dy, const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *format,
                            float *dx, float *dw, float *db, int64_t rows, int64_t n, int threads);
// dx = dy f'(x). ReLU's slope at 0 is 0. dx may be dy. Parts are rounded of the chains gelu_new (CK_GELU_TANH) and quick_gelu. `format` here and
// below is that of what comes out; NULL: it is not rounded.
void ck_map_gradient(ck_function f, const float *x, const float *dy, const ck_format *parts, const ck_format *format, float *dx, int64_t n,
                     int threads);
// dx = p (dp - sum of p dp) over each row, the sum in fp64; outside the mask's [lo, hi) dx is 0 and nothing is read. See ck_softmax.
void ck_softmax_gradient(const float *p, const float *dp, const ck_format *format, float *dx, int64_t rows, int64_t n, const ck_mask *mask,
                         int64_t T, int threads);
// dz[t,v] = (softmax(z[t])[v] - [v = target[t]]) dl[t]; a row with a negative target is 0. dz may be z.
void ck_cross_entropy_gradient(const float *z, const int32_t *targets, const float *dl, const ck_format *format, float *dz, int64_t rows,
                               int64_t n, int threads);
// dq[h,i,:] = scale * sum over visible j ascending, one fma chain, of ds[h,i,j] k[h / group, j, :]. [heads, T, D] contiguous.
void ck_attention_queries_gradient(const float *ds, ck_heads k, float *dq, int64_t heads, int64_t kv_heads, int64_t T, int64_t S,
                                   int64_t D, float scale, ck_mask mask, int threads);
// out[kv,j,:] = scale * sum over the group's heads h and the queries i, both ascending, one fma chain, of p[h,i,j] x[h,i,:]:
// dK from ds and q, dV from the probabilities and the context's gradient. Where a query does not see, p is not read; blocks of keys that nobody
// sees are not read. [kv_heads, S, D] contiguous.
void ck_attention_keys_gradient(const float *p, ck_heads x, float *out, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                                float scale, ck_mask mask, int threads);
// out = ds (1 - (s / cap)^2) with s the capped score, or, if it is not capped yet, ds (1 - tanh(s / cap)^2); 0 where s is -infinity. out may
// be ds.
void ck_softcap_gradient(const float *ds, const float *s, float cap, int capped, const ck_format *format, float *out, int64_t n,
                         int threads);
// ck_rope by the negative angle, which is its inverse and its transpose.
void ck_rope_gradient(ck_heads dy, const float *cos, const float *sin, const ck_format *format, float *dx, int64_t heads, int64_t T,
                      int64_t D, int64_t rotary, int interleaved, int threads);
// table = initial (or 0), then table[ids[i], :] += dy[i, :], i ascending. Ids outside the vocabulary add nothing. initial may be table.
void ck_gather_gradient(const float *dy, const int32_t *ids, const float *initial, const ck_format *format, float *table,
                        int64_t vocabulary, int64_t rows, int64_t n, int threads);
// y[h * head_stride + t * token_stride + d] = x[h,t,d]: heads side by side again. What lies between is not written.
void ck_join_heads(ck_heads x, float *y, int64_t head_stride, int64_t token_stride, int64_t heads, int64_t T, int64_t D, int threads);
// y = x[0] + x[1] + ..., from left to right. y may be one of them.
void ck_sum(const float *const *x, int64_t count, float *y, int64_t n, int threads);

// ---------------------------------------------------------------- codes
// Blocks of `block` values as codes of `levels` (ascending, 256 at most): block maximum of |x| in absmax[b], codes one byte each: the level
// nearest to x / absmax, of two equally near the lower. A block of zeros has absmax 0.
void ck_quantise_blocks(const float *x, int64_t n, int64_t block, const float *levels, int count, uint8_t *codes, float *absmax,
                        int threads);
void ck_dequantise_blocks(const uint8_t *codes, const float *absmax, int64_t n, int64_t block, const float *levels, float *y, int threads);
// The same in blocks of 64 with 16 levels and two codes a byte, from elements of any type; see ck_nf4.
void ck_encode_nf4(const void *x, ck_type type, int64_t n, const float *levels, uint8_t *codes, float *absmax, int threads);

// ---------------------------------------------------------------- parts rounded
// The same kernels where the code of the architectures, in a narrow format, computes part by part and rounds each: x / rms before the weight;
// q k, the scaled score, of a cap the quotient and the tangent; both products of a rotation; the chains gelu_new and quick_gelu. What comes
// out is rounded to `format`, too, while it is still in a cache; parts: of a norm and of a function the parts' own, which may be NULL.
// All NULL: the kernel without `_rounded`, bit for bit.
void ck_rms_norm_rounded(const float *x, const void *w, ck_type wt, float eps, int plus_one, const ck_format *parts,
                         const ck_format *format, float *y, int64_t rows, int64_t n, int threads);
void ck_attention_scores_rounded(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                                 float scale, float softcap, ck_mask mask, const ck_format *format, int threads);
void ck_rope_rounded(ck_heads x, const float *cos, const float *sin, const ck_format *format, float *y, int64_t heads, int64_t T,
                     int64_t D, int64_t rotary, int interleaved, int threads);
// y = cap tanh(a / cap). y may be a.
void ck_softcap(const float *a, float cap, const ck_format *format, float *y, int64_t n, int threads);
void ck_map_rounded(ck_function f, const float *x, const ck_format *parts, const ck_format *format, float *y, int64_t n, int threads);

// ---------------------------------------------------------------- looking
// Statistics of n values; chunks of fixed size are reduced and joined in order, so the bits do not depend on the threads.
// Moments are over finite values, in fp64. buckets[s * 256 + e]: how many have sign s and biased exponent e (all 512 add up to n).
typedef struct {
    int64_t count, zeros, nan, posinf, neginf, subnormals;
    double sum, sum_squares;
    float min, max, absmax;      // over finite values; 0 if there is none
    int64_t min_at, max_at;      // first position of each, -1 if there is none
    uint64_t hash;               // of the bytes, see ck_hash
    uint32_t buckets[512];
} ck_statistics_t;
void ck_statistics(const float *x, int64_t n, ck_statistics_t *out, int threads);
// A 64-bit hash of bytes: fixed chunks hashed apart and combined in order, so that threads do not matter. Not cryptographic.
uint64_t ck_hash(const void *bytes, size_t count, int threads);
// How far two values of n elements, each fp32 or fp64, lie apart. Sums and the largest difference are over elements finite on both sides.
typedef struct {
    int64_t count;
    int64_t differing, differing_at;     // elements with other bits (one NaN is like another), and the first; -1 if there is none
    int64_t unmatched, unmatched_at;     // those of them that are not finite on both sides
    double squares_a, squares_b, products, distance;      // sums of a^2, b^2, a b and (a - b)^2
    double largest;                      // max |a - b|, and where it first is; -1 if it is 0
    int64_t largest_at;
} ck_difference_t;
void ck_difference(const void *a, ck_type at, const void *b, ck_type bt, int64_t n, ck_difference_t *out, int threads);
// Of rows of n logits, each fp32 or fp64: the divergence sum_i p_i log(p_i / q_i) of p = softmax(a) from q = softmax(b) in nats, in fp64,
// never below 0; and the place of the first largest logit of each side.
void ck_divergence(const void *a, ck_type at, const void *b, ck_type bt, int64_t rows, int64_t n, double *kl, int32_t *a_top,
                   int32_t *b_top, int threads);
// A heat map's bins: for bin (r, c) of rows x columns, over its part of x [height, width] (row stride ld, column stride cs), the
// signed value of largest |x| among finite ones; flags: 1 has NaN, 2 has +inf, 4 has -inf, 8 has a finite value.
// Bin r covers input rows [r * height / rows, max(that + 1, (r + 1) * height / rows)), columns alike.
void ck_pool(const void *x, ck_type type, int64_t ld, int64_t cs, int64_t height, int64_t width, float *values, uint8_t *flags,
             int64_t rows, int64_t columns, int threads);
// n counts per bin of [low, high) of equal width; outside and non-finite values are not counted.
void ck_histogram(const float *x, int64_t n, float low, float high, uint32_t *counts, int64_t bins, int threads);
