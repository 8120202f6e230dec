#pragma once
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <termios.h>

#include "CNcurses.h"

/// What the supervisor must know of its child; lives in a page that both map.
typedef struct {
    /// 1 while the screen is up: modes are set, and somebody has to undo them.
    atomic_int active;
    /// Bytes of captured output that were already shown.
    atomic_long shown;
    /// What undoes every mode of this terminal.
    char reset[1024];
    atomic_int reset_length;
} cn_shared;

extern cn_shared *cn_state;
/// The terminal's descriptors, or −1.
extern int cn_input_fd, cn_output_fd;
/// The terminal's modes before we came.
extern struct termios cn_saved_modes;
/// Signals seen since the last cn_wait, as CN_… bits.
extern atomic_int cn_signals;
/// Memory file for stdout and stderr while the screen is up, or −1.
extern int cn_capture_fd;
/// The supervisor's process id, or 0.
extern int cn_supervisor;

/// The text that undoes all modes where terminfo is not at hand.
extern const char cn_plain_reset[];

int cn_open_pipe(void);
void cn_signal(int bits);
/// Undoes modes and restores termios, once. Async-signal-safe.
void cn_reset_terminal(void);
/// As cn_write, on any descriptor. Async-signal-safe.
int cn_write_to(int fd, const char *bytes, size_t count, int timeout_ms);
/// Copies what was captured and not yet shown to `fd`, controls made visible. Async-signal-safe.
void cn_show_captured(int fd);
/// Finds the page and the descriptors that a supervisor left in the environment.
int cn_adopt(void);
/// CN_OK when the terminal is known and can be drawn on.
int cn_probe(const char *term, int fd);
/// Builds what the guard and the supervisor write when the screen was not left in the ordinary way.
void cn_prepare_reset(const char *leave_modes);
