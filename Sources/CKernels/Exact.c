// Sums whose terms cancel. Written without a fused multiply-add, so that it runs anywhere; nothing here may be reordered by the compiler.
#include "Internal.h"
#include <math.h>
#include <stdlib.h>

void ck_widen(const float *x, double *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i];
}

// a * b = product + error exactly (Veltkamp's split and Dekker's product, 1971).
static double product(double a, double b, double *error) {
    const double split = 134217729.0;  // 2^27 + 1
    double x = a * split, y = b * split;
    double a1 = x - (x - a), b1 = y - (y - b), a2 = a - a1, b2 = b - b1;
    double p = a * b;
    *error = a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2);
    return p;
}

double ck_dot2(const double *x, const double *w, int64_t stride, int64_t n) {
    double sum = 0, rest = 0;
    for (int64_t i = 0; i < n; i++) {
        double low, p = product(x[i], w[i * stride], &low);
        double total = sum + p, part = total - sum;
        rest += ((sum - (total - part)) + (p - part)) + low;  // Knuth's exact sum
        sum = total;
    }
    return sum + rest;
}

static double norm(const double *x, int64_t stride, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i * stride] * x[i * stride];
    return sqrt(sum);
}

int64_t ck_repair_products(
    const double *x, const double *w, int transposed, double *y, int64_t ldy, int64_t rows, int64_t columns, int64_t n, double share) {
    int64_t stride = transposed ? columns : 1, repaired = 0;
    double *sizes = malloc((size_t)(rows > 0 ? rows : 1) * sizeof(double));
    if (!sizes) return 0;
    for (int64_t t = 0; t < rows; t++) sizes[t] = norm(x + t * n, 1, n);
    for (int64_t o = 0; o < columns; o++) {
        const double *column = transposed ? w + o : w + o * n;
        double limit = share * norm(column, stride, n);
        for (int64_t t = 0; t < rows; t++) {
            if (!(fabs(y[t * ldy + o]) < limit * sizes[t])) continue;
            y[t * ldy + o] = ck_dot2(x + t * n, column, stride, n);
            repaired++;
        }
    }
    free(sizes);
    return repaired;
}
