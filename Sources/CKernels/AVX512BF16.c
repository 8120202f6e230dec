// Products of bf16 pairs for AVX-512 with BF16: Zen since the fourth, Xeons since Cooper Lake.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)
#define LANES_X86 1
#define LANES_AVX512 1
#define LANES_BF16 1
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wunused-const-variable"
#include "Kernels/Dot.h"

const ck_bf16_product ck_matmul_bf16_native = matmul_bf16;
#pragma clang attribute pop
#endif
