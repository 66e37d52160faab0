#include "composed_methods.hpp"

#include "ops/ops.hpp"

namespace reel::detail {

namespace {
const Tensor& tensor(const ComposedMethods& methods) { return static_cast<const Tensor&>(methods); }
}  // namespace

Tensor ComposedMethods::subtract(const Tensor& other, const Scalar& alpha) const {
  return reel::subtract(tensor(*this), other, alpha);
}
Tensor ComposedMethods::multiply(const Tensor& other) const {
  return reel::multiply(tensor(*this), other);
}
Tensor ComposedMethods::divide(const Tensor& other) const {
  return reel::divide(tensor(*this), other);
}
Tensor ComposedMethods::true_divide(const Tensor& other) const {
  return reel::true_divide(tensor(*this), other);
}
Tensor ComposedMethods::negative() const { return reel::negative(tensor(*this)); }
Tensor ComposedMethods::absolute() const { return reel::absolute(tensor(*this)); }
Tensor ComposedMethods::less(const Tensor& other) const { return reel::less(tensor(*this), other); }
Tensor ComposedMethods::less(const Scalar& other) const { return reel::less(tensor(*this), other); }
Tensor ComposedMethods::less_equal(const Tensor& other) const {
  return reel::less_equal(tensor(*this), other);
}
Tensor ComposedMethods::less_equal(const Scalar& other) const {
  return reel::less_equal(tensor(*this), other);
}
Tensor ComposedMethods::greater(const Tensor& other) const {
  return reel::greater(tensor(*this), other);
}
Tensor ComposedMethods::greater(const Scalar& other) const {
  return reel::greater(tensor(*this), other);
}
Tensor ComposedMethods::greater_equal(const Tensor& other) const {
  return reel::greater_equal(tensor(*this), other);
}
Tensor ComposedMethods::greater_equal(const Scalar& other) const {
  return reel::greater_equal(tensor(*this), other);
}
Tensor ComposedMethods::not_equal(const Tensor& other) const {
  return reel::not_equal(tensor(*this), other);
}
Tensor ComposedMethods::not_equal(const Scalar& other) const {
  return reel::not_equal(tensor(*this), other);
}
Tensor ComposedMethods::clip(const std::optional<Scalar>& min,
                             const std::optional<Scalar>& max) const {
  return reel::clip(tensor(*this), min, max);
}
Tensor ComposedMethods::sgn() const { return reel::sgn(tensor(*this)); }
Tensor ComposedMethods::exp2() const { return reel::exp2(tensor(*this)); }
Tensor ComposedMethods::logaddexp(const Tensor& other) const {
  return reel::logaddexp(tensor(*this), other);
}
Tensor ComposedMethods::xlogy(const Tensor& other) const {
  return reel::xlogy(tensor(*this), other);
}
Tensor ComposedMethods::xlogy(const Scalar& other) const {
  return reel::xlogy(tensor(*this), other);
}
Tensor ComposedMethods::logit(std::optional<double> eps) const {
  return reel::logit(tensor(*this), eps);
}
Tensor ComposedMethods::sinc() const { return reel::sinc(tensor(*this)); }
Tensor ComposedMethods::asinh() const { return reel::asinh(tensor(*this)); }
Tensor ComposedMethods::acosh() const { return reel::acosh(tensor(*this)); }
Tensor ComposedMethods::atanh() const { return reel::atanh(tensor(*this)); }
Tensor ComposedMethods::fmax(const Tensor& other) const { return reel::fmax(tensor(*this), other); }
Tensor ComposedMethods::fmin(const Tensor& other) const { return reel::fmin(tensor(*this), other); }
Tensor ComposedMethods::bitwise_and(const Tensor& other) const {
  return reel::bitwise_and(tensor(*this), other);
}
Tensor ComposedMethods::bitwise_or(const Tensor& other) const {
  return reel::bitwise_or(tensor(*this), other);
}
Tensor ComposedMethods::bitwise_xor(const Tensor& other) const {
  return reel::bitwise_xor(tensor(*this), other);
}
Tensor ComposedMethods::bitwise_not() const { return reel::bitwise_not(tensor(*this)); }
Tensor ComposedMethods::isclose(const Tensor& other, double rtol, double atol,
                                bool equal_nan) const {
  return reel::isclose(tensor(*this), other, rtol, atol, equal_nan);
}
Tensor ComposedMethods::dist(const Tensor& other, const Scalar& p) const {
  return reel::dist(tensor(*this), other, p);
}
Tensor ComposedMethods::nansum(IntArrayRef dim, bool keepdim) const {
  return reel::nansum(tensor(*this), dim, keepdim);
}
Tensor ComposedMethods::nanmean(IntArrayRef dim, bool keepdim) const {
  return reel::nanmean(tensor(*this), dim, keepdim);
}
std::tuple<Tensor, Tensor> ComposedMethods::aminmax(std::optional<std::int64_t> dim,
                                                    bool keepdim) const {
  return reel::aminmax(tensor(*this), dim, keepdim);
}
Tensor ComposedMethods::addmv(const Tensor& matrix, const Tensor& vector, const Scalar& beta,
                              const Scalar& alpha) const {
  return reel::addmv(tensor(*this), matrix, vector, beta, alpha);
}
Tensor ComposedMethods::addr(const Tensor& u, const Tensor& v, const Scalar& beta,
                             const Scalar& alpha) const {
  return reel::addr(tensor(*this), u, v, beta, alpha);
}
Tensor ComposedMethods::inner(const Tensor& other) const {
  return reel::inner(tensor(*this), other);
}
Tensor ComposedMethods::kron(const Tensor& other) const { return reel::kron(tensor(*this), other); }
Tensor ComposedMethods::ger(const Tensor& other) const { return reel::ger(tensor(*this), other); }
Tensor ComposedMethods::diff(std::int64_t n, std::int64_t dim) const {
  return reel::diff(tensor(*this), n, dim);
}
Tensor ComposedMethods::ravel() const { return reel::ravel(tensor(*this)); }
Tensor ComposedMethods::broadcast_to(IntArrayRef size) const {
  return reel::broadcast_to(tensor(*this), size);
}
Tensor ComposedMethods::flipud() const { return reel::flipud(tensor(*this)); }
Tensor ComposedMethods::fliplr() const { return reel::fliplr(tensor(*this)); }
Tensor ComposedMethods::rot90(std::int64_t k, IntArrayRef dims) const {
  return reel::rot90(tensor(*this), k, dims);
}
Tensor ComposedMethods::diag_embed(std::int64_t offset, std::int64_t dim1,
                                   std::int64_t dim2) const {
  return reel::diag_embed(tensor(*this), offset, dim1, dim2);
}
std::vector<Tensor> ComposedMethods::tensor_split(std::int64_t sections, std::int64_t dim) const {
  return reel::tensor_split(tensor(*this), sections, dim);
}
std::vector<Tensor> ComposedMethods::tensor_split(IntArrayRef indices, std::int64_t dim) const {
  return reel::tensor_split(tensor(*this), indices, dim);
}
Tensor ComposedMethods::select_scatter(const Tensor& source, std::int64_t dim,
                                       std::int64_t index) const {
  return reel::select_scatter(tensor(*this), source, dim, index);
}
Tensor ComposedMethods::slice_scatter(const Tensor& source, std::int64_t dim,
                                      std::optional<std::int64_t> start,
                                      std::optional<std::int64_t> end, std::int64_t step) const {
  return reel::slice_scatter(tensor(*this), source, dim, start, end, step);
}
Tensor ComposedMethods::diagonal_scatter(const Tensor& source, std::int64_t offset,
                                         std::int64_t dim1, std::int64_t dim2) const {
  return reel::diagonal_scatter(tensor(*this), source, offset, dim1, dim2);
}
Tensor ComposedMethods::take(const Tensor& index) const { return reel::take(tensor(*this), index); }
Tensor ComposedMethods::argwhere() const { return reel::argwhere(tensor(*this)); }
Tensor ComposedMethods::scatter_reduce(std::int64_t dim, const Tensor& index, const Tensor& source,
                                       std::string_view reduce, bool include_self) const {
  return reel::scatter_reduce(tensor(*this), dim, index, source, reduce, include_self);
}
Tensor ComposedMethods::index_fill(std::int64_t dim, const Tensor& index,
                                   const Scalar& value) const {
  return reel::index_fill(tensor(*this), dim, index, value);
}
Tensor ComposedMethods::index_fill(std::int64_t dim, const Tensor& index,
                                   const Tensor& value) const {
  return reel::index_fill(tensor(*this), dim, index, value);
}
Tensor ComposedMethods::index_copy(std::int64_t dim, const Tensor& index,
                                   const Tensor& source) const {
  return reel::index_copy(tensor(*this), dim, index, source);
}
Tensor ComposedMethods::masked_scatter(const Tensor& mask, const Tensor& source) const {
  return reel::masked_scatter(tensor(*this), mask, source);
}
Tensor ComposedMethods::index_put(ArrayRef<indexing::TensorIndex> indices, const Tensor& value,
                                  bool accumulate) const {
  return tensor(*this).clone().index_put_(indices, value, accumulate);
}

}  // namespace reel::detail
