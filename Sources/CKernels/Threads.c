// A pool of threads that lasts, because starting one costs more than most kernels. Workers spin for some microseconds after a job, so that
// the next kernel of a forward pass finds them awake, then sleep in the kernel: an idle pool uses no CPU.
#define _GNU_SOURCE
#include "Internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST_THREADS = 256, SPINS = 2000 };

static pthread_mutex_t callers = PTHREAD_MUTEX_INITIALIZER;   // one job at a time
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;      // guards all below that is not atomic
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int started, seats, sleeping, caller_sleeps;
static void (*job_body)(void *, int64_t);
static void *job_context;
static int64_t job_tasks;
static _Atomic int64_t next_task;
static _Atomic uint32_t generation;
static _Atomic int inside;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_tasks(void (*body)(void *, int64_t), void *context, int64_t tasks) {
    for (int64_t t; (t = atomic_fetch_add_explicit(&next_task, 1, memory_order_relaxed)) < tasks;) body(context, t);
}

// Waits until a job newer than `seen` is announced. Returns with the lock held.
static void wait_for_work(uint32_t seen) {
    for (int i = 0; i < SPINS && atomic_load_explicit(&generation, memory_order_relaxed) == seen; i++) pause_briefly();
    pthread_mutex_lock(&lock);
    while (atomic_load_explicit(&generation, memory_order_relaxed) == seen) {
        sleeping++;
        pthread_cond_wait(&work, &lock);
        sleeping--;
    }
}

static void *worker(void *unused) {
    (void)unused;
    uint32_t seen = 0;
    for (;;) {
        wait_for_work(seen);
        seen = atomic_load_explicit(&generation, memory_order_relaxed);
        if (seats <= 0) {
            pthread_mutex_unlock(&lock);
            continue;
        }
        seats--;
        atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed);
        void (*body)(void *, int64_t) = job_body;
        void *context = job_context;
        int64_t tasks = job_tasks;
        pthread_mutex_unlock(&lock);
        take_tasks(body, context, tasks);
        pthread_mutex_lock(&lock);
        if (atomic_fetch_sub_explicit(&inside, 1, memory_order_release) == 1 && caller_sleeps) pthread_cond_signal(&done);
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
        if (pthread_create(&thread, NULL, worker, NULL)) break;
        pthread_detach(thread);
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void announce(int helpers, int64_t tasks, void (*body)(void *, int64_t), void *context) {
    pthread_mutex_lock(&lock);
    start_workers(helpers);
    job_body = body;
    job_context = context;
    job_tasks = tasks;
    seats = helpers;
    atomic_store_explicit(&next_task, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
    int asleep = sleeping;
    pthread_mutex_unlock(&lock);
    if (asleep) pthread_cond_broadcast(&work);
}

// No seat is given after this, so a worker that wakes late cannot enter a job that is over.
static void finish(void) {
    pthread_mutex_lock(&lock);
    seats = 0;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < SPINS && atomic_load_explicit(&inside, memory_order_acquire); i++) pause_briefly();
    pthread_mutex_lock(&lock);
    caller_sleeps = 1;
    while (atomic_load_explicit(&inside, memory_order_acquire)) pthread_cond_wait(&done, &lock);
    caller_sleeps = 0;
    pthread_mutex_unlock(&lock);
}

void ck_parallel(int64_t tasks, int threads, void (*body)(void *context, int64_t task), void *context) {
    int helpers = (int)ck_min(ck_min(threads, tasks), MOST_THREADS) - 1;
    // While another thread's job runs, waiting for the pool would take longer than doing the work here.
    if (helpers <= 0 || pthread_mutex_trylock(&callers)) {
        for (int64_t t = 0; t < tasks; t++) body(context, t);
        return;
    }
    announce(helpers, tasks, body, context);
    take_tasks(body, context, tasks);
    finish();
    pthread_mutex_unlock(&callers);
}

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
