// Sixteen lanes of fp32, the one vector every kernel is written in. The compiler turns it into one AVX-512 register, two of AVX2 or four of
// SSE/NEON, so a kernel is one text and its bits are the same on each instruction set: fused multiply-adds are asked for by name and
// never made up by the compiler, and sums over lanes follow one fixed tree.
// Included by AVX512.c, AVX2.c and Portable.c inside their target attribute; it is a template, not a header to share.
#pragma once
#include "../Internal.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#ifdef LANES_X86
#include <immintrin.h>
#endif
#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
enum { W = 16 };

typedef float lanes __attribute__((ext_vector_type(16)));
typedef int32_t ints __attribute__((ext_vector_type(16)));
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef double doubles __attribute__((ext_vector_type(8)));
typedef uint64_t longs __attribute__((ext_vector_type(8)));
typedef float lanes8 __attribute__((ext_vector_type(8)));
typedef float lanes4 __attribute__((ext_vector_type(4)));
typedef uint16_t halves __attribute__((ext_vector_type(16)));
typedef uint8_t bytes16 __attribute__((ext_vector_type(16)));
typedef lanes lanes_at __attribute__((aligned(1), may_alias));
typedef words words_at __attribute__((aligned(1), may_alias));
typedef longs longs_at __attribute__((aligned(1), may_alias));
typedef halves halves_at __attribute__((aligned(1), may_alias));
typedef bytes16 bytes16_at __attribute__((aligned(1), may_alias));

INLINE lanes load(const void *p) { return *(const lanes_at *)p; }
INLINE void store(void *p, lanes v) { *(lanes_at *)p = v; }
// To memory on a bound of 64 bytes, past the caches; before others may read it, `end_streams`.
INLINE void stream(void *p, lanes v) { __builtin_nontemporal_store(v, (lanes *)p); }
INLINE void end_streams(void) {
#ifdef LANES_X86
    _mm_sfence();
#endif
}
INLINE lanes splat(float f) { return (lanes){f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f}; }
INLINE words splat_word(uint32_t u) { return (words){u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u}; }
INLINE lanes pick(ints mask, lanes a, lanes b) { return mask ? a : b; }
INLINE lanes larger(lanes a, lanes b) { return pick(a > b, a, b); }      // b if either is NaN
INLINE lanes smaller(lanes a, lanes b) { return pick(a < b, a, b); }
INLINE lanes magnitude(lanes a) { return (lanes)((words)a & 0x7fffffff); }
INLINE lanes sign_of(lanes a, lanes s) { return (lanes)(((words)a & 0x7fffffff) | ((words)s & 0x80000000)); }

// The first n < 16 lanes from memory, the rest `fill`; nothing beyond them is read.
INLINE lanes load_part(const float *p, int64_t n, float fill) {
#ifdef LANES_AVX512
    return (lanes)_mm512_mask_loadu_ps((__m512)splat(fill), (__mmask16)((1u << n) - 1), p);
#else
    float t[W];
    for (int i = 0; i < W; i++) t[i] = i < n ? p[i] : fill;
    return load(t);
#endif
}
INLINE void store_part(float *p, lanes v, int64_t n) {
#ifdef LANES_AVX512
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    float t[W];
    store(t, v);
    for (int64_t i = 0; i < n; i++) p[i] = t[i];
#endif
}

// The first n of memory, sixteen at most; the rest is 0, or stays.
INLINE lanes load_columns(const float *p, int64_t n) { return n >= W ? load(p) : n > 0 ? load_part(p, n, 0) : splat(0); }
INLINE void store_columns(float *p, lanes v, int64_t n) {
    if (n >= W) store(p, v);
    else if (n > 0) store_part(p, v, n);
}

static void fill(float *y, int64_t n, float value) {
    for (int64_t i = 0; i < n; i++) y[i] = value;
}

INLINE lanes8 low_half(lanes v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
INLINE lanes8 high_half(lanes v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
INLINE doubles low_doubles(lanes v) { return __builtin_convertvector(low_half(v), doubles); }
INLINE doubles high_doubles(lanes v) { return __builtin_convertvector(high_half(v), doubles); }
INLINE lanes narrow(doubles low, doubles high) {
    lanes8 a = __builtin_convertvector(low, lanes8), b = __builtin_convertvector(high, lanes8);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
INLINE doubles splat_double(double d) { return (doubles){d, d, d, d, d, d, d, d}; }

// a * b + c rounded once. Where the processor has no such instruction: the product is exact in fp64, the sum is rounded to odd there (its
// last bit set if anything was lost), and so the rounding to fp32 sees all it needs (Boldo and Melquiond, 2008).
#if defined(LANES_X86) || defined(__aarch64__)
INLINE lanes fma16(lanes a, lanes b, lanes c) { return __builtin_elementwise_fma(a, b, c); }
INLINE doubles add_square(doubles a, doubles sum) { return __builtin_elementwise_fma(a, a, sum); }
#else
static doubles fma8(doubles a, doubles b, doubles c) {
    doubles p = a * b, s = p + c, t = s - p, lost = (p - (s - t)) + (c - t);
    longs bits = (longs)s, infinite = (longs)splat_double(INFINITY);
    longs uneven = (longs)(lost != 0) & (longs)((bits & 1) == 0) & (longs)((bits & ~((longs)1 << 63)) < infinite);
    longs outward = (longs)((lost > 0) == (s > 0));
    return (doubles)(bits + (uneven & ((outward & 2) - 1)));      // one step away from 0, or towards it
}
static __attribute__((noinline)) lanes fma16(lanes a, lanes b, lanes c) {
    return narrow(fma8(low_doubles(a), low_doubles(b), low_doubles(c)), fma8(high_doubles(a), high_doubles(b), high_doubles(c)));
}
INLINE doubles add_square(doubles a, doubles sum) { return sum + a * a; }      // a was fp32, so its square is exact
#endif

// The fixed tree: i with i + 4, then i + 2, then i + 1.
INLINE double sum_doubles(doubles v) {
    double a = v[0] + v[4], b = v[1] + v[5], c = v[2] + v[6], d = v[3] + v[7];
    return (a + c) + (b + d);
}
INLINE float max_lanes(lanes v) {
    lanes t = larger(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    t = larger(t, __builtin_shufflevector(t, t, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
    t = larger(t, __builtin_shufflevector(t, t, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));
    return t[0] > t[1] ? t[0] : t[1];
}
// Whether some lane has one of the bits.
INLINE int has_any(words v, uint32_t bits) {
#ifdef LANES_AVX512
    return _mm512_test_epi32_mask((__m512i)v, _mm512_set1_epi32((int)bits)) != 0;
#else
    return (__builtin_reduce_or(v) & bits) != 0;
#endif
}
