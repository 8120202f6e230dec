// Products of tiles of bf16 pairs for AMX: Xeons since Sapphire Rapids.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)
#define LANES_X86 1
#define LANES_AVX512 1
#define LANES_BF16 1
#define LANES_AMX 1
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wunused-const-variable"
#include "Kernels/TileAttention.h"

#define K(NAME, PARAMETERS, ARGUMENTS) .NAME = NAME,
const ck_tile_table ck_tiles_native = {CK_TILE_KERNELS(K)};
#pragma clang attribute pop
#endif
