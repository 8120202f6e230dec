#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

int cn_capture_fd = -1;
static int real_output = -1, real_error = -1;

/// More than this is not shown: the end of it, where the reason stands, is.
enum { SHOWN_BYTES = 16 * 1024 };

void cn_capture_output(void) {
    if (real_error >= 0) return;
    if (cn_capture_fd < 0) cn_capture_fd = memfd_create("mica-output", MFD_CLOEXEC);
    if (cn_capture_fd < 0) return;
    // Appending: a library in another process or thread may write at the same time.
    fcntl(cn_capture_fd, F_SETFL, O_APPEND);
    fflush(NULL);
    real_output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    real_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(cn_capture_fd, STDOUT_FILENO);
    dup2(cn_capture_fd, STDERR_FILENO);
}

/// Turns bytes that a terminal would obey into visible ones; UTF-8 goes through.
static size_t make_visible(const char *bytes, size_t count, char *out) {
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0, hidden = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        // The controls U+0080 to U+009F are C2 80 to C2 9F.
        if (c == 0xC2 && i + 1 < count && (unsigned char)bytes[i + 1] < 0xA0) hidden = 2;
        else if (c == 0x7F || (c < 0x20 && c != '\n' && c != '\t')) hidden = 1;
        if (hidden == 0) {
            out[used++] = (char)c;
            continue;
        }
        hidden--;
        const char hex[] = {'<', '0', 'x', digits[c >> 4], digits[c & 15], '>'};
        for (size_t k = 0; k < sizeof hex; k++) out[used++] = hex[k];
    }
    return used;
}

void cn_show_captured(int fd) {
    if (cn_capture_fd < 0 || !cn_state || fd < 0) return;
    off_t end = lseek(cn_capture_fd, 0, SEEK_END);
    off_t from = atomic_load(&cn_state->shown);
    if (end - from > SHOWN_BYTES) from = end - SHOWN_BYTES;
    while (from < end) {
        char bytes[512], visible[512 * 6];
        ssize_t count = pread(cn_capture_fd, bytes, sizeof bytes, from);
        if (count <= 0) break;
        if (cn_write_to(fd, visible, make_visible(bytes, (size_t)count, visible), 300) != 0) break;
        from += count;
    }
    atomic_store(&cn_state->shown, end);
}

void cn_release_output(void) {
    if (real_error < 0) return;
    fflush(NULL);
    dup2(real_output, STDOUT_FILENO);
    dup2(real_error, STDERR_FILENO);
    close(real_output);
    close(real_error);
    real_output = real_error = -1;
    cn_show_captured(STDERR_FILENO);
}
