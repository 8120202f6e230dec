// Rounding to narrower formats, in integers: the digits that do not fit are rounded to nearest even by one addition below them. Where the
// format's numbers lie evenly spaced around zero (its subnormals), adding and taking away a number with that spacing rounds the same way.
#pragma once
#include "Lanes.h"

typedef struct {
    words half, even, kept;      // what is added below the last digit, where that digit lies, and the digits that stay
    int shift, subnormals, flush, parts_only, hides;
    lanes least, spacing;        // the least normal number; adding `spacing` leaves multiples of the least subnormal one
    ints maximum;
    words beyond, nan, nan_sign;
    int plain_bf16;              // fp32's exponents and seven digits: two steps are enough
} rounding;

static rounding rounding_to(const ck_format *f) {
    const int shift = 23 - f->mantissa;
    const uint32_t digits = (1u << shift) - 1, infinity = 0x7f800000, quiet = 0x7fc00000;
    uint32_t top;
    memcpy(&top, &f->maximum, 4);
    rounding r = {.shift = shift, .subnormals = f->bias < 127, .flush = f->flush, .parts_only = f->parts_only,
                  .hides = f->hides, .maximum = (ints)splat_word(top)};
    r.plain_bf16 = f->mantissa == 7 && f->bias == 127 && f->overflow == CK_TO_INFINITY && f->has_nan && !f->flush;
    r.half = splat_word(shift ? (1u << (shift - 1)) - 1 : 0);
    r.even = splat_word(shift ? 1 : 0);
    r.kept = splat_word(~digits);
    r.least = splat(ldexpf(1, 1 - f->bias));
    r.spacing = splat(ldexpf(1, 1 - f->bias + shift));
    r.beyond = splat_word(f->overflow == CK_TO_MAXIMUM ? top : f->overflow == CK_TO_NAN ? quiet : infinity);
    r.nan = splat_word(f->has_nan ? quiet : 0);
    r.nan_sign = splat_word(f->has_nan ? 0 : 0x80000000);
    return r;
}

// NULL for NULL: how kernels are told that parts stay fp32.
static const rounding *part_rounding(rounding *room, const ck_format *format) {
    if (!format) return NULL;
    *room = rounding_to(format);
    return room;
}

INLINE lanes round_to_bf16(lanes x) {
    words w = (words)x, r = (w + 0x7fff + (w >> 16 & 1)) & 0xffff0000;
    return pick(x != x, (lanes)((w & 0x80000000) | 0x7fc00000), (lanes)r);
}

INLINE lanes round_lanes(lanes x, const rounding *f) {
    if (f->plain_bf16) return round_to_bf16(x);
    words sign = (words)x & 0x80000000, a = (words)x & 0x7fffffff;
    words r = (a + f->half + ((a >> f->shift) & f->even)) & f->kept;
    if (f->subnormals) r = (words)pick((lanes)a < f->least, ((lanes)a + f->spacing) - f->spacing, (lanes)r);
    if (f->flush) r = (words)pick((lanes)r < f->least, splat(0), (lanes)r);
    r = (words)pick((ints)r > f->maximum, (lanes)f->beyond, (lanes)r);
    ints is_nan = (ints)a > (ints)splat_word(0x7f800000);
    r = (words)pick(is_nan, (lanes)f->nan, (lanes)r);
    return (lanes)(r | (sign ^ ((words)is_nan & f->nan_sign)));
}

// PyTorch on a CPU computes a few functions of 16-bit elements in the format itself, so that each step is rounded, and it is not the same
// ones in both: x^3 in bf16 (in fp16 it is one power in fp32), the slope of the logistic function in fp16.
INLINE int is_bf16(const rounding *f) { return f->shift == 16 && !f->subnormals; }
INLINE int is_fp16(const rounding *f) { return f->shift == 13 && f->subnormals; }
INLINE lanes round_cube(lanes x, const rounding *f) {
    lanes square = x * x;
    return round_lanes((is_bf16(f) ? round_lanes(square, f) : square) * x, f);
}

// The same where -infinity may be what hides a key.
INLINE lanes round_visible(lanes x, const rounding *f) {
    lanes y = round_lanes(x, f);
    return f->hides ? pick(x == splat(-INFINITY), x, y) : y;
}

static void round_run(const float *x, float *y, int64_t n, const rounding *format) {
    const rounding f = *format;
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, round_visible(load(x + i), &f));
    if (i < n) store_part(y + i, round_visible(load_part(x + i, n - i, 0), &f), n - i);
}

