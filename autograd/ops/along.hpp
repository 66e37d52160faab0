// Ops that work on rows, applied along any dimension. For the library's own files.
#pragma once

#include "../tensor.hpp"

namespace reel::detail {

/// `t` with `dim` brought to the end, or back from there (the same swap); one row where `t` has no
/// dimensions.
inline Tensor swap_last(const Tensor& t, std::size_t dim) {
  if (t.dim() == 0) return t.reshape({1});
  return dim + 1 == t.sizes().size() ? t : t.transpose(static_cast<std::int64_t>(dim), -1);
}
/// The inverse, for a result of an input with `rank` dimensions.
inline Tensor swap_back(const Tensor& t, std::size_t dim, std::int64_t rank) {
  return rank == 0 ? t.reshape({}) : swap_last(t, dim);
}

}  // namespace reel::detail
