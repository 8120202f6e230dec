// Every kernel for any processor: plain SSE2 on x86-64, NEON with its fused multiply-add on ARM.
#include "Kernels/All.h"

const ck_table ck_table_portable = CK_TABLE;
