// Memory for values. Fresh pages cost a fault and a clearing each, as much as the cheap operations that fill them, so blocks of a megabyte
// and more are mapped on 2 MiB bounds, ask for huge pages, and are kept for reuse when freed. So are some of the smaller ones, which come
// from the C library: a token's values in decoding are so small that its search for aligned memory takes longer than computing them.
#define _GNU_SOURCE
#include "Internal.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t MIB = (size_t)1 << 20, HUGE = (size_t)2 << 20, KEPT_AT_MOST = (size_t)4 << 30, SMALL_KEPT = (size_t)8 << 20;
enum { CLASSES = 64 * 8, SMALL_CLASSES = 20 * 8 };

typedef struct block { struct block *next; size_t size; } block;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *kept[CLASSES];
static size_t kept_bytes[2];      // in blocks of less than a megabyte, and in larger ones

// Sizes come in eight steps an octave, so that at most an eighth of a block is unused and blocks of nearly the same size are shared.
static size_t rounded(size_t bytes, int *class) {
    int top = 63 - __builtin_clzll((unsigned long long)bytes);
    size_t step = (size_t)1 << (top - 3), size = (bytes + step - 1) & ~(step - 1);
    top = 63 - __builtin_clzll((unsigned long long)size);
    *class = top * 8 + (int)((size >> (top - 3)) & 7);
    return size;
}

// The pool may hold 4 GiB, or a quarter of a smaller machine.
static size_t limit(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) return KEPT_AT_MOST;
    size_t quarter = (size_t)pages * (size_t)page / 4;
    return quarter < KEPT_AT_MOST ? quarter : KEPT_AT_MOST;
}

static void *map_block(size_t size) {
    uint8_t *start = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    size_t before = (HUGE - (uintptr_t)start % HUGE) % HUGE, after = HUGE - before;
    if (before) munmap(start, before);
    if (after) munmap(start + before + size, after);
#ifdef MADV_HUGEPAGE
    madvise(start + before, size, MADV_HUGEPAGE);
#endif
    return start + before;
}

static int is_large(int class) { return class >= SMALL_CLASSES; }

// A block of the class that was freed before, or NULL.
static void *take_kept(int class, size_t size) {
    pthread_mutex_lock(&lock);
    block *found = kept[class];
    if (found) {
        kept[class] = found->next;
        kept_bytes[is_large(class)] -= size;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

// Whether the block is kept: it is not where there would be more than `most` bytes.
static int keep(void *memory, int class, size_t size, size_t most) {
    block *freed = memory;
    pthread_mutex_lock(&lock);
    int fits = kept_bytes[is_large(class)] + size <= most;
    if (fits) {
        *freed = (block){kept[class], size};
        kept[class] = freed;
        kept_bytes[is_large(class)] += size;
    }
    pthread_mutex_unlock(&lock);
    return fits;
}

static void give_back(void *memory, size_t size) {
    if (size < MIB) free(memory);
    else munmap(memory, size);
}

static void release(int large) {
    pthread_mutex_lock(&lock);
    for (int class = large ? SMALL_CLASSES : 0; class < (large ? CLASSES : SMALL_CLASSES); class++)
        while (kept[class]) {
            block *gone = kept[class];
            kept[class] = gone->next;
            give_back(gone, gone->size);
        }
    kept_bytes[large] = 0;
    pthread_mutex_unlock(&lock);
}

void ck_release_pool(void) {
    release(0);
    release(1);
}

// What is asked for is a block of whole cache lines.
static size_t block_size(size_t bytes, int *class) { return rounded(bytes ? (bytes + 63) & ~(size_t)63 : 64, class); }

void *ck_allocate(size_t bytes) {
    int class;
    if (bytes > SIZE_MAX / 4) return NULL;
    size_t size = block_size(bytes, &class);
    void *found = take_kept(class, size);
    if (found) return found;
    if (size < MIB) return aligned_alloc(64, size);
    void *fresh = map_block(size);
    if (!fresh) {
        ck_release_pool();
        fresh = map_block(size);
    }
    return fresh;
}

void ck_free(void *memory, size_t bytes) {
    int class;
    if (!memory) return;
    size_t size = block_size(bytes, &class), most = is_large(class) ? limit() : SMALL_KEPT;
    if (size <= most) {
        if (keep(memory, class, size, most)) return;
        release(is_large(class));    // what it holds is of sizes no longer asked for
        if (keep(memory, class, size, most)) return;
    }
    give_back(memory, size);
}
