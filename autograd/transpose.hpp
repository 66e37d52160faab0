// Copies between tensors that lie transposed to each other.
#pragma once

#include "tensor.hpp"

namespace reel::kernels {

/// to = from, where each lies without gaps along a different dimension and both are long there; in
/// square tiles, so that neither side is read or written in long jumps. Same shape and dtype.
/// Returns false, and does nothing, where they do not lie so.
bool copy_transposed(const Tensor& to, const Tensor& from);

}  // namespace reel::kernels
