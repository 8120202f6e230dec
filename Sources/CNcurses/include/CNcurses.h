#pragma once
#include <stddef.h>
#include <stdint.h>

// The only door to ncursesw, signals and process control. Plain integers and bytes go through it, so that Swift 6 imports it whole:
// no curses types, no variadic functions, no mutable globals. One terminal a process; unless a comment says otherwise, call from the
// thread that opened it.

// ---- The screen (screen.c) ----------------------------------------------------------------------------------------------------------

/// One terminal column. `text` is a code point; 0 is the second column of a wide one; with CN_CLUSTER set, the rest is an index into the
/// cluster list given along. `attributes` are CN_BOLD… bits, `pair` a colour pair defined by `cn_define_pair`.
typedef struct {
    uint32_t text;
    uint16_t attributes;
    uint16_t pair;
} cn_cell;

/// Several code points in one column: a base and its combining marks.
typedef struct {
    uint32_t text[5];
    uint32_t count;
} cn_cluster;

static const uint32_t CN_CLUSTER = 0x80000000u;
enum { CN_UNDERLINE = 1 << 1, CN_REVERSE = 1 << 2, CN_DIM = 1 << 4, CN_BOLD = 1 << 5, CN_ITALIC = 1 << 15 };

enum { CN_OK = 0, CN_UNKNOWN_TERMINAL = -1, CN_NO_CURSOR_MOTION = -2, CN_NO_MEMORY = -3 };

/// Largest size drawn, in columns and rows; a terminal that claims more is used up to here.
enum { CN_MAX_COLUMNS = 1024, CN_MAX_ROWS = 512 };

/// Takes the character type of the environment's locale; where that is not UTF-8, C.UTF-8 unless `ascii`. 1: UTF-8, 0: plain ASCII.
int cn_locale(int ascii);
/// Opens the terminal `term` (its terminfo entry searched in `terminfo_directory` first, when not NULL) on two tty descriptors.
int cn_open(const char *term, const char *terminfo_directory, int input, int output);
/// Gives the terminal back as it was found. May be called twice.
void cn_close(void);
int cn_rows(void);
int cn_columns(void);
/// 0, 8, 16, 256 or 16777216.
int cn_colors(void);
int cn_pairs(void);
/// Defines a pair; colours are palette numbers or 24-bit values, −1 is the terminal's own. 0 when ncurses took it.
int cn_define_pair(int pair, int foreground, int background);
/// Forgets all pairs; the next flush repaints everything. Far cheaper than to define used pairs anew, each of which searches the screen.
void cn_forget_pairs(void);
/// Puts a run of cells; glyphs whose width the C library sees otherwise are replaced, so a row never shifts.
void cn_put(int row, int column, const cn_cell *cells, int count, const cn_cluster *clusters, int cluster_count);
/// Sends what changed. `synchronized`: inside one synchronized update (mode 2026).
void cn_flush(int synchronized);
/// The next flush repaints everything.
void cn_repaint_all(void);
void cn_show_cursor(int row, int column);
void cn_hide_cursor(void);
/// Asks the kernel for the size, clamps it, tells ncurses. 1 when the size changed.
int cn_resize(void);
/// Writes bytes to the terminal, outside of what ncurses knows. 0 when the terminal took them all within `timeout_ms`.
int cn_write(const char *bytes, size_t count, int timeout_ms);
/// The bytes that the key with terminfo name `capability` sends, or NULL.
const char *cn_key_text(const char *capability);
/// Columns of a code point by the C library: 0, 1, 2, or −1 for a control.
int cn_width(uint32_t code_point);
/// Modes of our own that ncurses does not know: written when the terminal is entered, and undone by `leave`.
void cn_set_modes(const char *enter, const char *leave);

// ---- Waiting (input.c) --------------------------------------------------------------------------------------------------------------

enum { CN_INPUT = 1, CN_WAKE = 2, CN_RESIZE = 4, CN_HANGUP = 8, CN_TERMINATE = 16, CN_STOP = 32, CN_CONTINUE = 64 };

/// Waits for input, a wake-up or a signal; −1 waits for ever. Bits of CN_INPUT…; 0 after the time. `reading` is 0 while another job has
/// the terminal: looking at its input would stop us.
int cn_wait(int timeout_ms, int reading);
/// Reads what is there: a count, 0 when nothing, −1 at the end of input or when the terminal is gone.
int cn_read(uint8_t *bytes, int capacity);
/// 1 when there is something to read.
int cn_has_input(void);
/// Ends a `cn_wait`. Any thread, also from a signal handler.
void cn_wake(void);
/// 1 while this process group may use the terminal.
int cn_in_foreground(void);
/// Leaves the screen and stops the whole job, as Ctrl-Z does; returns when continued. Nothing is drawn: see `cn_resume`.
void cn_suspend(void);
/// Takes the screen again. 0 while another job has the terminal: then nothing was written.
int cn_resume(void);

// ---- What happens when it goes wrong (guard.c) --------------------------------------------------------------------------------------

/// Installs the handlers: faults reset the terminal and then die as before; TERM, HUP, INT, QUIT become CN_TERMINATE, a second one or
/// two seconds without `cn_terminate_answered` end the process.
void cn_guard(void);
/// Gives the calling thread a stack for signal handlers, so that its own stack's overflow is handled too. 0 when it worked.
int cn_guard_thread(void);
/// The signal behind CN_TERMINATE, or 0. Asking is an answer: the two seconds start anew.
int cn_terminate_signal(void);

/// Sends the process's stdout and stderr to a memory file while the screen is up; `cn_release_output` gives both back and shows what
/// came, controls made visible, on stderr.
void cn_capture_output(void);
void cn_release_output(void);

// ---- The parent that cleans up (supervisor.c) ---------------------------------------------------------------------------------------

/// Runs the program again as a child and never returns in the parent, which waits, hands signals on, and restores the terminal when the
/// child dies without doing so. Returns 1 in the child, 0 when there is nothing to supervise (no tty, or it could not start).
/// `environment`: NULL-ended NAME=value strings for the child. `report`: where a crash report is to be found.
int cn_supervise(char *const *arguments, const char *const *environment, const char *report);

// ---- Faults on purpose (fault.c) ----------------------------------------------------------------------------------------------------

/// Uses up the calling thread's stack.
void cn_overflow_stack(void);
/// Writes to address 0.
void cn_write_null(void);
/// Writes to stderr as a careless library does, with an escape sequence.
void cn_write_noise(void);
/// Runs `body` on a thread of its own and waits for it.
void cn_run_on_thread(void (*body)(void));
