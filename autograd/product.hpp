// Matrix products on raw memory, for the shapes that recurrent nets are made of: few rows times a
// weight matrix that is used again at every step. A BLAS packs its operands at every call; here a
// weight is packed once per sequence.
#pragma once

#include <cstdint>
#include <memory>

#include "tensor.hpp"

namespace reel::product {

/// A matrix seen through strides (in elements); one of the two strides is usually 1.
template <class T>
struct Matrix {
  const T* data;
  std::int64_t rows, cols;
  std::int64_t row_stride, col_stride;
  const T* at(std::int64_t r, std::int64_t c) const {
    return data + r * row_stride + c * col_stride;
  }
  Matrix transposed() const { return {data, cols, rows, col_stride, row_stride}; }
};
template <class T>
Matrix<T> matrix(const Tensor& t) {
  return {t.data_ptr<T>(), t.size(0), t.size(1), t.stride(0), t.stride(1)};
}

/// What a product is added to: nothing, or a matrix with rows `ld` apart (0: one row for all).
template <class T>
struct Start {
  const T* data = nullptr;
  std::int64_t ld = 0;
  Start at(std::int64_t r, std::int64_t c) const {
    return data ? Start{data + r * ld + c, ld} : Start();
  }
};

/// c = start + a b. c is row-major with rows `ldc` apart and overlaps neither operand; `start` may
/// be c.
template <class T>
void multiply(const Matrix<T>& a, const Matrix<T>& b, T* c, std::int64_t ldc,
              const Start<T>& start = {});

/// A right operand rearranged once into the order in which the kernel reads it.
template <class T>
class Packed {
 public:
  explicit Packed(const Matrix<T>& b);
  /// c = start + a b, for the b given at construction.
  void multiply(const Matrix<T>& a, T* c, std::int64_t ldc, const Start<T>& start = {}) const;
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

 private:
  std::int64_t rows_, cols_;
  Ref<Storage> strips_;  // [ceil(cols / width)][rows][width], padded with zeros
};

}  // namespace reel::product
