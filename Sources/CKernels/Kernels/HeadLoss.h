// The loss of a linear head and its slope without the logits: chunks of the vocabulary pass by, each is multiplied, exponentiated, weighted
// and forgotten. Running maximum and sum as in Milakov and Gimelshein 2018, arXiv:1805.02867; the weighted sum follows them as in attention
// (Rabe and Staats 2021, arXiv:2112.05682).
#pragma once
#include "Matmul.h"
#include "Softmax.h"

enum { VOCABULARY_CHUNK = 4096 };

typedef struct {
    const int32_t *targets;
    const uint8_t *w;
    ck_type type;
    int64_t ldw, rows, h, vocabulary, first, columns, block;
    float *z, *part;                // [rows, columns]: logits, then their exponentials; [rows, h]: what the chunk adds
    float *max, *factor, *chosen;   // of each row so far: the largest logit, the last rescaling, the target's logit
    double *sum;
    float *y;                       // [rows, h + 1]
} head_job;

static void exponentiate_task(void *context, int64_t task) {
    const head_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        float *z = j->z + r * j->columns, before = j->max[r], max = row_max(z, j->columns);
        int64_t target = j->targets[r] - j->first;
        if (target >= 0 && target < j->columns) j->chosen[r] = z[target];
        if (before > max) max = before;
        j->factor[r] = before == max ? 1 : (float)exp((double)before - max);
        j->sum[r] = j->sum[r] * (double)j->factor[r] + row_exp_sum(z, z, j->columns, max);
        j->max[r] = max;
    }
}

static void add_weighted_task(void *context, int64_t task) {
    const head_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        float *y = j->y + r * (j->h + 1);
        const float *part = j->part + r * j->h;
        for (int64_t i = 0; i < j->h; i++) y[i] = y[i] * j->factor[r] + part[i];
    }
}

// Rows: Σ e^z·W / Σ e^z − W[target], then log Σ e^z − z[target]; all 0 without a target.
static void finish_task(void *context, int64_t task) {
    const head_job *j = context;
    for (int64_t r = task * j->block; r < ck_min((task + 1) * j->block, j->rows); r++) {
        float *y = j->y + r * (j->h + 1), *own = j->part + r * j->h;
        int64_t target = j->targets[r];
        if (target < 0 || target >= j->vocabulary) {
            fill(y, j->h + 1, 0);
            continue;
        }
        upcast_run(j->w + (size_t)(target * j->ldw) * ck_type_size(j->type), j->type, own, j->h);
        for (int64_t i = 0; i < j->h; i++) y[i] = (float)(y[i] / j->sum[r] - own[i]);
        y[j->h] = (float)(log(j->sum[r]) + ((double)j->max[r] - j->chosen[r]));
    }
}

static void head_rows(head_job *j, int64_t width, int threads, void (*body)(void *, int64_t)) {
    j->block = ck_max(1, 16384 / ck_max(1, width));
    ck_parallel(ck_ceil_div(j->rows, j->block), threads, body, j);
}

static void head_loss(const float *x, const void *w, ck_type wt, int64_t ldw, const int32_t *targets, float *y, int64_t rows, int64_t h,
                      int64_t vocabulary, int threads) {
    int64_t chunk = ck_min(vocabulary, VOCABULARY_CHUNK);
    size_t size = (size_t)(rows * (chunk + h)) * 4 + (size_t)rows * 20;
    if (rows <= 0) return;
    uint8_t *room = ck_allocate(size);
    fill(y, rows * (h + 1), room ? 0 : NAN);
    if (!room) return;                     // no memory: NaN, not what was there
    double *sum = (double *)room;
    float *z = (float *)(sum + rows), *part = z + rows * chunk, *max = part + rows * h;
    head_job j = {.targets = targets, .w = w, .type = wt, .ldw = ldw, .rows = rows, .h = h, .vocabulary = vocabulary, .z = z, .part = part,
                  .max = max, .factor = max + rows, .chosen = max + 2 * rows, .sum = sum, .y = y};
    for (int64_t r = 0; r < rows; r++) sum[r] = 0, max[r] = -INFINITY, j.chosen[r] = 0;
    for (j.first = 0; j.first < vocabulary; j.first += chunk) {
        const uint8_t *lines = j.w + (size_t)(j.first * ldw) * ck_type_size(wt);
        j.columns = ck_min(chunk, vocabulary - j.first);
        matmul(x, h, lines, wt, 0, ldw, NULL, CK_F32, z, j.columns, rows, j.columns, h, threads);
        head_rows(&j, j.columns, threads, exponentiate_task);
        matmul(z, j.columns, lines, wt, 1, ldw, NULL, CK_F32, part, h, rows, h, j.columns, threads);
        head_rows(&j, h, threads, add_weighted_task);
    }
    head_rows(&j, h, threads, finish_task);
    ck_free(room, size);
}
