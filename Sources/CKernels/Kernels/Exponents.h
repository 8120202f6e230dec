// How many values of a part have which sign and exponent. Nearly all exponents lie in a window of 32 below the largest, so a value becomes
// one bit of a word and bits are counted lane by lane in carry-save adders: a plane holds one binary digit of all 32 counts (the positional
// population count of Harley and Seal). The few values outside the window, and processors without a shift by lane, go through a table.
#pragma once
#include "Lanes.h"

enum { TABLES = 4, UNIT = 8 * W, LEVELS = 16, UNITS_AT_MOST = 1 << (LEVELS - 4) };

// One digit of every count, and at most one more of the same weight that waits for a third.
typedef struct { words digit[LEVELS], waiting[LEVELS]; } planes;

// What a worker counts before it adds to the job's totals.
typedef struct {
    uint32_t tables[TABLES][512];
    int64_t zeros, nan, posinf, neginf;
    planes all, negative;
    int64_t units;               // in the planes
    int top;                     // the window's highest exponent; 0: none yet
} counts;

// Sixteen at a time into a buffer, then counted in four tables in turn: equal neighbours, which are common, would otherwise wait for each
// other's store.
static void count_in_tables(const float *x, int64_t n, counts *c) {
    int64_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) {
        uint16_t e[2 * W];
        UNROLL for (int v = 0; v < 2; v++) {
            words u = *(const words_at *)(x + i + v * W) >> 23;
            *(halves_at *)(e + v * W) = __builtin_convertvector(u, halves);
        }
        UNROLL for (int j = 0; j < 2 * W; j += 4) {
            uint64_t p;
            memcpy(&p, e + j, 8);
            c->tables[0][p & 511]++;
            c->tables[1][p >> 16 & 511]++;
            c->tables[2][p >> 32 & 511]++;
            c->tables[3][p >> 48]++;
        }
    }
    for (; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, 4);
        c->tables[i & 3][u >> 23]++;
    }
}

