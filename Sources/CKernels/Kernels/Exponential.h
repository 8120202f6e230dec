// exp, tanh, erf and the logistic function of sixteen lanes, each within two units in the last place of the truth, infinities and NaN
// included. Polynomials: minimax fits in the manner of N. Juffa and of Cephes. All steps are named, so every instruction set agrees.
#pragma once
#include "Lanes.h"

INLINE lanes polynomial_step(lanes p, lanes x, float c) { return fma16(p, x, splat(c)); }

// p 2^n for an n from -151 to 129, rounded once where it is below 2^-126. t is n + 1.5 * 2^23, which has n in its low bits.
INLINE lanes times_power(lanes p, lanes n, lanes t) {
#ifdef LANES_AVX512
    (void)t;
    return (lanes)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    (void)n;
    ints whole = (ints)((words)t - (words)splat(12582912.0f)), first = whole >> 1;      // two halves, each of them a number
    words second = (words)whole - (words)first;
    return p * (lanes)(((words)first + 127) << 23) * (lanes)((second + 127) << 23);
#endif
}

// exp(x) = 2^n exp(r), |r| <= ln 2 / 2.
INLINE lanes exp_lanes(lanes x) {
    x = pick(x < splat(-104.0f), splat(-104.0f), x);
    x = pick(x > splat(89.0f), splat(89.0f), x);
    const lanes magic = splat(12582912.0f);      // 1.5 * 2^23: adding it rounds to an integer, found in the low bits
    lanes t = fma16(x, splat(1.44269504f), magic), n = t - magic;
    lanes r = fma16(n, splat(-0.693145752f), x);
    r = fma16(n, splat(-1.42860677e-6f), r);
    lanes p = splat(1.37805939e-3f);
    p = polynomial_step(p, r, 8.37312452e-3f);
    p = polynomial_step(p, r, 4.16695364e-2f);
    p = polynomial_step(p, r, 1.66664720e-1f);
    p = polynomial_step(p, r, 4.99999851e-1f);
    p = polynomial_step(p, r, 1.0f);
    p = polynomial_step(p, r, 1.0f);
    return times_power(p, n, t);
}

INLINE lanes tanh_lanes(lanes x) {
    lanes a = magnitude(x), s = x * x, big = splat(1.0f) - splat(2.0f) / (exp_lanes(a + a) + splat(1.0f));
    lanes p = splat(1.57394409e-2f);
    p = polynomial_step(p, s, -5.23025580e-2f);
    p = polynomial_step(p, s, 1.33152470e-1f);
    p = polynomial_step(p, s, -3.33327681e-1f);
    lanes small = fma16(p * s, x, x);
    return sign_of(pick(a >= splat(0.599609375f), big, small), x);
}

INLINE lanes erf_lanes(lanes x) {
    lanes a = magnitude(x), s = x * x;
    lanes r = fma16(splat(-1.72853470e-5f), a, splat(3.83197126e-4f)), u = fma16(splat(-3.88396438e-3f), a, splat(2.42546219e-2f));
    r = fma16(r, s, u);
    r = polynomial_step(r, a, -1.06777877e-1f);
    r = polynomial_step(r, a, -6.34846687e-1f);
    r = polynomial_step(r, a, -1.28717512e-1f);
    r = fma16(r, a, -a);
    lanes big = sign_of(splat(1.0f) - exp_lanes(r), x);
    big = pick(a > splat(4.0f), sign_of(splat(1.0f), x), big);      // where the polynomial no longer falls
    lanes p = splat(-5.96761703e-4f);
    p = polynomial_step(p, s, 4.99119423e-3f);
    p = polynomial_step(p, s, -2.67681349e-2f);
    p = polynomial_step(p, s, 1.12819925e-1f);
    p = polynomial_step(p, s, -3.76125336e-1f);
    p = polynomial_step(p, s, 1.28379166e-1f);
    return pick(a > splat(0.927734375f), big, fma16(p, x, x));
}

// factor / (1 + exp(-x)), by way of exp(-|x|): small results do not vanish where exp(-x) would overflow.
INLINE lanes logistic_lanes(lanes x, lanes factor) {
    lanes e = exp_lanes(-magnitude(x));
    return factor * pick(x < splat(0), e, splat(1.0f)) / (splat(1.0f) + e);
}

INLINE lanes apply_lanes(ck_function f, lanes x) {
    const lanes one = splat(1.0f), half = splat(0.5f), zero = splat(0.0f);
    switch (f) {
    case CK_SILU: return logistic_lanes(x, x);
    case CK_GELU_TANH: {
        lanes inner = splat(0.7978845608028654f) * fma16(splat(0.044715f) * x * x, x, x);
        return half * x * (one + tanh_lanes(inner));
    }
    case CK_GELU_ERF: return half * x * (one + erf_lanes(x * splat(0.7071067811865476f)));
    case CK_GELU_QUICK: return logistic_lanes(splat(1.702f) * x, x);
    case CK_RELU: return pick(x < zero, zero, x);
    case CK_RELU_SQUARED: return pick(x < zero, zero, x * x);
    case CK_EXP: return exp_lanes(x);
    case CK_TANH: return tanh_lanes(x);
    case CK_SIGMOID: return logistic_lanes(x, one);
    }
    return x;
}
