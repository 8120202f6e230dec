// Every kernel for AVX-512 (F, BW, DQ, VL): server x86-64 since Skylake, and Zen since the fourth.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)
#define LANES_X86 1
#define LANES_AVX512 1
#include "Kernels/All.h"

const ck_table ck_table_avx512 = CK_TABLE;
#pragma clang attribute pop
#endif