#ifdef LANES_X86
// 1 << by, and 0 where by is 32 or more.
INLINE words one_shifted(words by) {
#ifdef LANES_AVX512
    return (words)_mm512_sllv_epi32(_mm512_set1_epi32(1), (__m512i)by);
#else
    typedef uint32_t words8 __attribute__((ext_vector_type(8)));
    words8 low = __builtin_shufflevector(by, by, 0, 1, 2, 3, 4, 5, 6, 7), high = __builtin_shufflevector(by, by, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m256i one = _mm256_set1_epi32(1);
    words8 a = (words8)_mm256_sllv_epi32(one, (__m256i)low), b = (words8)_mm256_sllv_epi32(one, (__m256i)high);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

// Adds a and b to a digit; returns the carry.
INLINE words add_digits(words *digit, words a, words b) {
    words d = *digit;
#ifdef LANES_AVX512
    *digit = (words)_mm512_ternarylogic_epi32((__m512i)d, (__m512i)a, (__m512i)b, 0x96);
    return (words)_mm512_ternarylogic_epi32((__m512i)d, (__m512i)a, (__m512i)b, 0xe8);
#else
    words odd = d ^ a;
    *digit = odd ^ b;
    return (d & a) | (odd & b);
#endif
}

// The carry of eight words of bits goes where a carry of its weight waits, or waits for one itself; `units` were there before.
INLINE void add_carry(planes *p, words carry, int64_t units) {
    int level = 3;
    for (; units & 1; units >>= 1, level++) carry = add_digits(&p->digit[level], p->waiting[level], carry);
    p->waiting[level] = carry;
}

// The 32 totals over all lanes, added to out; the planes are empty then.
static void take_totals(planes *p, int64_t units, uint32_t *out) {
    words carry = splat_word(0);
    for (int level = 3; level < LEVELS; level++)
        carry = add_digits(&p->digit[level], units >> (level - 3) & 1 ? p->waiting[level] : splat_word(0), carry);
    for (int first = 0; first < LEVELS; first += 4)
        for (int b = 0; b < 8; b++) {
            words sum = splat_word(0);           // four counts of up to 15 a lane, so of up to 240 over the lanes
            UNROLL for (int l = 3; l >= 0; l--) sum = sum + sum + (p->digit[first + l] >> (uint32_t)b & 0x01010101);
            uint32_t four = __builtin_reduce_add(sum);
            UNROLL for (int k = 0; k < 4; k++) out[b + 8 * k] += (four >> 8 * k & 255) << first;
        }
    memset(p->digit, 0, sizeof p->digit);
}

static void empty_planes(counts *c) {
    uint32_t all[32] = {0}, negative[32] = {0};
    take_totals(&c->all, c->units, all);
    take_totals(&c->negative, c->units, negative);
    for (int d = 0; d < 32 && d <= c->top; d++) {
        c->tables[0][c->top - d] += all[d] - negative[d];
        c->tables[0][256 + c->top - d] += negative[d];
    }
    c->units = 0;
}

// The window ends two above the exponent of `largest`, the magnitude that the next values are expected to have at most. It never reaches
// the exponent of zero nor that of infinity.
static void move_window(float largest, counts *c) {
    uint32_t bits;
    memcpy(&bits, &largest, 4);
    int exponent = (int)(bits >> 23);
    if (c->top && exponent <= c->top && exponent >= c->top - 8) return;
    if (c->units) empty_planes(c);
    c->top = exponent > 252 ? 254 : exponent < 30 ? 32 : exponent + 2;
}

// The values of a unit outside the window. Zeros and infinities are many where there are any, so they are told apart in the vectors.
static __attribute__((noinline)) void count_outside(const float *x, uint32_t last, counts *c) {
    words plus = splat_word(0), minus = plus, plus_infinity = plus, minus_infinity = plus;
    for (int i = 0; i < UNIT; i += W) {
        words u = *(const words_at *)(x + i), outside = (words)((splat_word(last) - (u & 0x7fffffff)) >> 28 != splat_word(0));
        words a = (words)(u == splat_word(0)), b = (words)(u == splat_word(0x80000000));
        words e = (words)(u == splat_word(0x7f800000)), f = (words)(u == splat_word(0xff800000));
        plus -= a, minus -= b, plus_infinity -= e, minus_infinity -= f;
        outside &= ~(a | b | e | f);
        if (!has_any(outside, 1)) continue;
        for (int j = 0; j < W; j++)
            if (outside[j]) c->tables[j & 3][u[j] >> 23]++;
    }
    c->tables[0][0] += __builtin_reduce_add(plus);
    c->tables[0][256] += __builtin_reduce_add(minus);
    c->tables[0][255] += __builtin_reduce_add(plus_infinity);
    c->tables[0][511] += __builtin_reduce_add(minus_infinity);
}

// Counts UNIT values. False if there are some outside the window, that is, if there may be zeros or values that are not finite.
INLINE int count_unit(const float *x, counts *c) {
    const uint32_t last = (uint32_t)c->top << 23 | 0x7fffff;
    words fours[2], negative_fours[2], outside = splat_word(0);
    if (c->units == UNITS_AT_MOST) empty_planes(c);
    UNROLL for (int half = 0; half < 2; half++) {
        words twos[2], negative_twos[2];
        UNROLL for (int pair = 0; pair < 2; pair++) {
            words bits[2], negative[2];
            UNROLL for (int i = 0; i < 2; i++) {
                words u = *(const words_at *)(x + (4 * half + 2 * pair + i) * W);
                words below = splat_word(last) - (u & 0x7fffffff);      // top less exponent, in the high bits
                outside |= below;
                bits[i] = one_shifted(below >> 23);
                negative[i] = bits[i] & (words)((ints)u >> 31);
            }
            twos[pair] = add_digits(&c->all.digit[0], bits[0], bits[1]);
            negative_twos[pair] = add_digits(&c->negative.digit[0], negative[0], negative[1]);
        }
        fours[half] = add_digits(&c->all.digit[1], twos[0], twos[1]);
        negative_fours[half] = add_digits(&c->negative.digit[1], negative_twos[0], negative_twos[1]);
    }
    add_carry(&c->all, add_digits(&c->all.digit[2], fours[0], fours[1]), c->units);
    add_carry(&c->negative, add_digits(&c->negative.digit[2], negative_fours[0], negative_fours[1]), c->units);
    c->units++;
    int inside = !has_any(outside, 0xf0000000);
    if (!inside) count_outside(x, last, c);
    return inside;
}
#else
static void empty_planes(counts *c) { (void)c; }
static void move_window(float largest, counts *c) { (void)largest, c->top = 1; }

static int count_unit(const float *x, counts *c) {
    words largest = splat_word(0), zero = largest;
    for (int i = 0; i < UNIT; i += W) {
        words m = *(const words_at *)(x + i) & 0x7fffffff;
        largest = m > largest ? m : largest;
        zero |= (words)(m == splat_word(0));
    }
    count_in_tables(x, UNIT, c);
    return __builtin_reduce_max(largest) < 0x7f800000 && !__builtin_reduce_or(zero);
}
#endif