typedef struct {
    const float *x;
    float *y;
    int64_t n, block, rows, length;      // length: numbers a row
    const rounding *format;
    ck_block_scale scale;
    float maximum;
} round_job;

enum { ROUND_RUN = 32768 };

static void round_task(void *context, int64_t task) {
    const round_job *j = context;
    int64_t i = task * ROUND_RUN;
    round_run(j->x + i, j->y + i, ck_min(ROUND_RUN, j->n - i), j->format);
}

static void cast(const float *x, float *y, int64_t n, const ck_format *format, int threads) {
    rounding f = rounding_to(format);
    round_job j = {.x = x, .y = y, .n = n, .format = &f};
    if (n > 0) ck_parallel(ck_ceil_div(n, ROUND_RUN), threads, round_task, &j);
}

typedef struct {
    const float *x;
    uint16_t *y;
    int64_t n;
} halves_job;

static void upper_halves_task(void *context, int64_t task) {
    const halves_job *j = context;
    for (int64_t i = task * ROUND_RUN, end = ck_min(i + ROUND_RUN, j->n); i < end; i++) {
        uint32_t word;
        memcpy(&word, j->x + i, 4);
        j->y[i] = (uint16_t)(word >> 16);
    }
}
static void upper_halves(const float *x, uint16_t *y, int64_t n, int threads) {
    halves_job j = {x, y, n};
    if (n > 0) ck_parallel(ck_ceil_div(n, ROUND_RUN), threads, upper_halves_task, &j);
}

// The greatest magnitude, of what is not hidden; infinity if some number is NaN.
static float block_top(const float *x, int64_t n, int hides) {
    words top = splat_word(0);
    for (int64_t i = 0; i < n; i += W) {
        lanes v = n - i >= W ? load(x + i) : load_part(x + i, n - i, 0);
        words a = (words)magnitude(hides ? pick(v == splat(-INFINITY), splat(0), v) : v);
        top = (words)pick((ints)a > (ints)top, (lanes)a, (lanes)top);
    }
    uint32_t most = __builtin_reduce_max(top);
    float f;
    most = most > 0x7f800000 ? 0x7f800000 : most;
    memcpy(&f, &most, 4);
    return f;
}

// 2^(floor(log2 top) - floor(log2 maximum)), within what eight bits of exponent hold.
static float shared_scale(float top, float maximum) {
    int e, most;
    frexpf(top, &e);
    frexpf(maximum, &most);
    return ldexpf(1, e - most < -127 ? -127 : e - most);
}

static void round_block(const round_job *j, const float *x, float *y, int64_t n) {
    float top = block_top(x, n, j->format->hides);
    if (top == 0) {
        memmove(y, x, (size_t)n * 4);
        return;
    }
    if (top == INFINITY) {
        fill(y, n, NAN);
        return;
    }
    float scale = j->scale == CK_POWER_OF_TWO ? shared_scale(top, j->maximum) : top / j->maximum;
    if (scale == 0) scale = 0x1p-149f;
    const rounding f = *j->format;
    for (int64_t i = 0; i < n; i += W) {
        lanes v = n - i >= W ? load(x + i) : load_part(x + i, n - i, 0);
        v = round_visible(v / splat(scale), &f) * splat(scale);
        if (n - i >= W) store(y + i, v);
        else store_part(y + i, v, n - i);
    }
}

static void round_rows_task(void *context, int64_t task) {
    const round_job *j = context;
    int64_t each = ck_max(1, ROUND_RUN / ck_max(1, j->length));
    for (int64_t r = task * each; r < ck_min((task + 1) * each, j->rows); r++)
        for (int64_t i = 0; i < j->length; i += j->block)
            round_block(j, j->x + r * j->length + i, j->y + r * j->length + i, ck_min(j->block, j->length - i));
}

static void cast_blocks(const float *x, float *y, int64_t rows, int64_t n, int64_t block, ck_block_scale scale, const ck_format *format,
                        int threads) {
    rounding f = rounding_to(format);
    round_job j = {.x = x, .y = y, .rows = rows, .length = n, .block = ck_max(1, block), .format = &f, .scale = scale,
                   .maximum = format->maximum};
    if (rows > 0 && n > 0) ck_parallel(ck_ceil_div(rows, ck_max(1, ROUND_RUN / n)), threads, round_rows_task, &j);
}
