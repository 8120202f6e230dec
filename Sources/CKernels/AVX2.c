// Every kernel for AVX2, FMA and F16C: x86-64 since Haswell and Zen.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)
#define LANES_X86 1
#include "Kernels/All.h"

const ck_table ck_table_avx2 = CK_TABLE;
#pragma clang attribute pop
#endif
