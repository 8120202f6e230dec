// All kernels for one instruction set, and the table of them.
#pragma once
#include "ActivationGradients.h"
#include "Attention.h"
#include "AttentionGradients.h"
#include "Difference.h"
#include "Dot.h"
#include "Elementwise.h"
#include "Flash.h"
#include "Fused.h"
#include "HeadLoss.h"
#include "Matmul.h"
#include "NormGradients.h"
#include "Norms.h"
#include "Orders.h"
#include "Pool.h"
#include "Quantised.h"
#include "Rounding.h"
#include "Softmax.h"
#include "SoftmaxGradient.h"
#include "Statistics.h"
#include "TileAttention.h"
#include "Updates.h"
#include "WeightGradient.h"

#define K(NAME, PARAMETERS, ARGUMENTS) .NAME = NAME,
#define CK_TABLE {CK_KERNELS(K) .matmul_bf16 = matmul_bf16, .tiles = {CK_TILE_KERNELS(K)}, .hash = hash, .sum_squares = sum_squares}
