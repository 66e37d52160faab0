// The one matrix product that everything else calls.
#pragma once

#include "tensor.hpp"

namespace reel {

/// c = alpha * a @ b + beta * c for 2-D tensors of one floating dtype; c is written without a new
/// version. Transposed operands are passed as transposed views. Nothing is recorded.
void gemm(const Tensor& a, const Tensor& b, const Tensor& c, double alpha = 1.0, double beta = 0.0);

}  // namespace reel
