// A fast 64-bit hash for telling values apart: eight lanes of 32 x 32 bit multiplications over stripes of 64 bytes, each stripe under a key
// of its own, in the manner of XXH3. Chunks are hashed apart; their hashes, each mixed with its place, add up in any order.
#pragma once
#include "Lanes.h"

enum { CHUNK_BYTES = 16384 };
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t mix64(uint64_t h) {
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}
INLINE longs splat_long(uint64_t u) { return (longs){u, u, u, u, u, u, u, u}; }

INLINE longs hash_stripe(longs sum, longs data, longs key) {
    longs mixed = data ^ key;
    return sum + (mixed & splat_long(0xffffffff)) * (mixed >> 32) + __builtin_shufflevector(data, data, 1, 0, 3, 2, 5, 4, 7, 6);
}

static uint64_t hash_chunk(const uint8_t *p, size_t count) {
    longs key = {UINT64_C(0x1cad21f72c81017c), UINT64_C(0xdb979083e96dd4de), UINT64_C(0x1f67b3b7a4a44072), UINT64_C(0x78e5c0cc4ee679cb),
                 UINT64_C(0x2172ffcc7dd05a82), UINT64_C(0x8e2443f7744608b8), UINT64_C(0x4c263a81e69035e0), UINT64_C(0xcb00c391bb52283c)};
    const longs step = splat_long(GOLDEN);
    longs a = key, b = step;
    size_t i = 0;
    for (; i + 128 <= count; i += 128) {
        a = hash_stripe(a, *(const longs_at *)(p + i), key);
        b = hash_stripe(b, *(const longs_at *)(p + i + 64), key ^ step);
        key += step;
    }
    if (i < count) {
        uint8_t rest[128] = {0};
        memcpy(rest, p + i, count - i);
        a = hash_stripe(a, *(const longs_at *)rest, key);
        b = hash_stripe(b, *(const longs_at *)(rest + 64), key ^ step);
    }
    uint64_t h = count * GOLDEN;
    for (int l = 0; l < 8; l++) h = mix64(h + a[l]) + mix64((b[l] ^ h) + GOLDEN);
    return h;
}

static inline uint64_t place_chunk(uint64_t hash, uint64_t index) { return mix64(hash + (index + 1) * GOLDEN); }
static inline uint64_t finish_hash(uint64_t sum, uint64_t bytes) { return mix64(sum ^ (bytes * GOLDEN)); }

typedef struct { const uint8_t *bytes; size_t count; _Atomic uint64_t sum; } hash_job;

static void hash_task(void *context, int64_t task) {
    hash_job *j = context;
    size_t from = (size_t)task * 16 * CHUNK_BYTES, to = from + 16 * CHUNK_BYTES < j->count ? from + 16 * CHUNK_BYTES : j->count;
    uint64_t sum = 0;
    for (size_t i = from; i < to; i += CHUNK_BYTES)
        sum += place_chunk(hash_chunk(j->bytes + i, to - i < CHUNK_BYTES ? to - i : CHUNK_BYTES), i / CHUNK_BYTES);
    atomic_fetch_add_explicit(&j->sum, sum, memory_order_relaxed);
}

static uint64_t hash(const void *bytes, size_t count, int threads) {
    hash_job j = {bytes, count, 0};
    ck_parallel(ck_ceil_div((int64_t)count, 16 * CHUNK_BYTES), threads, hash_task, &j);
    return finish_hash(j.sum, count);
}
