// Every kernel in its plainest form, so that the rest of the package can link and be right before it is fast.
#include "CKernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#pragma STDC FP_CONTRACT OFF

static ck_isa isa = CK_PORTABLE;
ck_isa ck_best_isa(void) { return CK_PORTABLE; }
ck_isa ck_get_isa(void) { return isa; }
void ck_set_isa(ck_isa level) { isa = level > ck_best_isa() ? ck_best_isa() : level; }
const char *ck_isa_name(ck_isa level) { return level == CK_AVX512 ? "AVX-512" : level == CK_AVX2 ? "AVX2" : "portable"; }
void *ck_allocate(size_t bytes) { return aligned_alloc(64, (bytes + 127) & ~(size_t)63); }
void ck_free(void *memory, size_t bytes) { (void)bytes; free(memory); }
void ck_release_pool(void) {}

static float bits(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }
static float half(uint16_t h) {
    uint32_t s = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31, m = h & 1023;
    if (e == 31) return bits(s | 0x7f800000 | m << 13);
    if (e == 0) { float f = (float)m * 0x1p-24f; return s ? -f : f; }
    return bits(s | (e + 112) << 23 | m << 13);
}
static float e4m3(uint8_t b) {
    uint32_t e = (b >> 3) & 15, m = b & 7;
    float f = (b & 127) == 127 ? NAN : e ? ldexpf((float)(8 + m), (int)e - 10) : (float)m * 0x1p-9f;
    return b & 128 ? -f : f;
}
#define READ(T) { T v; memcpy(&v, p + (size_t)i * sizeof(T), sizeof(T)); return (float)v; }
static float at(const void *base, ck_type type, int64_t i) {
    const uint8_t *p = base;
    uint16_t h;
    switch (type) {
    case CK_F64: READ(double)
    case CK_F32: READ(float)
    case CK_F16: memcpy(&h, p + 2 * i, 2); return half(h);
    case CK_BF16: memcpy(&h, p + 2 * i, 2); return bits((uint32_t)h << 16);
    case CK_F8_E4M3: return e4m3(p[i]);
    case CK_F8_E5M2: return half((uint16_t)(p[i] << 8));
    case CK_I8: READ(int8_t)
    case CK_I16: READ(int16_t)
    case CK_I32: READ(int32_t)
    case CK_I64: READ(int64_t)
    case CK_U8: READ(uint8_t)
    case CK_U16: READ(uint16_t)
    case CK_U32: READ(uint32_t)
    case CK_U64: READ(uint64_t)
    case CK_BOOL: return p[i] != 0;
    }
    return 0;
}

static void matmul_rows(const float *x, int64_t ldx, const float *row, float bias, float *y, int64_t ldy, int64_t m, int64_t k) {
    for (int64_t i = 0; i < m; i++) {
        float sum = 0;
        for (int64_t p = 0; p < k; p++) sum = __builtin_fmaf(x[i * ldx + p], row[p], sum);
        y[i * ldy] = sum + bias;
    }
}
void ck_matmul(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt,
               float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    (void)threads;
    float *row = malloc((size_t)k * 4 + 4);
    for (int64_t j = 0; row && j < n; j++) {
        for (int64_t p = 0; p < k; p++) row[p] = transposed ? at(w, wt, p * ldw + j) : at(w, wt, j * ldw + p);
        matmul_rows(x, ldx, row, bias ? at(bias, bt, j) : -0.0f, y + j, ldy, m, k);
    }
    free(row);
}

