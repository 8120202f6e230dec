// The matrix product of two matrices in blocks of 32 integers with a scale in fp16 each (Q8_0 of ggml): products and their sum within a block
// are integers and exact, blocks are added in fp32, ascending.
#pragma once
#include "Orders.h"

enum { Q8_BLOCK = 32 };
typedef struct {
    ordered_job product;
    int8_t *codes;               // of x, rows of `blocks` blocks
    float *scales;
    int64_t blocks;
    const rounding *half;
} q8_job;

// scale = max|x| / 127 in fp16, codes x / scale to the nearest, halves away from zero; what is not finite makes the scale NaN.
static void quantise_q8(const float *x, int64_t n, int8_t *codes, float *scale, const rounding *half) {
    float top = 0;
    int finite = 1;
    for (int64_t i = 0; i < n; i++) {
        float size = fabsf(x[i]);
        finite &= size <= 3.402823466e38f;
        top = size > top ? size : top;
    }
    float step = top / 127, inverse = step > 0 && finite ? 1 / step : 0;
    for (int64_t i = 0; i < Q8_BLOCK; i++) codes[i] = i < n && inverse <= 3.402823466e38f ? (int8_t)roundf(x[i] * inverse) : 0;
    *scale = finite ? round_lanes(splat(step), half)[0] : NAN;
}

static void quantise_row(const float *x, int64_t k, int8_t *codes, float *scales, const rounding *half) {
    for (int64_t b = 0; b * Q8_BLOCK < k; b++)
        quantise_q8(x + b * Q8_BLOCK, ck_min(Q8_BLOCK, k - b * Q8_BLOCK), codes + b * Q8_BLOCK, scales + b, half);
}

static float q8_dot(const int8_t *a, const float *sa, const int8_t *b, const float *sb, int64_t blocks) {
    float sum = 0;
    for (int64_t i = 0; i < blocks; i++, a += Q8_BLOCK, b += Q8_BLOCK) {
        int32_t whole = 0;
        for (int p = 0; p < Q8_BLOCK; p++) whole += (int32_t)a[p] * (int32_t)b[p];
        float scale = sa[i] * sb[i], term = (float)whole * scale;
        sum = sum + term;
    }
    return sum;
}

static void q8_task(void *context, int64_t task) {
    const q8_job *q = context;
    const ordered_job *j = &q->product;
    float *line = ck_scratch((size_t)(j->k + q->blocks) * 4 + (size_t)q->blocks * Q8_BLOCK + 64), *scales = line ? line + j->k : NULL;
    int8_t *codes = line ? (int8_t *)(scales + q->blocks) : NULL;
    for (int64_t o = task * j->columns; o < ck_min(j->n, (task + 1) * j->columns); o++) {
        if (line) matrix_column(&j->w, j->transposed, o, j->k, line), quantise_row(line, j->k, codes, scales, q->half);
        for (int64_t t = 0; t < j->m; t++) {
            float sum = line ? q8_dot(q->codes + t * q->blocks * Q8_BLOCK, q->scales + t * q->blocks, codes, scales, q->blocks) : NAN;
            j->y[t * j->ldy + o] = j->bias ? sum + j->bias[o] : sum;
        }
    }
}

static void q8_matmul(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const float *bias, float *y,
                      int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    if (m <= 0 || n <= 0) return;
    const ck_format fp16 = {.mantissa = 10, .bias = 15, .maximum = 65504, .overflow = CK_TO_INFINITY, .has_nan = 1};
    rounding half = rounding_to(&fp16);
    int64_t blocks = ck_ceil_div(k, Q8_BLOCK);
    size_t bytes = (size_t)(m * blocks) * (Q8_BLOCK + 4) + 64;
    float *scales = ck_allocate(bytes);
    for (int64_t t = 0; !scales && t < m; t++) fill(y + t * ldy, n, NAN);      // no memory
    if (!scales) return;
    q8_job q = {.product = {.w = {w, wt, (int64_t)ck_type_size(wt), ldw, 0}, .transposed = transposed, .bias = bias, .y = y, .ldy = ldy,
                            .m = m, .n = n, .k = k, .columns = 16},
                .codes = (int8_t *)(scales + m * blocks), .scales = scales, .blocks = blocks, .half = &half};
    for (int64_t t = 0; t < m; t++) quantise_row(x + t * ldx, k, q.codes + t * blocks * Q8_BLOCK, scales + t * blocks, &half);
    ck_parallel(ck_ceil_div(n, q.product.columns), threads, q8_task, &q);
    ck_free(scales, bytes);
}
