// Number formats narrower than fp32: which of its numbers a format has, and rounding to them.
#pragma once
#include <stdint.h>

typedef enum { CK_TO_INFINITY, CK_TO_NAN, CK_TO_MAXIMUM } ck_overflow;
// A format whose numbers are all numbers of fp32: (1 + f / 2^mantissa) 2^(e - bias), subnormals below 2^(1 - bias), at most `maximum`.
typedef struct {
    int32_t mantissa, bias;
    float maximum;
    ck_overflow overflow;        // what becomes of larger magnitudes, infinity among them
    int32_t has_nan;             // without one, NaN becomes a zero of the other sign, as ml_dtypes casts
    int32_t flush;               // results that are subnormal in the format become zeros of their sign
    int32_t parts_only;          // attention scores are not rounded themselves, but what leads to them is
    int32_t hides;               // a cast leaves -infinity as it is and out of its block's scale: it hides a key and is no number
} ck_format;
// How a block of neighbours in a row shares a scale.
typedef enum {
    CK_POWER_OF_TWO,             // E8M0: 2^(floor(log2 max|x|) - floor(log2 maximum)), as OCP Microscaling v1.0, section 6.3
    CK_MAXIMUM,                  // max|x| / maximum, in fp32
} ck_block_scale;

// y = the number of the format nearest to x, ties to the one with an even last digit. y may be x.
void ck_cast(const float *x, float *y, int64_t n, const ck_format *format, int threads);
// The upper halves of fp32 numbers, which are bf16 numbers where the lower halves are 0.
void ck_upper_halves(const float *x, uint16_t *y, int64_t n, int threads);
// The same as ck_cast where each `block` neighbours of a row of n (the last ones may be fewer) are first divided by a scale of their own.
// A block with NaN or infinity becomes all NaN, a block of zeros stays.
void ck_cast_blocks(const float *x, float *y, int64_t rows, int64_t n, int64_t block, ck_block_scale scale, const ck_format *format,
                    int threads);
