// A pool of threads that lasts, because starting one costs more than most kernels. Workers spin for some microseconds after a job, so that
// the next kernel of a forward pass finds them awake, then sleep in the kernel: an idle pool uses no CPU.
#define _GNU_SOURCE
#include "Internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST_THREADS = 256, MOST_RUNS = 16, SPINS = 2000, AHEAD = 384 << 10 };

static pthread_mutex_t callers = PTHREAD_MUTEX_INITIALIZER;   // one job at a time
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;      // of those who sleep; a job that finds everybody awake never takes it
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int started;
static void (*job_body)(void *, int64_t);                     // the job's own: written before it is announced, read by who has a seat
static void *job_context;
static int job_runs;
static struct { _Alignas(64) _Atomic uint64_t left; } runs[MOST_RUNS];      // first task in the low half, end in the high half
static _Alignas(64) _Atomic uint64_t job;                     // its number in the high half, seats that are free in the low half
static _Alignas(64) _Atomic int left_seats;                   // by workers that are through with the job
static _Atomic int sleeping, caller_sleeps;
static _Atomic(const uint8_t *) expected;
static _Atomic int64_t expected_bytes;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// The first or the last task that is left of a run; −1 if none is.
static int64_t take(int run, int last) {
    uint64_t left = atomic_load_explicit(&runs[run].left, memory_order_relaxed);
    for (;;) {
        uint32_t first = (uint32_t)left, end = (uint32_t)(left >> 32);
        if (first >= end) return -1;
        uint64_t fewer = last ? left - ((uint64_t)1 << 32) : left + 1;
        if (atomic_compare_exchange_weak_explicit(&runs[run].left, &left, fewer, memory_order_relaxed, memory_order_relaxed))
            return last ? end - 1 : first;
    }
}

static void take_tasks(void (*body)(void *, int64_t), void *context, int count, int seat) {
    for (int other = 0; other < count; other++)          // its own run from the front, then what others have left from the back
        for (int64_t t; (t = take((seat + other) % count, other > 0)) >= 0;) body(context, t);
}

void ck_expect(const void *matrix, int64_t bytes, int threads) {
    atomic_store_explicit(&expected_bytes, bytes / ck_max(threads, 1), memory_order_relaxed);
    atomic_store_explicit(&expected, matrix, memory_order_relaxed);
}

// Address and size may be of two matrices for a moment: what is fetched for nothing does no harm.
const uint8_t *ck_expected(int64_t part, int64_t *bytes) {
    *bytes = atomic_load_explicit(&expected_bytes, memory_order_relaxed);
    const uint8_t *matrix = atomic_load_explicit(&expected, memory_order_relaxed);
    return matrix ? matrix + part * *bytes : NULL;
}

static uint32_t number_of(uint64_t job) { return (uint32_t)(job >> 32); }

// Waits until a job newer than `seen` is announced, and meanwhile fetches this thread's part of the matrix that the next product will
// read, as much as the second-level cache has room for.
static void wait_for_work(uint32_t seen, int seat) {
    const uint8_t *next = NULL, *end = NULL;
    for (int i = 0; i < SPINS; i++) {
        if (number_of(atomic_load_explicit(&job, memory_order_relaxed)) != seen) return;
        int64_t bytes;
        const uint8_t *part = ck_expected(seat, &bytes);
        if (part && part + ck_min(bytes, AHEAD) != end) next = part, end = part + ck_min(bytes, AHEAD);
        for (int line = 0; line < 16 && next < end; line++, next += 64) __builtin_prefetch(next, 0, 2);
        pause_briefly();
    }
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&sleeping, 1);                  // before it looks, as the caller announces before it counts the sleepers
    while (number_of(atomic_load(&job)) == seen) pthread_cond_wait(&work, &lock);
    atomic_fetch_sub(&sleeping, 1);
    pthread_mutex_unlock(&lock);
}

// Takes a seat of the newest job; 0 if none is free.
static int sit_down(uint32_t *seen) {
    uint64_t now = atomic_load_explicit(&job, memory_order_relaxed);
    while ((uint32_t)now && !atomic_compare_exchange_weak_explicit(&job, &now, now - 1, memory_order_acquire, memory_order_relaxed)) {}
    *seen = number_of(now);
    return (uint32_t)now != 0;
}

