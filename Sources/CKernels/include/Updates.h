// What training needs beside the passes: moving averages, the optimizer's update, adapters' sums, dropout, and checksums of what is saved.
// Element by element, so the bits do not depend on the number of threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

// y = a + factor * b, two roundings.
void ck_add_scaled(const float *a, const float *b, float factor, float *y, int64_t n, int threads);
// y = m + weight * (g - m): the moving average m <- (1 - weight) m + weight g.
void ck_lerp(const float *m, const float *g, float weight, float *y, int64_t n, int threads);
// y = keep * v + (weight * g) * g, two products and a sum, each rounded.
void ck_average_squares(const float *v, const float *g, float keep, float weight, float *y, int64_t n, int threads);
// y = -decay * w - step * (m / (sqrt(v) / correction + epsilon)).
void ck_adam_update(const float *m, const float *v, const float *w, float decay, float step, float correction, float epsilon, float *y,
                    int64_t n, int threads);
// y[i] = x[i] * scale, or 0 if the upper 32 bits of SplitMix64's mixer at key + (i + 1) * golden are below `threshold`.
void ck_dropout(const float *x, uint64_t key, uint32_t threshold, float scale, float *y, int64_t n, int threads);
// The sum of squares in fp64: blocks of fixed size, joined in order.
double ck_sum_squares(const float *x, int64_t n, int threads);

// Blocks of `block` values as codes of `levels` (ascending, 256 at most): block maximum of |x| in absmax[b], codes one byte each: the level
// nearest to x / absmax, of two equally near the lower. A block of zeros has absmax 0.
void ck_quantise_blocks(const float *x, int64_t n, int64_t block, const float *levels, int count, uint8_t *codes, float *absmax,
                        int threads);
void ck_dequantise_blocks(const uint8_t *codes, const float *absmax, int64_t n, int64_t block, const float *levels, float *y, int threads);

// SHA-256 (FIPS 180-4) of bytes that come in pieces.
typedef struct { uint32_t state[8]; uint64_t count; uint8_t rest[64]; } ck_sha256_t;
void ck_sha256_begin(ck_sha256_t *hash);
void ck_sha256_add(ck_sha256_t *hash, const void *bytes, size_t count);
void ck_sha256_end(ck_sha256_t *hash, uint8_t digest[32]);
