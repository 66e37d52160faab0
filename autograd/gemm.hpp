// The one matrix product that everything else calls.
#pragma once

#include <memory>

#include "tensor.hpp"

namespace reel {

/// c = a @ b, or c += a @ b, for 2-D tensors of one floating dtype; c is written without a new
/// version. Transposed operands are passed as transposed views. Nothing is recorded.
void gemm(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate = false);
/// c = a @ b + row, for c without gaps; `row` is [columns of c], or undefined for no row.
void gemm_plus_row(const Tensor& a, const Tensor& b, const Tensor& row, const Tensor& c);

/// A right operand that is used many times, rearranged at its first use for the kernel, or, for
/// single rows, at the second. It must not change as long as this lives.
class PackedOperand {
 public:
  explicit PackedOperand(Tensor b) : b_(std::move(b)) {}
  /// The same as gemm(a, b, c, accumulate).
  void multiply(const Tensor& a, const Tensor& c, bool accumulate);

 private:
  Tensor b_;
  int uses_ = 0;
  std::shared_ptr<void> packed_;
};

}  // namespace reel