static void *worker(void *context) {
    const int seat = (int)(intptr_t)context;       // 1, 2, …: the caller is 0
    uint32_t seen = 0;
    for (;;) {
        wait_for_work(seen, seat);
        if (!sit_down(&seen)) continue;
        take_tasks(job_body, job_context, job_runs, seat);
        atomic_fetch_add(&left_seats, 1);
        if (!atomic_load(&caller_sleeps)) continue;
        pthread_mutex_lock(&lock);
        pthread_cond_signal(&done);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

// Signals belong to the program's own threads: a worker must never run a handler.
static void start_workers(int wanted) {
    sigset_t all, before;
    if (started >= wanted) return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker, (void *)(intptr_t)(started + 1))) break;
        pthread_detach(thread);
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void announce(int helpers, int64_t tasks, int count, void (*body)(void *, int64_t), void *context) {
    start_workers(helpers);
    job_body = body;
    job_context = context;
    job_runs = count;
    const int64_t each = ck_run_length(tasks, count);
    for (int64_t run = 0; run < count; run++)
        atomic_store_explicit(&runs[run].left, (uint64_t)ck_min(tasks, (run + 1) * each) << 32 | (uint64_t)ck_min(tasks, run * each),
                              memory_order_relaxed);
    atomic_store_explicit(&left_seats, 0, memory_order_relaxed);
    uint32_t number = number_of(atomic_load_explicit(&job, memory_order_relaxed)) + 1;
    atomic_store(&job, (uint64_t)number << 32 | (uint32_t)helpers);
    if (!atomic_load(&sleeping)) return;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&work);
    pthread_mutex_unlock(&lock);
}

// No seat is free after this, so a worker that wakes late cannot enter a job that is over; those that sat down are waited for.
static void finish(int helpers) {
    const int taken = helpers - (int)(uint32_t)atomic_fetch_and(&job, ~(uint64_t)UINT32_MAX);
    for (int i = 0; i < SPINS && atomic_load_explicit(&left_seats, memory_order_acquire) < taken; i++) pause_briefly();
    if (atomic_load_explicit(&left_seats, memory_order_acquire) == taken) return;
    pthread_mutex_lock(&lock);
    atomic_store(&caller_sleeps, 1);                 // before it looks, as a worker gets up before it looks for a sleeping caller
    while (atomic_load(&left_seats) < taken) pthread_cond_wait(&done, &lock);
    atomic_store(&caller_sleeps, 0);
    pthread_mutex_unlock(&lock);
}

void ck_parallel(int64_t tasks, int threads, void (*body)(void *context, int64_t task), void *context) {
    const int helpers = (int)ck_min(ck_min(threads, tasks), MOST_THREADS) - 1;
    // While another thread's job runs, waiting for the pool would take longer than doing the work here.
    if (helpers <= 0 || tasks >= UINT32_MAX || pthread_mutex_trylock(&callers)) {
        for (int64_t t = 0; t < tasks; t++) body(context, t);
        return;
    }
    announce(helpers, tasks, ck_runs(threads), body, context);
    take_tasks(body, context, ck_runs(threads), 0);
    finish(helpers);
    pthread_mutex_unlock(&callers);
}

int ck_runs(int threads) { return (int)ck_max(1, ck_min(threads, MOST_RUNS)); }

// ---------------------------------------------------------------- scratch memory
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static int scratch_ready;
static _Thread_local void *scratch;
static _Thread_local size_t scratch_size;

static void make_key(void) { scratch_ready = pthread_key_create(&scratch_key, free) == 0; }

void *ck_scratch(size_t bytes) {
    if (bytes <= scratch_size) return scratch;
    pthread_once(&scratch_once, make_key);
    if (!scratch_ready || bytes > SIZE_MAX / 2) return NULL;
    size_t size = (bytes + 4095) & ~(size_t)4095;
    void *fresh = aligned_alloc(4096, size);
    if (!fresh || pthread_setspecific(scratch_key, fresh)) {
        free(fresh);
        return NULL;
    }
    free(scratch);
    scratch = fresh;
    scratch_size = size;
    return fresh;
}
