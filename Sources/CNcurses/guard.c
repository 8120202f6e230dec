#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

// Everything reached from a handler here is async-signal-safe: atomics, write, poll, tcsetattr, sigaction, alarm, _exit.

const char cn_plain_reset[] =
    "\033[?2026l\033[?1003l\033[?1002l\033[?1000l\033[?1006l\033[?2004l\033[0m\033[?1049l\033[?25h\033[?1l\033>";

enum { SECONDS_TO_ANSWER = 2, SAME_REQUEST_MS = 200, HANDLER_STACK = 64 * 1024 };

static struct sigaction previous[NSIG];
static atomic_int terminate_signal;
static atomic_long terminate_time;

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void cn_reset_terminal(void) {
    if (!cn_state || !atomic_exchange(&cn_state->active, 0)) return;
    int length = atomic_load(&cn_state->reset_length);
    // A terminal that takes nothing (Ctrl-S, a dead link) must not keep us from dying: 300 ms, then go on.
    if (length > 0) cn_write_to(cn_output_fd, cn_state->reset, (size_t)length, 300);
    else cn_write_to(cn_output_fd, cn_plain_reset, strlen(cn_plain_reset), 300);
    tcflush(cn_input_fd, TCIFLUSH);
    tcsetattr(cn_input_fd, TCSANOW, &cn_saved_modes);
}

static void die(int signal) {
    cn_reset_terminal();
    cn_show_captured(cn_output_fd);
    _exit(128 + signal);
}

/// Passes a signal that will not come again by itself to the previous handler, which may return, and dies of it.
static void die_of(int signal, siginfo_t *info, void *context) {
    const struct sigaction *before = &previous[signal];
    if (before->sa_flags & SA_SIGINFO) before->sa_sigaction(signal, info, context);
    else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) before->sa_handler(signal);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(signal, &standard, NULL);
    // Blocked until the handler returns; then it kills.
    raise(signal);
}

/// A fault: give the terminal back, then let the previous handler (the crash reporter, or death) have it.
static void on_fault(int signal, siginfo_t *info, void *context) {
    int error = errno;
    cn_reset_terminal();
    cn_show_captured(cn_output_fd);
    sigaction(signal, &previous[signal], NULL);
    // A fault in an instruction comes again when we return; one that was sent does not.
    if (info->si_code <= 0 || signal == SIGABRT) die_of(signal, info, context);
    errno = error;
}

static void on_terminate(int signal, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    int error = errno, none = 0;
    if (atomic_compare_exchange_strong(&terminate_signal, &none, signal)) {
        atomic_store(&terminate_time, milliseconds());
        alarm(SECONDS_TO_ANSWER);
        cn_signal(CN_TERMINATE);
    } else if (signal != SIGHUP && milliseconds() - atomic_load(&terminate_time) > SAME_REQUEST_MS) {
        // The same request comes twice when a group is signalled and the supervisor hands it on; a later one is impatience.
        die(signal);
    }
    errno = error;
}

static void on_alarm(int signal) {
    (void)signal;
    int reason = atomic_load(&terminate_signal);
    if (reason) die(reason);
}

static void on_winch(int signal) {
    (void)signal;
    cn_signal(CN_RESIZE);
}
static void on_stop(int signal) {
    (void)signal;
    cn_signal(CN_STOP);
}
static void on_continue(int signal) {
    (void)signal;
    cn_signal(CN_CONTINUE);
}

int cn_terminate_signal(void) {
    int reason = atomic_load(&terminate_signal);
    if (reason) alarm(SECONDS_TO_ANSWER);
    return reason;
}

int cn_guard_thread(void) {
    stack_t stack = {0}, old = {0};
    if (sigaltstack(NULL, &old) == 0 && !(old.ss_flags & SS_DISABLE) && old.ss_size >= HANDLER_STACK) return 0;
    // Kept for the life of the thread; a guarded thread lives as long as the program.
    stack.ss_sp = malloc(HANDLER_STACK);
    stack.ss_size = HANDLER_STACK;
    return stack.ss_sp ? sigaltstack(&stack, NULL) : -1;
}

static void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {0};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, &previous[signal]);
}

static void handle_with_information(int signal, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(signal, &action, &previous[signal]);
}

void cn_guard(void) {
    static int installed;
    if (installed) return;
    installed = 1;
    cn_guard_thread();
    const int faults[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) handle_with_information(faults[i], on_fault);
    const int requests[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct sigaction now;
        // Somebody who started us with nohup means it.
        if (sigaction(requests[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN) continue;
        handle_with_information(requests[i], on_terminate);
    }
    handle(SIGALRM, on_alarm);
    handle(SIGWINCH, on_winch);
    handle(SIGTSTP, on_stop);
    handle(SIGCONT, on_continue);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}
