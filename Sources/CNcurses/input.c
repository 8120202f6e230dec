#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int cn_input_fd = -1, cn_output_fd = -1;
struct termios cn_saved_modes;
atomic_int cn_signals;
static int pipe_ends[2] = {-1, -1};

int cn_open_pipe(void) {
    if (pipe_ends[0] >= 0) return 0;
    return pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC);
}

void cn_signal(int bits) {
    int error = errno;
    char byte = 0;
    atomic_fetch_or(&cn_signals, bits);
    // A full pipe is as good: somebody will be woken.
    if (pipe_ends[1] >= 0) (void)!write(pipe_ends[1], &byte, 1);
    errno = error;
}

void cn_wake(void) { cn_signal(CN_WAKE); }

static void drain_pipe(void) {
    char bytes[256];
    while (read(pipe_ends[0], bytes, sizeof bytes) > 0) {}
}

int cn_wait(int timeout_ms, int reading) {
    struct pollfd files[2] = {{pipe_ends[0], POLLIN, 0}, {cn_input_fd, POLLIN, 0}};
    int ready = atomic_load(&cn_signals) ? 0 : poll(files, reading ? 2 : 1, timeout_ms);
    drain_pipe();
    int bits = atomic_exchange(&cn_signals, 0);
    if (ready <= 0 || !reading) return bits;
    if (files[1].revents & POLLIN) bits |= CN_INPUT;
    else if (files[1].revents & (POLLHUP | POLLERR | POLLNVAL)) bits |= CN_HANGUP;
    return bits;
}

int cn_has_input(void) {
    struct pollfd file = {cn_input_fd, POLLIN, 0};
    return poll(&file, 1, 0) > 0;
}

int cn_read(uint8_t *bytes, int capacity) {
    if (!cn_has_input()) return 0;
    ssize_t count = read(cn_input_fd, bytes, (size_t)capacity);
    if (count > 0) return (int)count;
    // End of input and a vanished terminal never end by waiting: a loop that goes on would spin.
    return count < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : -1;
}

int cn_in_foreground(void) {
    pid_t owner = tcgetpgrp(cn_input_fd);
    // No controlling terminal (a tty given to us by redirection): nobody to share it with.
    return owner < 0 || owner == getpgrp();
}

int cn_write_to(int fd, const char *bytes, size_t count, int timeout_ms) {
    while (count > 0) {
        struct pollfd file = {fd, POLLOUT, 0};
        int ready = poll(&file, 1, timeout_ms);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0 || (file.revents & (POLLERR | POLLNVAL))) return -1;
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}
