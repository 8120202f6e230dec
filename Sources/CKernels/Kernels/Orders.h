// The matrix product in other orders of summation. Sixteen rows of x stand in the lanes, so that a lane's sum is what a plain loop over k would
// make, whatever the instruction set; columns are tasks.
#pragma once
#include "Panels.h"

typedef struct {
    ck_order order;
    const float *x;
    int64_t ldx;
    matrix w;
    int transposed;
    const float *bias;
    float *y;
    int64_t ldy, m, n, k, columns, column_blocks;
} ordered_job;

// Column `o` of the product's matrix as fp32.
static void matrix_column(const matrix *w, int transposed, int64_t o, int64_t k, float *out) {
    if (!transposed) return upcast_run(w->w + o * w->ldw * w->size, w->type, out, k);
    for (int64_t p = 0; p < k; p++) out[p] = one_element(w->w + (p * w->ldw + o) * w->size, w->type);
}

// A product and then a sum, each rounded.
static lanes naive_sum(const float *x, const float *w, int64_t k) {
    lanes sum = splat(0);
    for (int64_t p = 0; p < k; p++) {
        lanes product = load(x + p * W) * splat(w[p]);
        sum = sum + product;
    }
    return sum;
}

static lanes chain_sum(const float *x, const float *w, int64_t from, int64_t to) {
    lanes sum = splat(0);
    for (int64_t p = from; p < to; p++) sum = fma16(load(x + p * W), splat(w[p]), sum);
    return sum;
}

static lanes reversed_sum(const float *x, const float *w, int64_t k) {
    lanes sum = splat(0);
    for (int64_t p = k - 1; p >= 0; p--) sum = fma16(load(x + p * W), splat(w[p]), sum);
    return sum;
}

// Leaves of sixteen products, joined two by two like the digits of a binary counter.
enum { LEAF = 16 };
static lanes pairwise_sum(const float *x, const float *w, int64_t k) {
    lanes part[64];
    int parts = 0;
    for (int64_t leaf = 0; leaf * LEAF < k; leaf++) {
        part[parts++] = chain_sum(x, w, leaf * LEAF, ck_min(k, (leaf + 1) * LEAF));
        for (int64_t digits = leaf + 1; digits % 2 == 0; digits /= 2, parts--) part[parts - 2] = part[parts - 2] + part[parts - 1];
    }
    lanes sum = parts ? part[parts - 1] : splat(0);
    for (int i = parts - 2; i >= 0; i--) sum = part[i] + sum;
    return sum;
}

// What each addition lost is taken off the next product.
static lanes kahan_sum(const float *x, const float *w, int64_t k) {
    lanes sum = splat(0), lost = splat(0);
    for (int64_t p = 0; p < k; p++) {
        lanes product = load(x + p * W) * splat(w[p]), term = product - lost, next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    return sum;
}

// Four chains, each over a quarter of k.
static lanes split_sum(const float *x, const float *w, int64_t k) {
    lanes part[4];
    for (int i = 0; i < 4; i++) part[i] = chain_sum(x, w, i * k / 4, (i + 1) * k / 4);
    return (part[0] + part[1]) + (part[2] + part[3]);
}

static lanes ordered_sum(ck_order order, const float *x, const float *w, int64_t k) {
    switch (order) {
    case CK_NAIVE: return naive_sum(x, w, k);
    case CK_REVERSED: return reversed_sum(x, w, k);
    case CK_PAIRWISE: return pairwise_sum(x, w, k);
    case CK_KAHAN: return kahan_sum(x, w, k);
    case CK_SPLIT_K: return split_sum(x, w, k);
    }
    return splat(NAN);
}

static void ordered_task(void *context, int64_t task) {
    const ordered_job *j = context;
    int64_t t0 = task / j->column_blocks * W, rows = ck_min(W, j->m - t0);
    int64_t o0 = task % j->column_blocks * j->columns, o1 = ck_min(j->n, o0 + j->columns);
    float *x = ck_scratch((size_t)j->k * (W + 1) * 4 + 64), *w = x ? x + j->k * W : NULL;
    for (int64_t p = 0; x && p < j->k; p++)
        for (int64_t t = 0; t < W; t++) x[p * W + t] = t < rows ? j->x[(t0 + t) * j->ldx + p] : 0;
    for (int64_t o = o0; o < o1; o++) {
        float y[W];
        if (x) matrix_column(&j->w, j->transposed, o, j->k, w);
        store(y, x ? ordered_sum(j->order, x, w, j->k) : splat(NAN));      // no memory
        for (int64_t t = 0; t < rows; t++) j->y[(t0 + t) * j->ldy + o] = j->bias ? y[t] + j->bias[o] : y[t];
    }
}

static void ordered_matmul(ck_order order, const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw,
                           const float *bias, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    if (m <= 0 || n <= 0) return;
    ordered_job j = {.order = order, .x = x, .ldx = ldx, .w = {w, wt, (int64_t)ck_type_size(wt), ldw, 0}, .transposed = transposed,
                     .bias = bias, .y = y, .ldy = ldy, .m = m, .n = n, .k = k, .columns = 64, .column_blocks = ck_ceil_div(n, 64)};
    ck_parallel(ck_ceil_div(m, W) * j.column_blocks, threads, ordered_task, &j);
}
