// Elements by index, without checks. Part of tensor.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dims.hpp"

namespace reel {

/// Typed element access with bounds left unchecked, as PyTorch's TensorAccessor.
template <class T, std::size_t N>
class TensorAccessor {
 public:
  TensorAccessor(T* data, const std::int64_t* sizes, const std::int64_t* strides)
      : data_(data), sizes_(sizes), strides_(strides) {}
  decltype(auto) operator[](std::int64_t i) const {
    if constexpr (N == 1)
      return (data_[i * strides_[0]]);
    else
      return TensorAccessor<T, N - 1>(data_ + i * strides_[0], sizes_ + 1, strides_ + 1);
  }
  std::int64_t size(std::int64_t i) const { return sizes_[i]; }
  IntArrayRef sizes() const { return IntArrayRef(sizes_, N); }
  T* data() const { return data_; }

 private:
  T* data_;
  const std::int64_t* sizes_;
  const std::int64_t* strides_;
};

}  // namespace reel
