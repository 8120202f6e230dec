#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "CNcurses.h"

/// Deep, not endless to the compiler's eye: the result of each level is used.
static int64_t descend(int64_t depth) {
    volatile char block[4096];
    memset((char *)block, (int)depth, sizeof block);
    return depth < 0 ? block[0] : descend(depth + 1) + block[depth & 4095];
}

void cn_overflow_stack(void) {
    volatile int64_t result = descend(0);
    (void)result;
}

void cn_write_null(void) {
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

void cn_write_noise(void) { fprintf(stderr, "a library says \033[31mhello\n"); }

static void *run(void *argument) {
    void (**body)(void) = argument;
    (*body)();
    return NULL;
}

void cn_run_on_thread(void (*body)(void)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &body) == 0) pthread_join(thread, NULL);
}