static void visible(const ck_mask *m, int64_t i, int64_t S, int64_t *lo, int64_t *hi) {
    *hi = m->causal && m->past + i + 1 < S ? m->past + i + 1 : S;
    *lo = m->window > 0 && m->past + i + 1 > m->window ? m->past + i + 1 - m->window : 0;
    if (m->first && m->first[i] > *lo) *lo = m->first[i];
    if (*lo > *hi) *lo = *hi;
}
void ck_attention_scores(ck_heads q, ck_heads k, float *scores, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                         float scale, float softcap, ck_mask mask, int threads) {
    (void)threads;
    for (int64_t h = 0; h < heads; h++)
        for (int64_t i = 0; i < T; i++) {
            int64_t lo, hi;
            visible(&mask, i, S, &lo, &hi);
            const float *a = q.base + h * q.head_stride + i * q.token_stride;
            for (int64_t j = 0; j < S; j++) {
                float s = 0;
                const float *b = k.base + h / (heads / kv_heads) * k.head_stride + j * k.token_stride;
                if (j >= lo && j < hi) for (int64_t d = 0; d < D; d++) s = __builtin_fmaf(a[d], b[d], s);
                s *= scale;
                if (softcap > 0) s = softcap * tanhf(s / softcap);
                scores[(h * T + i) * S + j] = j >= lo && j < hi ? s : -INFINITY;
            }
        }
}
void ck_attention_context(const float *probs, ck_heads v, float *context, int64_t heads, int64_t kv_heads, int64_t T, int64_t S, int64_t D,
                          ck_mask mask, int threads) {
    (void)threads;
    for (int64_t h = 0; h < heads; h++)
        for (int64_t i = 0; i < T; i++) {
            int64_t lo, hi;
            visible(&mask, i, S, &lo, &hi);
            float *y = context + (i * heads + h) * D;
            memset(y, 0, (size_t)D * 4);
            for (int64_t j = lo; j < hi; j++)
                for (int64_t d = 0; d < D; d++)
                    y[d] = __builtin_fmaf(probs[(h * T + i) * S + j],
                                          v.base[h / (heads / kv_heads) * v.head_stride + j * v.token_stride + d], y[d]);
        }
}
void ck_softmax(const float *x, float *y, int64_t rows, int64_t n, const ck_mask *mask, int64_t T, int threads) {
    (void)threads;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        int64_t lo = 0, hi = n;
        if (mask) visible(mask, r % T, n, &lo, &hi);
        float max = -INFINITY;
        double sum = 0;
        for (int64_t j = lo; j < hi; j++) max = x[j] > max ? x[j] : max;
        for (int64_t j = 0; j < n; j++) sum += y[j] = j >= lo && j < hi ? expf(x[j] - max) : 0;
        for (int64_t j = lo; j < hi; j++) y[j] /= (float)sum;
    }
}
void ck_rope(ck_heads x, const float *c, const float *s, float *y, int64_t heads, int64_t T, int64_t D, int64_t rotary, int interleaved,
             int threads) {
    (void)threads;
    int64_t half = rotary / 2;
    for (int64_t h = 0; h < heads; h++)
        for (int64_t t = 0; t < T; t++, y += D) {
            const float *a = x.base + h * x.head_stride + t * x.token_stride;
            for (int64_t p = 0; p < half; p++) {
                int64_t i = interleaved ? 2 * p : p, j = interleaved ? i + 1 : p + half;
                float u = a[i], v = a[j], cc = c[t * half + p], ss = s[t * half + p];
                y[i] = u * cc - v * ss;
                y[j] = v * cc + u * ss;
            }
            for (int64_t d = 2 * half; d < D; d++) y[d] = a[d];
        }
}
void ck_rms_norm(const float *x, const void *w, ck_type wt, float eps, int plus_one, float *y, int64_t rows, int64_t n, int threads) {
    (void)threads;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        double s = 0;
        for (int64_t j = 0; j < n; j++) s += (double)x[j] * x[j];
        float f = (float)(1 / sqrt(s / (double)n + eps));
        for (int64_t j = 0; j < n; j++) y[j] = x[j] * f * (w ? at(w, wt, j) + (plus_one ? 1.0f : 0.0f) : 1.0f);
    }
}
void ck_layer_norm(const float *x, const void *w, ck_type wt, const void *b, ck_type bt, float eps, int plus_one, float *y, int64_t rows,
                   int64_t n, int threads) {
    (void)threads;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        double s = 0, q = 0;
        for (int64_t j = 0; j < n; j++) s += x[j];
        s /= (double)n;
        for (int64_t j = 0; j < n; j++) q += (x[j] - s) * (x[j] - s);
        q = 1 / sqrt(q / (double)n + eps);
        for (int64_t j = 0; j < n; j++)
            y[j] = (float)((x[j] - s) * q) * (w ? at(w, wt, j) + (plus_one ? 1.0f : 0.0f) : 1.0f) + (b ? at(b, bt, j) : 0);
    }
}
static float apply(ck_function f, float x) {
    switch (f) {
    case CK_SILU: return x / (1 + expf(-x));
    case CK_GELU_TANH: return 0.5f * x * (1 + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
    case CK_GELU_ERF: return 0.5f * x * (1 + erff(x * 0.7071067811865476f));
    case CK_GELU_QUICK: return x / (1 + expf(-1.702f * x));
    case CK_RELU: return x < 0 ? 0 : x;
    case CK_RELU_SQUARED: return x < 0 ? 0 : x * x;
    case CK_EXP: return expf(x);
    case CK_TANH: return tanhf(x);
    case CK_SIGMOID: return 1 / (1 + expf(-x));
    }
    return x;
}
void ck_map(ck_function f, const float *x, float *y, int64_t n, int threads) { (void)threads; for (int64_t i = 0; i < n; i++) y[i] = apply(f, x[i]); }
void ck_add(const float *a, const float *b, float *y, int64_t n, int threads) { (void)threads; for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i]; }
void ck_multiply(const float *a, const float *b, float *y, int64_t n, int threads) { (void)threads; for (int64_t i = 0; i < n; i++) y[i] = a[i] * b[i]; }
void ck_scale(const float *a, float f, float *y, int64_t n, int threads) { (void)threads; for (int64_t i = 0; i < n; i++) y[i] = a[i] * f; }
void ck_gather(const void *table, ck_type type, int64_t ld, const int32_t *ids, float *y, int64_t rows, int64_t n, int threads) {
    (void)threads;
    for (int64_t i = 0; i < rows; i++) for (int64_t j = 0; j < n; j++) y[i * n + j] = at(table, type, ids[i] * ld + j);
}
void ck_upcast(const void *x, ck_type type, float *y, int64_t n, int threads) { (void)threads; for (int64_t i = 0; i < n; i++) y[i] = at(x, type, i); }
void ck_cross_entropy(const float *x, const int32_t *targets, float *losses, int64_t rows, int64_t n, int threads) {
    (void)threads;
    for (int64_t r = 0; r < rows; r++, x += n) {
        float max = -INFINITY;
        double sum = 0;
        for (int64_t j = 0; j < n; j++) max = x[j] > max ? x[j] : max;
        for (int64_t j = 0; j < n; j++) sum += expf(x[j] - max);
        losses[r] = targets[r] < 0 ? 0 : (float)(log(sum) + max - x[targets[r]]);
    }
}
uint64_t ck_hash(const void *bytes, size_t count, int threads) {
    (void)threads;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++) h = (h ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return h;
}
void ck_statistics(const float *x, int64_t n, ck_statistics_t *out, int threads) {
    memset(out, 0, sizeof *out);
    out->count = n;
    out->min_at = out->max_at = -1;
    out->hash = ck_hash(x, (size_t)n * 4, threads);
    for (int64_t i = 0; i < n; i++) {
        float v = x[i];
        uint32_t u;
        memcpy(&u, &v, 4);
        out->buckets[u >> 23]++;
        out->zeros += v == 0;
        out->subnormals += v != 0 && !(u & 0x7f800000);
        out->nan += v != v;
        out->posinf += v == INFINITY;
        out->neginf += v == -INFINITY;
        if (!isfinite(v)) continue;
        out->sum += v;
        out->sum_squares += (double)v * v;
        if (out->min_at < 0 || v < out->min) { out->min = v; out->min_at = i; }
        if (out->max_at < 0 || v > out->max) { out->max = v; out->max_at = i; }
        if (fabsf(v) > out->absmax) out->absmax = fabsf(v);
    }
}
void ck_pool(const void *x, ck_type type, int64_t ld, int64_t cs, int64_t height, int64_t width, float *values, uint8_t *flags,
             int64_t rows, int64_t columns, int threads) {
    (void)threads;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t r0 = r * height / rows, r1 = (r + 1) * height / rows, c0 = c * width / columns, c1 = (c + 1) * width / columns;
            float best = 0;
            uint8_t flag = 0;
            for (int64_t i = r0; i < (r1 > r0 ? r1 : r0 + 1); i++)
                for (int64_t j = c0; j < (c1 > c0 ? c1 : c0 + 1); j++) {
                    float v = at(x, type, i * ld + j * cs);
                    flag |= v != v ? 1 : v == INFINITY ? 2 : v == -INFINITY ? 4 : 8;
                    if (isfinite(v) && fabsf(v) > fabsf(best)) best = v;
                }
            values[r * columns + c] = best;
            flags[r * columns + c] = flag;
        }
}
void ck_histogram(const float *x, int64_t n, float low, float high, uint32_t *counts, int64_t bins, int threads) {
    (void)threads;
    memset(counts, 0, (size_t)bins * 4);
    for (int64_t i = 0; i < n; i++)
        if (x[i] >= low && x[i] < high) {
            int64_t b = (int64_t)(((double)x[i] - low) / ((double)high - low) * (double)bins);
            counts[b < bins ? b : bins - 1]++;
        }
}
