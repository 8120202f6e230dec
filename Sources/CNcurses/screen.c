#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "internal.h"

static SCREEN *screen;
static FILE *input_file, *output_file;
static char enter_modes[256], leave_modes[256];

int cn_locale(int ascii) {
    setlocale(LC_CTYPE, "");
    const char *set = nl_langinfo(CODESET);
    if (ascii) return 0;
    if (strcasecmp(set, "UTF-8") == 0) return 1;
    // Plain C says nothing about the terminal (ssh, containers): most are UTF-8. Any other character set was chosen by somebody.
    return strstr(set, "X3.4") != NULL && setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

// ---- Opening and closing

static void clamp_size(int *rows, int *columns) {
    if (*rows <= 0 || *columns <= 0) {
        *rows = 24;
        *columns = 80;
    }
    if (*rows > CN_MAX_ROWS) *rows = CN_MAX_ROWS;
    if (*columns > CN_MAX_COLUMNS) *columns = CN_MAX_COLUMNS;
}

static void terminal_size(int *rows, int *columns) {
    struct winsize size = {0};
    ioctl(cn_output_fd, TIOCGWINSZ, &size);
    *rows = size.ws_row;
    *columns = size.ws_col;
    clamp_size(rows, columns);
}

/// Size by the kernel, never by LINES and COLUMNS of the environment, which are stale in a resized window; but a size beyond what can be
/// drawn makes newterm fail, and the environment is the only way to tell it another one.
static SCREEN *make_screen(const char *term) {
    struct winsize size = {0};
    ioctl(cn_output_fd, TIOCGWINSZ, &size);
    int rows = 0, columns = 0;
    terminal_size(&rows, &columns);
    int odd = rows != size.ws_row || columns != size.ws_col;
    char text[16];
    char *old_rows = getenv("LINES") ? strdup(getenv("LINES")) : NULL, *old_columns = getenv("COLUMNS") ? strdup(getenv("COLUMNS")) : NULL;
    if (odd) {
        snprintf(text, sizeof text, "%d", rows);
        setenv("LINES", text, 1);
        snprintf(text, sizeof text, "%d", columns);
        setenv("COLUMNS", text, 1);
    }
    use_env(odd);
    use_tioctl(!odd);
    SCREEN *made = newterm(term, output_file, input_file);
    if (odd) {
        old_rows ? setenv("LINES", old_rows, 1) : unsetenv("LINES");
        old_columns ? setenv("COLUMNS", old_columns, 1) : unsetenv("COLUMNS");
    }
    free(old_rows);
    free(old_columns);
    return made;
}

static void set_up_screen(void) {
    raw();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    typeahead(-1);  // Input is read by us; ncurses must not stop drawing to look for it.
    keypad(stdscr, TRUE);
    leaveok(stdscr, TRUE);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
}

static int open_screen(const char *term) {
    int verdict = cn_probe(term, cn_output_fd);
    if (verdict != CN_OK) return verdict;
    output_file = fdopen(dup(cn_output_fd), "w");
    input_file = fdopen(dup(cn_input_fd), "r");
    if (!output_file || !input_file) return CN_NO_MEMORY;
    atomic_store(&cn_state->active, 1);
    screen = make_screen(term);
    if (!screen) {
        atomic_store(&cn_state->active, 0);
        return CN_NO_MEMORY;
    }
    cn_prepare_reset(leave_modes);
    set_up_screen();
    cn_write(enter_modes, strlen(enter_modes), 500);
    return CN_OK;
}

int cn_open(const char *term, const char *terminfo_directory, int input, int output) {
    if (cn_adopt() != 0 || cn_open_pipe() != 0) return CN_NO_MEMORY;
    cn_input_fd = input;
    cn_output_fd = output;
    tcgetattr(input, &cn_saved_modes);
    char *old = getenv("TERMINFO_DIRS") ? strdup(getenv("TERMINFO_DIRS")) : NULL;
    if (terminfo_directory) {
        char path[4096];
        // A trailing colon keeps the places that ncurses looks at by default.
        snprintf(path, sizeof path, "%s:%s", terminfo_directory, old ? old : "");
        setenv("TERMINFO_DIRS", path, 1);
    }
    int verdict = open_screen(term);
    if (terminfo_directory) old ? setenv("TERMINFO_DIRS", old, 1) : unsetenv("TERMINFO_DIRS");
    free(old);
    return verdict;
}

static void leave_screen(void) {
    cn_write(leave_modes, strlen(leave_modes), 500);
    // Before the first screen shows: a line that is typed as soon as it is seen must reach the shell as a line, ended and echoed.
    tcsetattr(cn_input_fd, TCSADRAIN, &cn_saved_modes);
    endwin();
    // Once more, for endwin sets the modes of the start, and a shell may have changed them since.
    tcsetattr(cn_input_fd, TCSADRAIN, &cn_saved_modes);
    atomic_store(&cn_state->active, 0);
}

void cn_close(void) {
    if (!screen) return;
    leave_screen();
    delscreen(screen);
    screen = NULL;
    fclose(output_file);
    fclose(input_file);
    output_file = input_file = NULL;
}

// ---- Leaving the screen for a while

void cn_suspend(void) {
    if (!screen) return;
    leave_screen();
    struct sigaction ours, standard = {.sa_handler = SIG_DFL};
    sigaction(SIGTSTP, &standard, &ours);
    // The whole group: a supervisor, a pipeline, whatever the shell counts as this job.
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
}

int cn_resume(void) {
    if (!screen || !cn_in_foreground()) return screen == NULL;
    atomic_fetch_and(&cn_signals, ~CN_CONTINUE);
    // Continued after a stop that we did not see: the first screen comes back before the second is entered again.
    if (atomic_load(&cn_state->active)) leave_screen();
    atomic_store(&cn_state->active, 1);
    cn_write(enter_modes, strlen(enter_modes), 500);
    clearok(curscr, TRUE);
    cn_resize();
    refresh();
    return 1;
}

void cn_set_modes(const char *enter, const char *leave) {
    if (screen) cn_write(leave_modes, strlen(leave_modes), 500);
    snprintf(enter_modes, sizeof enter_modes, "%s", enter);
    snprintf(leave_modes, sizeof leave_modes, "%s", leave);
    if (!screen) return;
    cn_write(enter_modes, strlen(enter_modes), 500);
    cn_prepare_reset(leave_modes);
}

int cn_write(const char *bytes, size_t count, int timeout_ms) {
    return cn_write_to(cn_output_fd, bytes, count, timeout_ms);
}

// ---- What the terminal can do

int cn_rows(void) { return screen ? LINES : 0; }
int cn_columns(void) { return screen ? COLS : 0; }
int cn_colors(void) { return screen && has_colors() ? COLORS : 0; }
int cn_pairs(void) { return screen && has_colors() ? COLOR_PAIRS : 0; }
int cn_width(uint32_t code_point) { return wcwidth((wchar_t)code_point); }

int cn_resize(void) {
    int rows = 0, columns = 0;
    if (!screen) return 0;
    terminal_size(&rows, &columns);
    if (rows == LINES && columns == COLS) return 0;
    // Not resizeterm: it would leave a KEY_RESIZE in a queue that nobody reads.
    resize_term(rows, columns);
    clearok(curscr, TRUE);
    cn_prepare_reset(leave_modes);
    return 1;
}
