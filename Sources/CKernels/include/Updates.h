// What training needs beside the passes: moving averages, the optimizer's update, adapters' sums, dropout, and checksums of what is saved.
// Element by element, so the bits do not depend on the number of threads. Averages and update have the operations and roundings of
// PyTorch's AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101); its root is that of the library it was built with, this one is exact.
#pragma once
#include <stddef.h>
#include <stdint.h>

// y = a + factor * b, two roundings.
// The same with one rounding.
void ck_add_product(const float *a, const float *b, float factor, float *y, int64_t n, int threads);
void ck_add_scaled(const float *a, const float *b, float factor, float *y, int64_t n, int threads);
// The moving average m <- (1 - weight) m + weight g: y = m + weight * (g - m), the product and the sum rounded once; where g weighs more,
// y = g + (weight - 1) * (g - m).
void ck_lerp(const float *m, const float *g, float weight, float *y, int64_t n, int threads);
// y = keep * v + (weight * g) * g; the second product and the sum are rounded once.
void ck_average_squares(const float *v, const float *g, float keep, float weight, float *y, int64_t n, int threads);
// y = -step * m / (sqrt(v) / correction + epsilon).
void ck_adam_update(const float *m, const float *v, float step, float correction, float epsilon, float *y, int64_t n, int threads);
// y[i] = x[i] * scale, or 0 if the upper 32 bits of SplitMix64's mixer at key + (i + 1) * golden are below `threshold`.
void ck_dropout(const float *x, uint64_t key, uint32_t threshold, float scale, float *y, int64_t n, int threads);
// The sum of squares in fp64: blocks of fixed size, joined in order.
double ck_sum_squares(const float *x, int64_t n, int threads);
