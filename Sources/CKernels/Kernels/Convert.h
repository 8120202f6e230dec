// Sixteen elements of any file format as fp32. Every format below 32 bits is upcast exactly, by the same integer arithmetic everywhere
// (or the instruction that does the same); the wide ones are rounded to nearest even.
#pragma once
#include "Lanes.h"

INLINE lanes bf16_lanes(halves h) { return (lanes)(__builtin_convertvector(h, words) << 16); }

INLINE lanes f16_lanes(halves h) {
#ifdef LANES_AVX512
    return (lanes)_mm512_cvtph_ps((__m256i)h);
#elif defined(LANES_X86)
    __m256i v = (__m256i)h;
    lanes8 a = (lanes8)_mm256_cvtph_ps(_mm256_castsi256_si128(v)), b = (lanes8)_mm256_cvtph_ps(_mm256_extracti128_si256(v, 1));
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    // The exponent is put in place and scaled by 2^(127-15), which also normalises subnormals; infinity and NaN are patched.
    words u = __builtin_convertvector(h, words), sign = (u & 0x8000) << 16, rest = (u & 0x7fff) << 13;
    words f = (words)((lanes)rest * splat(0x1p112f));
    words special = (words)(rest >= splat_word(0x0f800000)), nan = (words)(rest > splat_word(0x0f800000));
    return (lanes)(sign | f | (special & 0x7f800000) | (nan & 0x00400000) | (nan & rest & 0x007fffff));
#endif
}

INLINE lanes e4m3_lanes(bytes16 b) {
    words u = __builtin_convertvector(b, words), sign = (u & 0x80) << 24, rest = u & 0x7f;
    words f = (words)((lanes)(rest << 20) * splat(0x1p120f)), nan = (words)(rest == splat_word(0x7f));
    return (lanes)(sign | (f & ~nan) | (nan & 0x7fc00000));
}
INLINE lanes e5m2_lanes(bytes16 b) { return f16_lanes(__builtin_convertvector(b, halves) << 8); }

static inline float one_element(const uint8_t *p, ck_type type) {
    switch (type) {
#define CASE(NAME, T) case NAME: { T v; memcpy(&v, p, sizeof v); return (float)v; }
    CASE(CK_F64, double) CASE(CK_F32, float) CASE(CK_I8, int8_t) CASE(CK_I16, int16_t) CASE(CK_I32, int32_t) CASE(CK_I64, int64_t)
    CASE(CK_U8, uint8_t) CASE(CK_U16, uint16_t) CASE(CK_U32, uint32_t) CASE(CK_U64, uint64_t)
#undef CASE
    case CK_BOOL: return *p != 0;
    case CK_F16: { halves h = {0}; uint16_t v; memcpy(&v, p, 2); h[0] = v; return f16_lanes(h)[0]; }
    case CK_BF16: { halves h = {0}; uint16_t v; memcpy(&v, p, 2); h[0] = v; return bf16_lanes(h)[0]; }
    case CK_F8_E4M3: { bytes16 b = {0}; b[0] = *p; return e4m3_lanes(b)[0]; }
    case CK_F8_E5M2: { bytes16 b = {0}; b[0] = *p; return e5m2_lanes(b)[0]; }
    case CK_NF4: break;          // no element stands alone: see Codes.h
    }
    return 0;
}

// Sixteen elements at p, of a type known when this is inlined.
INLINE lanes read16(const uint8_t *p, ck_type type) {
    switch (type) {
    case CK_F32: return load(p);
    case CK_F16: return f16_lanes(*(const halves_at *)p);
    case CK_BF16: return bf16_lanes(*(const halves_at *)p);
    case CK_F8_E4M3: return e4m3_lanes(*(const bytes16_at *)p);
    case CK_F8_E5M2: return e5m2_lanes(*(const bytes16_at *)p);
    default: {
        float t[W];
        for (int i = 0; i < W; i++) t[i] = one_element(p + (size_t)i * ck_type_size(type), type);
        return load(t);
    }
    }
}
INLINE void upcast_as(const uint8_t *p, ck_type type, size_t size, float *y, int64_t n) {
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, read16(p + (size_t)i * size, type));
    for (; i < n; i++) y[i] = one_element(p + (size_t)i * size, type);
}
static void upcast_run(const void *x, ck_type type, float *y, int64_t n) {
    const uint8_t *p = x;
    if (n <= 0) return;
    switch (type) {
    case CK_F32: memcpy(y, p, (size_t)n * 4); return;
#define CASE(T) case T: upcast_as(p, T, ck_type_size(T), y, n); return;
    CASE(CK_F64) CASE(CK_F16) CASE(CK_BF16) CASE(CK_F8_E4M3) CASE(CK_F8_E5M2) CASE(CK_I8) CASE(CK_I16) CASE(CK_I32) CASE(CK_I64)
    CASE(CK_U8) CASE(CK_U16) CASE(CK_U32) CASE(CK_U64) CASE(CK_BOOL)
#undef CASE
    case CK_NF4: return;
    }
}
