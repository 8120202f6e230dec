#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "internal.h"

int cn_define_pair(int pair, int foreground, int background) {
    return init_extended_pair(pair, foreground, background) == OK ? 0 : -1;
}

void cn_forget_pairs(void) {
    reset_color_pairs();
}

/// Formatting characters that reorder or hide text; nothing of ours sends them, and nothing of a file may.
static int is_invisible(wchar_t c) {
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xE0000 && c <= 0xE007F);
}

/// The code points of a cell: how many, and the first one's width.
static int cell_text(const cn_cell *cell, const cn_cluster *clusters, int cluster_count, wchar_t text[CCHARW_MAX + 1]) {
    uint32_t index = cell->text & ~CN_CLUSTER;
    text[1] = 0;
    text[0] = (wchar_t)cell->text;
    if (!(cell->text & CN_CLUSTER)) return wcwidth(text[0]);
    if (index >= (uint32_t)cluster_count) return -1;
    const cn_cluster *cluster = &clusters[index];
    text[0] = (wchar_t)cluster->text[0];
    int used = 1;
    for (uint32_t i = 1; i < cluster->count && i < 5 && used < CCHARW_MAX; i++) {
        wchar_t mark = (wchar_t)cluster->text[i];
        if (wcwidth(mark) == 0 && !is_invisible(mark)) text[used++] = mark;
    }
    text[used] = 0;
    return wcwidth(text[0]);
}

static void set_cell(cchar_t *out, const wchar_t *text, const cn_cell *cell) {
    int pair = cell->pair;
    if (setcchar(out, text, (attr_t)cell->attributes << 16, 0, &pair) != OK) setcchar(out, L"?", (attr_t)cell->attributes << 16, 0, &pair);
}

void cn_put(int row, int column, const cn_cell *cells, int count, const cn_cluster *clusters, int cluster_count) {
    static cchar_t *line;
    static int capacity;
    if (row < 0 || row >= LINES || column < 0 || column >= COLS || count <= 0) return;
    if (count > COLS - column) count = COLS - column;
    if (capacity < count) {
        cchar_t *grown = realloc(line, sizeof *line * (size_t)(count + 1));
        if (!grown) return;
        line = grown;
        capacity = count;
    }
    int used = 0;
    for (int i = 0; i < count; i++) {
        wchar_t text[CCHARW_MAX + 1];
        int width = cell_text(&cells[i], clusters, cluster_count, text);
        int wants = i + 1 < count && cells[i + 1].text == 0 ? 2 : 1;
        if (cells[i].text == 0) {
            set_cell(&line[used++], L" ", &cells[i]);
            continue;
        }
        // The row stays in step with the grid whatever the C library thinks of a glyph.
        if (width < 1 || width > wants || is_invisible(text[0])) set_cell(&line[used++], L"?", &cells[i]);
        else set_cell(&line[used++], text, &cells[i]);
        if (width == 2 && wants == 2) i++;
    }
    mvadd_wchnstr(row, column, line, used);
}

static void write_text(const char *text) { cn_write(text, strlen(text), 500); }

void cn_flush(int synchronized) {
    if (synchronized) write_text("\033[?2026h");
    refresh();
    if (synchronized) write_text("\033[?2026l");
}

void cn_repaint_all(void) { clearok(curscr, TRUE); }

void cn_show_cursor(int row, int column) {
    leaveok(stdscr, FALSE);
    curs_set(1);
    move(row, column);
}

void cn_hide_cursor(void) {
    leaveok(stdscr, TRUE);
    curs_set(0);
}
