// What the oracle needs: numbers in fp64, and sums in twice that where fp64 is not enough.
#pragma once
#include <stdint.h>

// y[i] = x[i].
void ck_widen(const float *x, double *y, int64_t n);
// sum of x[i] * w[i * stride] as if in twice the precision of fp64 and rounded once (Ogita, Rump and Oishi 2005, algorithm 5.3, Dot2).
double ck_dot2(const double *x, const double *w, int64_t stride, int64_t n);
// y [rows, columns] holds the products of x [rows, n] with w, [columns, n] or (transposed) [n, columns]. An element that is less than
// `share` of its row's norm times its column's has lost digits to cancellation: it is made again by ck_dot2. Returns how many were.
int64_t ck_repair_products(
    const double *x, const double *w, int transposed, double *y, int64_t ldy, int64_t rows, int64_t columns, int64_t n, double share);
