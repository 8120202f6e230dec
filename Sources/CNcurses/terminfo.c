#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdio.h>
#include <string.h>
// After curses.h, and in a file of its own: term.h defines names such as `lines` and `columns`.
#include <term.h>

#include "internal.h"

/// Adds a terminfo string to the reset text, without its padding `$<…>`.
static void append_capability(char *text, size_t capacity, const char *name) {
    const char *value = tigetstr(name);
    if (value == NULL || value == (const char *)-1) return;
    size_t used = strlen(text);
    for (const char *p = value; *p && used + 1 < capacity; p++) {
        if (p[0] == '$' && p[1] == '<') {
            const char *end = strchr(p, '>');
            if (end) {
                p = end;
                continue;
            }
        }
        text[used++] = *p;
    }
    text[used] = 0;
}

void cn_prepare_reset(const char *leave_modes) {
    char text[sizeof cn_state->reset] = "";
    snprintf(text, sizeof text, "%s", leave_modes);
    const char *names[] = {"sgr0", "op", "rmcup", "cnorm", "rmkx"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) append_capability(text, sizeof text, names[i]);
    const char *leave = tigetstr("rmcup"), *motion = tigetstr("cup");
    // Without a second screen the shell goes on below what we drew.
    if ((leave == NULL || leave == (const char *)-1) && motion != NULL && motion != (const char *)-1) {
        size_t used = strlen(text);
        char *move = tparm((char *)motion, LINES - 1, 0, 0, 0, 0, 0, 0, 0, 0);
        if (move) snprintf(text + used, sizeof text - used, "%.32s\r\n", move);
    }
    size_t length = strlen(text);
    // Nobody reads half of it: with no length the plain text serves.
    atomic_store(&cn_state->reset_length, 0);
    memcpy(cn_state->reset, text, length + 1);
    atomic_store(&cn_state->reset_length, (int)length);
}

int cn_probe(const char *term, int fd) {
    int error = 0;
    if (setupterm((char *)term, fd, &error) != OK) return CN_UNKNOWN_TERMINAL;
    const char *motion = tigetstr("cup");
    int known = motion != NULL && motion != (const char *)-1;
    del_curterm(cur_term);
    return known ? CN_OK : CN_NO_CURSOR_MOTION;
}

const char *cn_key_text(const char *capability) {
    const char *text = cur_term ? tigetstr(capability) : NULL;
    return text == (const char *)-1 ? NULL : text;
}
