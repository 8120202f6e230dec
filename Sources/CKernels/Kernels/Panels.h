// Packing: columns of w as panels [k][NR] of fp32, upcast on the way, so that the tile's inner loop reads memory straight ahead.
#pragma once
#include "Codes.h"
#include "Tile.h"

#define SHUFFLE(A, B, ...) __builtin_shufflevector(A, B, __VA_ARGS__)

// Sixteen rows of sixteen words, transposed in registers: first inside the 128-bit lanes, then among them.
INLINE void transpose16(words *r) {
    words t[W];
    UNROLL for (int i = 0; i < W; i += 2) {
        t[i] = SHUFFLE(r[i], r[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        t[i + 1] = SHUFFLE(r[i], r[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
    UNROLL for (int i = 0; i < W; i += 4)
        UNROLL for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = SHUFFLE(t[i + j], t[i + j + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            r[i + 2 * j + 1] = SHUFFLE(t[i + j], t[i + j + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    UNROLL for (int i = 0; i < W; i += 8)
        UNROLL for (int j = 0; j < 4; j++) {
            t[i + j] = SHUFFLE(r[i + j], r[i + j + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
            t[i + j + 4] = SHUFFLE(r[i + j], r[i + j + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
        }
    UNROLL for (int j = 0; j < 8; j++) {
        r[j] = SHUFFLE(t[j], t[j + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        r[j + 8] = SHUFFLE(t[j], t[j + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
}

typedef struct {
    const uint8_t *w;            // of CK_NF4, the ck_nf4
    ck_type type;
    int64_t size, ldw;           // bytes an element; elements a row
    int64_t ahead;               // bytes to prefetch ahead of what is read, 0 for none
} matrix;

// Up to sixteen rows of w (columns of the product) from element k0, kc of them, to dst[p * NR ..< p * NR + 16]; rows beyond become 0.
INLINE void pack_16_rows(const matrix *m, const uint8_t *row, int64_t rows, int64_t kc, float *dst, ck_type type) {
    const int64_t pitch = m->ldw * m->size;
    const int pairs = type == CK_BF16;            // two neighbours in k travel as one word
    const int64_t step = pairs ? 32 : 16;
    int64_t p = 0;
    for (; p + step <= kc; p += step) {
        words r[W];
        UNROLL for (int i = 0; i < W; i++) {
            const uint8_t *at = row + i * pitch + p * m->size;
            if (m->ahead) __builtin_prefetch(at + m->ahead, 0, 2);
            if (i < rows) r[i] = pairs ? *(const words_at *)at : (words)read16(at, type);
            else r[i] = splat_word(0);
        }
        transpose16(r);
        UNROLL for (int i = 0; i < W; i++) {
            if (pairs) {
                store(dst + (p + 2 * i) * NR, (lanes)(r[i] << 16));
                store(dst + (p + 2 * i + 1) * NR, (lanes)(r[i] & 0xffff0000));
            } else {
                store(dst + (p + i) * NR, (lanes)r[i]);
            }
        }
    }
    for (; p < kc; p++)
        for (int i = 0; i < W; i++) dst[p * NR + i] = i < rows ? one_element(row + i * pitch + p * m->size, type) : 0;
}

// A format without a path of its own: row by row through a small buffer.
static void pack_rows_slowly(const matrix *m, const uint8_t *row, int64_t rows, int64_t kc, float *dst) {
    float line[64];
    for (int64_t i = 0; i < W; i++)
        for (int64_t p = 0; p < kc; p += 64) {
            int64_t n = ck_min(64, kc - p);
            if (i < rows) upcast_run(row + (i * m->ldw + p) * m->size, m->type, line, n);
            for (int64_t q = 0; q < n; q++) dst[(p + q) * NR + i] = i < rows ? line[q] : 0;
        }
}

// Sixteen rows of NF4 from element `first`, unpacked in strips and then turned like fp32.
static void pack_nf4_rows(const matrix *m, int64_t first, int64_t rows, int64_t kc, float *dst) {
    float strip[W * CODE_BLOCK];
    const matrix unpacked = {(const uint8_t *)strip, CK_F32, 4, CODE_BLOCK, 0};
    for (int64_t p = 0; p < kc; p += CODE_BLOCK) {
        int64_t n = ck_min(CODE_BLOCK, kc - p);
        for (int64_t i = 0; i < rows; i++) unpack_nf4((const ck_nf4 *)m->w, first + i * m->ldw + p, n, strip + i * CODE_BLOCK);
        if (rows == W) pack_16_rows(&unpacked, unpacked.w, W, n, dst + p * NR, CK_F32);
        else pack_16_rows(&unpacked, unpacked.w, rows, n, dst + p * NR, CK_F32);
    }
}

// w[n0 + j][k0 + p] for j < nc, p < kc; columns up to the next multiple of NR become 0.
static void pack_rows(const matrix *m, int64_t n0, int64_t nc, int64_t k0, int64_t kc, float *dst) {
    for (int64_t j = 0; j < nc; j += NR, dst += NR * kc)
        for (int64_t g = 0; g < NR; g += W) {
            const uint8_t *row = m->w + ((n0 + j + g) * m->ldw + k0) * m->size;
            int64_t rows = ck_max(0, ck_min(W, nc - j - g));
            if (rows == W && m->type == CK_F32) pack_16_rows(m, row, W, kc, dst + g, CK_F32);
            else if (rows == W && m->type == CK_BF16) pack_16_rows(m, row, W, kc, dst + g, CK_BF16);
            else if (rows == W && m->type == CK_F16) pack_16_rows(m, row, W, kc, dst + g, CK_F16);
            else if (m->type == CK_F32) pack_16_rows(m, row, rows, kc, dst + g, CK_F32);
            else if (m->type == CK_NF4) pack_nf4_rows(m, (n0 + j + g) * m->ldw + k0, rows, kc, dst + g);
            else pack_rows_slowly(m, row, rows, kc, dst + g);
        }
}

INLINE void pack_lines_as(const matrix *m, const uint8_t *line, int64_t columns, int64_t kc, float *dst, ck_type type) {
    for (int64_t p = 0; p < kc; p++, line += m->ldw * m->size, dst += NR) {
        if (m->ahead) __builtin_prefetch(line + m->ahead, 0, 2);
        if (columns >= NR) {
            UNROLL for (int v = 0; v < PANEL; v++) store(dst + v * W, read16(line + v * W * m->size, type));
        } else {
            for (int64_t j = 0; j < NR; j++) dst[j] = j < columns ? one_element(line + j * m->size, type) : 0;
        }
    }
}

static void pack_nf4_lines(const matrix *m, int64_t first, int64_t columns, int64_t kc, float *dst) {
    for (int64_t p = 0; p < kc; p++, first += m->ldw, dst += NR) {
        unpack_nf4((const ck_nf4 *)m->w, first, ck_min(columns, NR), dst);
        for (int64_t i = columns; i < NR; i++) dst[i] = 0;
    }
}

// The same from w[k0 + p][n0 + j].
static void pack_lines(const matrix *m, int64_t n0, int64_t nc, int64_t k0, int64_t kc, float *dst) {
    for (int64_t j = 0; j < nc; j += NR, dst += NR * kc) {
        const uint8_t *line = m->w + (k0 * m->ldw + n0 + j) * m->size;
        switch (m->type) {
#define CASE(T) case T: pack_lines_as(m, line, nc - j, kc, dst, T); break;
        CASE(CK_F32) CASE(CK_F16) CASE(CK_BF16) CASE(CK_F64) CASE(CK_F8_E4M3) CASE(CK_F8_E5M2)
#undef CASE
        case CK_NF4: pack_nf4_lines(m, k0 * m->ldw + n0 + j, nc - j, kc, dst); break;
        default: pack_lines_as(m, line, nc - j, kc, dst, m->type);
        }
    }
}
