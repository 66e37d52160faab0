// Running sums, products and extremes along a dimension.
#pragma once

#include "../tensor.hpp"

namespace reel {

/// y_i = x_0 + ... + x_i; integers and bools sum as int64. With `dtype` the elements are converted
/// first, as for cumprod().
Tensor cumsum(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype = nullopt);
/// y_i = x_0 * ... * x_i; integers and bools multiply as int64. Gradients are right with zeros
/// among the factors.
Tensor cumprod(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype = nullopt);
/// The largest (smallest) element so far and the index of the last one equal to it; NaN wins and
/// stays.
std::tuple<Tensor, Tensor> cummax(const Tensor& x, std::int64_t dim);
std::tuple<Tensor, Tensor> cummin(const Tensor& x, std::int64_t dim);

}  // namespace reel
