// Reductions: over all elements, or over a set of dimensions (with keepdim as size 1).
#pragma once

#include "../tensor.hpp"

namespace reel {

/// Sum; integers and bools sum as int64. An empty list of dimensions means all.
/// With `dtype` the elements are converted first, as for mean() and prod().
Tensor sum(const Tensor& x);
template <class D, OnlyDtype<D> = 0>
Tensor sum(const Tensor& x, D dtype) {
  return x.sum(dtype);
}
Tensor sum(const Tensor& x, IntArrayRef dim, bool keepdim = false,
           std::optional<ScalarType> dtype = nullopt);
/// Sum over count. Throws DtypeError for integers.
Tensor mean(const Tensor& x);
template <class D, OnlyDtype<D> = 0>
Tensor mean(const Tensor& x, D dtype) {
  return x.mean(dtype);
}
Tensor mean(const Tensor& x, IntArrayRef dim, bool keepdim = false,
            std::optional<ScalarType> dtype = nullopt);
/// Product; integers and bools multiply as int64. Gradients are right with zeros among the factors.
Tensor prod(const Tensor& x);
template <class D, OnlyDtype<D> = 0>
Tensor prod(const Tensor& x, D dtype) {
  return x.prod(dtype);
}
Tensor prod(const Tensor& x, IntArrayRef dim, bool keepdim = false,
            std::optional<ScalarType> dtype = nullopt);
/// sum((x - mean)^2) / max(0, n - correction); `correction` is 1 where left out, and `unbiased`
/// stands for 1 or 0. Throws DtypeError for integers.
/// https://pytorch.org/docs/stable/generated/torch.var.html
Tensor var(const Tensor& x);
Tensor var(const Tensor& x, IntArrayRef dim, std::optional<std::int64_t> correction = nullopt,
           bool keepdim = false);
template <class B, OnlyBool<B> = 0>
Tensor var(const Tensor& x, B unbiased) {
  return var(x, IntArrayRef(), unbiased ? 1 : 0);
}
template <class B, OnlyBool<B> = 0>
Tensor var(const Tensor& x, IntArrayRef dim, B unbiased, bool keepdim = false) {
  return var(x, dim, unbiased ? 1 : 0, keepdim);
}
/// sqrt(var); its gradient is 0 where the variance is 0.
Tensor std(const Tensor& x);
Tensor std(const Tensor& x, IntArrayRef dim, std::optional<std::int64_t> correction = nullopt,
           bool keepdim = false);
template <class B, OnlyBool<B> = 0>
Tensor std(const Tensor& x, B unbiased) {
  return std(x, IntArrayRef(), unbiased ? 1 : 0);
}
template <class B, OnlyBool<B> = 0>
Tensor std(const Tensor& x, IntArrayRef dim, B unbiased, bool keepdim = false) {
  return std(x, dim, unbiased ? 1 : 0, keepdim);
}
/// The largest (smallest) element; NaN wins. Ties share the gradient equally. Throws ShapeError
/// where there is nothing to choose from.
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
Tensor amax(const Tensor& x, IntArrayRef dim = {}, bool keepdim = false);
Tensor amin(const Tensor& x, IntArrayRef dim = {}, bool keepdim = false);
/// The largest (smallest) elements along `dim` and the indices of the first of them, to which the
/// gradient goes.
std::tuple<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim = false);
std::tuple<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim = false);
/// Index of the first largest (smallest) element along `dim`, or in row-major order; int64.
Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim = nullopt, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim = nullopt, bool keepdim = false);
/// log(sum(exp(x))), without overflow.
Tensor logsumexp(const Tensor& x, IntArrayRef dim, bool keepdim = false);
/// (sum |x|^p)^(1/p); for p = 0 the number of nonzero elements, for p = inf (-inf) the largest
/// (smallest) |x|. The gradient at norm 0 is 0. Throws DtypeError for integers.
/// https://pytorch.org/docs/stable/generated/torch.norm.html
Tensor norm(const Tensor& x, const Scalar& p = 2);
Tensor norm(const Tensor& x, const std::optional<Scalar>& p, IntArrayRef dim, bool keepdim = false);
/// Whether any (every) element is nonzero; bool, or uint8 for uint8.
Tensor any(const Tensor& x);
Tensor any(const Tensor& x, IntArrayRef dim, bool keepdim = false);
Tensor all(const Tensor& x);
Tensor all(const Tensor& x, IntArrayRef dim, bool keepdim = false);
/// How many elements are not zero; int64.
Tensor count_nonzero(const Tensor& x, IntArrayRef dim = {});
/// Sums `x` down to `sizes`, to which it was broadcast.
Tensor sum_to_size(const Tensor& x, IntArrayRef sizes);
/// The sum of squares of all elements, accumulated in double.
double sum_of_squares(const Tensor& x);

}  // namespace reel
