// Chooses the instruction set once, at the first call, and forwards every public kernel to that set's table.
#include "Internal.h"
#include <stdatomic.h>
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static _Atomic(const ck_table *) table_in_use;
static _Atomic int isa_in_use, is_intel;

ck_isa ck_best_isa(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) return CK_PORTABLE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
        return CK_AVX512;
    return CK_AVX2;
#else
    return CK_PORTABLE;
#endif
}

void ck_set_isa(ck_isa isa) {
    ck_isa best = ck_best_isa();
    if (isa > best) isa = best;
    const ck_table *table = &ck_table_portable;
#if defined(__x86_64__)
    if (isa == CK_AVX2) table = &ck_table_avx2;
    if (isa == CK_AVX512) table = &ck_table_avx512;
    atomic_store_explicit(&is_intel, __builtin_cpu_is("intel") != 0, memory_order_relaxed);
#endif
    atomic_store_explicit(&isa_in_use, (int)isa, memory_order_relaxed);
    atomic_store_explicit(&table_in_use, table, memory_order_release);
}

static const ck_table *in_use(void) {
    const ck_table *t = atomic_load_explicit(&table_in_use, memory_order_acquire);
    if (t) return t;
    ck_set_isa(ck_best_isa());
    return atomic_load_explicit(&table_in_use, memory_order_acquire);
}

ck_isa ck_get_isa(void) {
    in_use();
    return (ck_isa)atomic_load_explicit(&isa_in_use, memory_order_relaxed);
}

int ck_fetches_to_second_level(void) { return atomic_load_explicit(&is_intel, memory_order_relaxed); }

const char *ck_isa_name(ck_isa isa) { return isa == CK_AVX512 ? "AVX-512" : isa == CK_AVX2 ? "AVX2" : "portable"; }

#define K(NAME, PARAMETERS, ARGUMENTS) void ck_##NAME PARAMETERS { in_use()->NAME ARGUMENTS; }
CK_KERNELS(K)
double ck_sum_squares(const float *x, int64_t n, int threads) { return in_use()->sum_squares(x, n, threads); }
uint64_t ck_hash(const void *bytes, size_t count, int threads) { return in_use()->hash(bytes, count, threads); }

int ck_has_bf16_dot(void) {
#if defined(__x86_64__)
    return ck_get_isa() == CK_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
    return 0;
#endif
}

void ck_matmul_bf16(const float *x, int64_t ldx, const void *w, ck_type wt, int transposed, int64_t ldw, const void *bias, ck_type bt,
                    const ck_format *format, float *y, int64_t ldy, int64_t m, int64_t n, int64_t k, int threads) {
    ck_bf16_product product = in_use()->matmul_bf16;
#if defined(__x86_64__)
    if (ck_has_bf16_dot()) product = ck_matmul_bf16_native;
#endif
    product(x, ldx, w, wt, transposed, ldw, bias, bt, format, y, ldy, m, n, k, threads);
}

#if defined(__x86_64__) && defined(__linux__)
// The processor must have the tiles (CPUID leaf 7, EDX) and the operating system must let the process use them (arch_prctl(2),
// ARCH_REQ_XCOMP_PERM): their state is eight kilobytes a thread.
static int may_use_tiles(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, TILES = 1 << 24, TILES_OF_BF16 = 1 << 22 };
    unsigned a, b, c, d;
    if (!__builtin_cpu_supports("avx512bf16") || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (d & TILES) && (d & TILES_OF_BF16) && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#else
static int may_use_tiles(void) { return 0; }
#endif

int ck_has_bf16_tile(void) {
    enum { UNKNOWN, NO, YES };
    static _Atomic int known;
    if (ck_get_isa() != CK_AVX512) return 0;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) atomic_store_explicit(&known, answer = may_use_tiles() ? YES : NO, memory_order_relaxed);
    return answer == YES;
}

static const ck_tile_table *tiles(void) {
#if defined(__x86_64__)
    if (ck_has_bf16_tile()) return &ck_tiles_native;
#endif
    return &in_use()->tiles;
}

#define TILES(NAME, PARAMETERS, ARGUMENTS) void ck_##NAME PARAMETERS { tiles()->NAME ARGUMENTS; }
CK_TILE_KERNELS(TILES)
