// Tensors from nothing, from numbers, and from memory.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "../tensor.hpp"

namespace reel {

/// Uninitialised memory of the given shape. Throws ShapeError on negative or overflowing sizes.
Tensor empty(IntArrayRef sizes, const TensorOptions& options = {});
Tensor zeros(IntArrayRef sizes, const TensorOptions& options = {});
Tensor ones(IntArrayRef sizes, const TensorOptions& options = {});
/// Every element is `value`; without a dtype, the value's own (floating: the default dtype).
Tensor full(IntArrayRef sizes, const Scalar& value, const TensorOptions& options = {});
Tensor empty_like(const Tensor& t, const TensorOptions& options = {});
Tensor zeros_like(const Tensor& t, const TensorOptions& options = {});
Tensor ones_like(const Tensor& t, const TensorOptions& options = {});
Tensor full_like(const Tensor& t, const Scalar& value, const TensorOptions& options = {});
/// A tensor without dimensions.
Tensor scalar_tensor(const Scalar& value, const TensorOptions& options = {});
/// start, start + step, ... below `end`. Integral bounds give int64.
Tensor arange(const Scalar& end, const TensorOptions& options = {});
Tensor arange(const Scalar& start, const Scalar& end, const TensorOptions& options = {});
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step,
              const TensorOptions& options = {});
/// `steps` equally spaced values from `start` to `end`, both included.
Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t steps = 100,
                const TensorOptions& options = {});
/// The n x m identity (m = n where left out).
Tensor eye(std::int64_t n, const TensorOptions& options = {});
Tensor eye(std::int64_t n, std::int64_t m, const TensorOptions& options = {});

/// Nested braces of numbers, as in `tensor({{1, 2}, {3, 4}})`.
class TensorData {
 public:
  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  TensorData(T value) : values_{Scalar(value)}, type_(natural<T>()) {}
  TensorData(std::initializer_list<TensorData> items);
  template <class T>
  TensorData(ArrayRef<T> items)
      : sizes_{static_cast<std::int64_t>(items.size())}, type_(natural<T>()) {
    for (const auto& v : items) values_.push_back(Scalar(v));
  }
  template <class T>
  TensorData(const std::vector<T>& items)
      : sizes_{static_cast<std::int64_t>(items.size())}, type_(natural<T>()) {
    for (const T& v : items) values_.push_back(Scalar(v));
  }
  const Dims& sizes() const { return sizes_; }
  const std::vector<Scalar>& values() const { return values_; }
  ScalarType type() const { return type_; }

 private:
  // Doubles become the default dtype and every integer int64, as in PyTorch.
  template <class T>
  static ScalarType natural() {
    if constexpr (std::is_same_v<T, bool>)
      return kBool;
    else if constexpr (std::is_integral_v<T>)
      return kInt64;
    else if constexpr (std::is_same_v<T, float>)
      return kFloat32;
    else
      return get_default_dtype();
  }
  Dims sizes_;
  std::vector<Scalar> values_;
  ScalarType type_;
};
/// A tensor holding these numbers. Throws ShapeError where nested braces differ in length.
Tensor tensor(const TensorData& data, const TensorOptions& options = {});
inline Tensor tensor(std::initializer_list<TensorData> data, const TensorOptions& options = {}) {
  return tensor(TensorData(data), options);
}

/// A tensor on memory of the caller's, who keeps it alive (or gives a deleter). Without strides
/// it is row-major.
Tensor from_blob(void* data, IntArrayRef sizes, const TensorOptions& options = {});
Tensor from_blob(void* data, IntArrayRef sizes, const std::function<void(void*)>& deleter,
                 const TensorOptions& options = {});
Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides,
                 const TensorOptions& options = {});
Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides,
                 const std::function<void(void*)>& deleter, const TensorOptions& options = {});

}  // namespace reel
