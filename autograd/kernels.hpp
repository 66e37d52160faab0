// Loops over memory that know nothing of the tape.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tensor.hpp"

namespace reel::kernels {

/// bool computed as the number that it is.
template <class T>
using Plain = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

/// to += from. Same shape (or `from` broadcast by its strides) and dtype.
void add_into(const Tensor& to, const Tensor& from);
/// to = from, converting between dtypes. Same shape, any strides.
void copy(const Tensor& to, const Tensor& from);
void fill(const Tensor& to, const Scalar& value);
/// Whether some element of `t` is infinite or NaN.
bool has_nonfinite(const Tensor& t);

}  // namespace reel::kernels
