// Copies between tensors that lie transposed to each other.
#pragma once

#include "tensor.hpp"

namespace reel::kernels {

/// to[i * rows + j] = from[i + j * columns] for i < n, j < m; elements of `bytes` bytes.
void transpose(std::byte* to, std::int64_t rows, const std::byte* from, std::int64_t columns,
               std::int64_t n, std::int64_t m, std::size_t bytes);

/// to = from, where each lies without gaps along a different dimension and both are long there; in
/// square tiles, so that neither side is read or written in long jumps. Same shape and dtype.
/// Returns false, and does nothing, where they do not lie so.
bool copy_transposed(const Tensor& to, const Tensor& from);

}  // namespace reel::kernels
