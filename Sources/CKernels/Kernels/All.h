// All kernels for one instruction set, and the table of them.
#pragma once
#include "Attention.h"
#include "Elementwise.h"
#include "HeadLoss.h"
#include "Matmul.h"
#include "Norms.h"
#include "Pool.h"
#include "Softmax.h"
#include "Statistics.h"

#define K(NAME, PARAMETERS, ARGUMENTS) .NAME = NAME,
#define CK_TABLE {CK_KERNELS(K) .hash = hash}
