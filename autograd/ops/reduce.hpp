// Reductions: over all elements, or over a set of dimensions (with keepdim as size 1).
#pragma once

#include "../tensor.hpp"

namespace reel {

/// Sum; integers and bools sum as int64. An empty list of dimensions means all.
Tensor sum(const Tensor& x);
Tensor sum(const Tensor& x, IntArrayRef dim, bool keepdim = false);
/// Sum over count. Throws DtypeError for integers.
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, IntArrayRef dim, bool keepdim = false);
/// The largest (smallest) element; NaN wins. Ties share the gradient equally.
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// Index of the first largest element along `dim`, or in row-major order; int64.
Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim = nullopt, bool keepdim = false);
/// Sums `x` down to `sizes`, to which it was broadcast.
Tensor sum_to_size(const Tensor& x, IntArrayRef sizes);
/// The sum of squares of all elements, accumulated in double.
double sum_of_squares(const Tensor& x);

}  // namespace reel
