// Tensor's methods: each forwards to the free function of its name.
#pragma once

#include "ops/activation.hpp"
#include "ops/arrange.hpp"
#include "ops/creation.hpp"
#include "ops/index.hpp"
#include "ops/linalg.hpp"
#include "ops/normalise.hpp"
#include "ops/pointwise.hpp"
#include "ops/random.hpp"
#include "ops/reduce.hpp"
#include "ops/scan.hpp"
#include "ops/shape.hpp"
#include "ops/sort.hpp"

namespace reel {

inline Tensor Tensor::add(const Tensor& other, const Scalar& alpha) const {
  return reel::add(*this, other, alpha);
}
inline Tensor Tensor::add(const Scalar& other, const Scalar& alpha) const {
  return reel::add(*this, other, alpha);
}
inline Tensor Tensor::sub(const Tensor& other, const Scalar& alpha) const {
  return reel::sub(*this, other, alpha);
}
inline Tensor Tensor::sub(const Scalar& other, const Scalar& alpha) const {
  return reel::sub(*this, other, alpha);
}
inline Tensor Tensor::mul(const Tensor& other) const { return reel::mul(*this, other); }
inline Tensor Tensor::mul(const Scalar& other) const { return reel::mul(*this, other); }
inline Tensor Tensor::div(const Tensor& other) const { return reel::div(*this, other); }
inline Tensor Tensor::div(const Scalar& other) const { return reel::div(*this, other); }
inline Tensor Tensor::neg() const { return reel::neg(*this); }
inline Tensor Tensor::pow(const Scalar& exponent) const { return reel::pow(*this, exponent); }
inline Tensor Tensor::square() const { return reel::square(*this); }
inline Tensor Tensor::sqrt() const { return reel::sqrt(*this); }
inline Tensor Tensor::sign() const { return reel::sign(*this); }
inline Tensor Tensor::abs() const { return reel::abs(*this); }
inline Tensor Tensor::exp() const { return reel::exp(*this); }
inline Tensor Tensor::log() const { return reel::log(*this); }
inline Tensor Tensor::tanh() const { return reel::tanh(*this); }
inline Tensor Tensor::sigmoid() const { return reel::sigmoid(*this); }
inline Tensor Tensor::relu() const { return reel::relu(*this); }
inline Tensor Tensor::rsqrt() const { return reel::rsqrt(*this); }
inline Tensor Tensor::reciprocal() const { return reel::reciprocal(*this); }
inline Tensor Tensor::expm1() const { return reel::expm1(*this); }
inline Tensor Tensor::log1p() const { return reel::log1p(*this); }
inline Tensor Tensor::log2() const { return reel::log2(*this); }
inline Tensor Tensor::log10() const { return reel::log10(*this); }
inline Tensor Tensor::sin() const { return reel::sin(*this); }
inline Tensor Tensor::cos() const { return reel::cos(*this); }
inline Tensor Tensor::tan() const { return reel::tan(*this); }
inline Tensor Tensor::asin() const { return reel::asin(*this); }
inline Tensor Tensor::acos() const { return reel::acos(*this); }
inline Tensor Tensor::atan() const { return reel::atan(*this); }
inline Tensor Tensor::sinh() const { return reel::sinh(*this); }
inline Tensor Tensor::cosh() const { return reel::cosh(*this); }
inline Tensor Tensor::erf() const { return reel::erf(*this); }
inline Tensor Tensor::erfc() const { return reel::erfc(*this); }
inline Tensor Tensor::floor() const { return reel::floor(*this); }
inline Tensor Tensor::ceil() const { return reel::ceil(*this); }
inline Tensor Tensor::round() const { return reel::round(*this); }
inline Tensor Tensor::trunc() const { return reel::trunc(*this); }
inline Tensor Tensor::frac() const { return reel::frac(*this); }
inline Tensor Tensor::isnan() const { return reel::isnan(*this); }
inline Tensor Tensor::isinf() const { return reel::isinf(*this); }
inline Tensor Tensor::isfinite() const { return reel::isfinite(*this); }
inline Tensor Tensor::logical_not() const { return reel::logical_not(*this); }
inline Tensor Tensor::nan_to_num(std::optional<double> nan, std::optional<double> posinf,
                                 std::optional<double> neginf) const {
  return reel::nan_to_num(*this, nan, posinf, neginf);
}
inline Tensor Tensor::pow(const Tensor& exponent) const { return reel::pow(*this, exponent); }
inline Tensor Tensor::div(const Tensor& other,
                          std::optional<std::string_view> rounding_mode) const {
  return reel::div(*this, other, rounding_mode);
}
inline Tensor Tensor::div(const Scalar& other,
                          std::optional<std::string_view> rounding_mode) const {
  return reel::div(*this, other, rounding_mode);
}
inline Tensor Tensor::clamp(const std::optional<Scalar>& min,
                            const std::optional<Scalar>& max) const {
  return reel::clamp(*this, min, max);
}
inline Tensor Tensor::clamp(const std::optional<Tensor>& min,
                            const std::optional<Tensor>& max) const {
  return reel::clamp(*this, min, max);
}
inline Tensor Tensor::clamp_min(const Scalar& min) const { return reel::clamp_min(*this, min); }
inline Tensor Tensor::clamp_min(const Tensor& min) const { return reel::clamp_min(*this, min); }
inline Tensor Tensor::clamp_max(const Scalar& max) const { return reel::clamp_max(*this, max); }
inline Tensor Tensor::clamp_max(const Tensor& max) const { return reel::clamp_max(*this, max); }
inline Tensor Tensor::maximum(const Tensor& other) const { return reel::maximum(*this, other); }
inline Tensor Tensor::minimum(const Tensor& other) const { return reel::minimum(*this, other); }
inline Tensor Tensor::floor_divide(const Tensor& other) const {
  return reel::floor_divide(*this, other);
}
inline Tensor Tensor::floor_divide(const Scalar& other) const {
  return reel::floor_divide(*this, other);
}
inline Tensor Tensor::remainder(const Tensor& other) const { return reel::remainder(*this, other); }
inline Tensor Tensor::remainder(const Scalar& other) const { return reel::remainder(*this, other); }
inline Tensor Tensor::fmod(const Tensor& other) const { return reel::fmod(*this, other); }
inline Tensor Tensor::fmod(const Scalar& other) const { return reel::fmod(*this, other); }
inline Tensor Tensor::atan2(const Tensor& other) const { return reel::atan2(*this, other); }
inline Tensor Tensor::hypot(const Tensor& other) const { return reel::hypot(*this, other); }
inline Tensor Tensor::lerp(const Tensor& end, const Tensor& weight) const {
  return reel::lerp(*this, end, weight);
}
inline Tensor Tensor::lerp(const Tensor& end, const Scalar& weight) const {
  return reel::lerp(*this, end, weight);
}
inline Tensor Tensor::addcmul(const Tensor& tensor1, const Tensor& tensor2,
                              const Scalar& value) const {
  return reel::addcmul(*this, tensor1, tensor2, value);
}
inline Tensor Tensor::addcdiv(const Tensor& tensor1, const Tensor& tensor2,
                              const Scalar& value) const {
  return reel::addcdiv(*this, tensor1, tensor2, value);
}
inline Tensor Tensor::logical_and(const Tensor& other) const {
  return reel::logical_and(*this, other);
}
inline Tensor Tensor::logical_or(const Tensor& other) const {
  return reel::logical_or(*this, other);
}
inline Tensor Tensor::logical_xor(const Tensor& other) const {
  return reel::logical_xor(*this, other);
}
inline Tensor& Tensor::neg_() const { return reel::neg_(*this); }
inline Tensor& Tensor::square_() const { return reel::square_(*this); }
inline Tensor& Tensor::sqrt_() const { return reel::sqrt_(*this); }
inline Tensor& Tensor::abs_() const { return reel::abs_(*this); }
inline Tensor& Tensor::sign_() const { return reel::sign_(*this); }
inline Tensor& Tensor::exp_() const { return reel::exp_(*this); }
inline Tensor& Tensor::log_() const { return reel::log_(*this); }
inline Tensor& Tensor::tanh_() const { return reel::tanh_(*this); }
inline Tensor& Tensor::sigmoid_() const { return reel::sigmoid_(*this); }
inline Tensor& Tensor::relu_() const { return reel::relu_(*this); }
inline Tensor& Tensor::rsqrt_() const { return reel::rsqrt_(*this); }
inline Tensor& Tensor::reciprocal_() const { return reel::reciprocal_(*this); }
inline Tensor& Tensor::expm1_() const { return reel::expm1_(*this); }
inline Tensor& Tensor::log1p_() const { return reel::log1p_(*this); }
inline Tensor& Tensor::log2_() const { return reel::log2_(*this); }
inline Tensor& Tensor::log10_() const { return reel::log10_(*this); }
inline Tensor& Tensor::sin_() const { return reel::sin_(*this); }
inline Tensor& Tensor::cos_() const { return reel::cos_(*this); }
inline Tensor& Tensor::tan_() const { return reel::tan_(*this); }
inline Tensor& Tensor::asin_() const { return reel::asin_(*this); }
inline Tensor& Tensor::acos_() const { return reel::acos_(*this); }
inline Tensor& Tensor::atan_() const { return reel::atan_(*this); }
inline Tensor& Tensor::sinh_() const { return reel::sinh_(*this); }
inline Tensor& Tensor::cosh_() const { return reel::cosh_(*this); }
inline Tensor& Tensor::erf_() const { return reel::erf_(*this); }
inline Tensor& Tensor::erfc_() const { return reel::erfc_(*this); }
inline Tensor& Tensor::floor_() const { return reel::floor_(*this); }
inline Tensor& Tensor::ceil_() const { return reel::ceil_(*this); }
inline Tensor& Tensor::round_() const { return reel::round_(*this); }
inline Tensor& Tensor::trunc_() const { return reel::trunc_(*this); }
inline Tensor& Tensor::frac_() const { return reel::frac_(*this); }
inline Tensor& Tensor::nan_to_num_(std::optional<double> nan, std::optional<double> posinf,
                                   std::optional<double> neginf) const {
  return reel::nan_to_num_(*this, nan, posinf, neginf);
}
inline Tensor& Tensor::clamp_(const std::optional<Scalar>& min,
                              const std::optional<Scalar>& max) const {
  return reel::clamp_(*this, min, max);
}
inline Tensor& Tensor::clamp_(const std::optional<Tensor>& min,
                              const std::optional<Tensor>& max) const {
  return reel::clamp_(*this, min, max);
}
inline Tensor& Tensor::clamp_min_(const Scalar& min) const { return reel::clamp_min_(*this, min); }
inline Tensor& Tensor::clamp_max_(const Scalar& max) const { return reel::clamp_max_(*this, max); }
inline Tensor& Tensor::clamp_min_(const Tensor& min) const { return reel::clamp_min_(*this, min); }
inline Tensor& Tensor::clamp_max_(const Tensor& max) const { return reel::clamp_max_(*this, max); }
inline Tensor Tensor::eq(const Tensor& other) const { return reel::eq(*this, other); }
inline Tensor Tensor::eq(const Scalar& other) const { return reel::eq(*this, other); }
inline Tensor Tensor::ne(const Tensor& other) const { return reel::ne(*this, other); }
inline Tensor Tensor::ne(const Scalar& other) const { return reel::ne(*this, other); }
inline Tensor Tensor::lt(const Tensor& other) const { return reel::lt(*this, other); }
inline Tensor Tensor::lt(const Scalar& other) const { return reel::lt(*this, other); }
inline Tensor Tensor::le(const Tensor& other) const { return reel::le(*this, other); }
inline Tensor Tensor::le(const Scalar& other) const { return reel::le(*this, other); }
inline Tensor Tensor::gt(const Tensor& other) const { return reel::gt(*this, other); }
inline Tensor Tensor::gt(const Scalar& other) const { return reel::gt(*this, other); }
inline Tensor Tensor::ge(const Tensor& other) const { return reel::ge(*this, other); }
inline Tensor Tensor::ge(const Scalar& other) const { return reel::ge(*this, other); }
inline Tensor Tensor::masked_fill(const Tensor& mask, const Scalar& value) const {
  return reel::masked_fill(*this, mask, value);
}
inline Tensor Tensor::masked_fill(const Tensor& mask, const Tensor& value) const {
  return reel::masked_fill(*this, mask, value);
}
inline Tensor Tensor::where(const Tensor& condition, const Tensor& other) const {
  return reel::where(condition, *this, other);
}
inline Tensor Tensor::where(const Tensor& condition, const Scalar& other) const {
  return reel::where(condition, *this, other);
}
inline Tensor Tensor::hardshrink(const Scalar& lambd) const {
  return reel::hardshrink(*this, lambd);
}
inline Tensor Tensor::prelu(const Tensor& weight) const { return reel::prelu(*this, weight); }
inline bool Tensor::equal(const Tensor& other) const { return reel::equal(*this, other); }
inline bool Tensor::allclose(const Tensor& other, double rtol, double atol, bool equal_nan) const {
  return reel::allclose(*this, other, rtol, atol, equal_nan);
}
inline Tensor Tensor::sum() const { return reel::sum(*this); }
inline Tensor Tensor::sum(IntArrayRef dim, bool keepdim, std::optional<ScalarType> dtype) const {
  return reel::sum(*this, dim, keepdim, dtype);
}
inline Tensor Tensor::mean() const { return reel::mean(*this); }
inline Tensor Tensor::mean(IntArrayRef dim, bool keepdim, std::optional<ScalarType> dtype) const {
  return reel::mean(*this, dim, keepdim, dtype);
}
inline Tensor Tensor::max() const { return reel::max(*this); }
inline Tensor Tensor::min() const { return reel::min(*this); }
inline Tensor Tensor::argmax(std::optional<std::int64_t> dim, bool keepdim) const {
  return reel::argmax(*this, dim, keepdim);
}
inline Tensor Tensor::sum_to_size(IntArrayRef sizes) const {
  return reel::sum_to_size(*this, sizes);
}
inline Tensor Tensor::matmul(const Tensor& other) const { return reel::matmul(*this, other); }
inline Tensor Tensor::mm(const Tensor& other) const { return reel::mm(*this, other); }
inline Tensor Tensor::t() const { return reel::t(*this); }
inline Tensor Tensor::view(IntArrayRef sizes) const { return reel::view(*this, sizes); }
inline Tensor Tensor::reshape(IntArrayRef sizes) const { return reel::reshape(*this, sizes); }
inline Tensor Tensor::flatten(std::int64_t start_dim, std::int64_t end_dim) const {
  return reel::flatten(*this, start_dim, end_dim);
}
inline Tensor Tensor::transpose(std::int64_t dim0, std::int64_t dim1) const {
  return reel::transpose(*this, dim0, dim1);
}
inline Tensor Tensor::permute(IntArrayRef dims) const { return reel::permute(*this, dims); }
inline Tensor Tensor::squeeze() const { return reel::squeeze(*this); }
inline Tensor Tensor::squeeze(std::int64_t dim) const { return reel::squeeze(*this, dim); }
inline Tensor Tensor::unsqueeze(std::int64_t dim) const { return reel::unsqueeze(*this, dim); }
inline Tensor Tensor::diagonal(std::int64_t offset, std::int64_t dim1, std::int64_t dim2) const {
  return reel::diagonal(*this, offset, dim1, dim2);
}
inline Tensor Tensor::expand(IntArrayRef sizes, bool) const { return reel::expand(*this, sizes); }
inline Tensor Tensor::expand_as(const Tensor& other) const { return expand(other.sizes()); }
inline Tensor Tensor::as_strided(IntArrayRef sizes, IntArrayRef strides,
                                 std::optional<std::int64_t> storage_offset) const {
  return reel::as_strided(*this, sizes, strides, storage_offset);
}
inline Tensor Tensor::narrow(std::int64_t dim, std::int64_t start, std::int64_t length) const {
  return reel::narrow(*this, dim, start, length);
}
inline Tensor Tensor::select(std::int64_t dim, std::int64_t index) const {
  return reel::select(*this, dim, index);
}
inline Tensor Tensor::slice(std::int64_t dim, std::optional<std::int64_t> start,
                            std::optional<std::int64_t> end, std::int64_t step) const {
  return reel::slice(*this, dim, start, end, step);
}
inline std::vector<Tensor> Tensor::split(std::int64_t split_size, std::int64_t dim) const {
  return reel::split(*this, split_size, dim);
}
inline std::vector<Tensor> Tensor::split(IntArrayRef sizes, std::int64_t dim) const {
  return reel::split_with_sizes(*this, sizes, dim);
}
inline std::vector<Tensor> Tensor::split_with_sizes(IntArrayRef sizes, std::int64_t dim) const {
  return reel::split_with_sizes(*this, sizes, dim);
}
inline std::vector<Tensor> Tensor::chunk(std::int64_t chunks, std::int64_t dim) const {
  return reel::chunk(*this, chunks, dim);
}
inline std::vector<Tensor> Tensor::unbind(std::int64_t dim) const {
  return reel::unbind(*this, dim);
}
inline Tensor Tensor::index(ArrayRef<indexing::TensorIndex> indices) const {
  return reel::index(*this, indices);
}
inline Tensor Tensor::index(std::initializer_list<indexing::TensorIndex> indices) const {
  return reel::index(*this, ArrayRef<indexing::TensorIndex>(indices));
}
inline Tensor Tensor::index_select(std::int64_t dim, const Tensor& index) const {
  return reel::index_select(*this, dim, index);
}
inline Tensor Tensor::softmax(std::int64_t dim, std::optional<ScalarType> dtype) const {
  return reel::softmax(*this, dim, dtype);
}
inline Tensor Tensor::log_softmax(std::int64_t dim, std::optional<ScalarType> dtype) const {
  return reel::log_softmax(*this, dim, dtype);
}
inline Tensor Tensor::multinomial(std::int64_t num_samples, bool replacement) const {
  return reel::multinomial(*this, num_samples, replacement);
}
inline Tensor& Tensor::index_put_(std::initializer_list<indexing::TensorIndex> indices,
                                  const Tensor& value) const {
  return index_put_(ArrayRef<indexing::TensorIndex>(indices), value);
}
inline Tensor& Tensor::index_put_(std::initializer_list<indexing::TensorIndex> indices,
                                  const Scalar& value) const {
  return index_put_(ArrayRef<indexing::TensorIndex>(indices), value);
}

// Reductions, order, rearrangement, picking.
inline std::tuple<Tensor, Tensor> Tensor::max(std::int64_t dim, bool keepdim) const {
  return reel::max(*this, dim, keepdim);
}
inline std::tuple<Tensor, Tensor> Tensor::min(std::int64_t dim, bool keepdim) const {
  return reel::min(*this, dim, keepdim);
}
inline Tensor Tensor::amax(IntArrayRef dim, bool keepdim) const {
  return reel::amax(*this, dim, keepdim);
}
inline Tensor Tensor::amin(IntArrayRef dim, bool keepdim) const {
  return reel::amin(*this, dim, keepdim);
}
inline Tensor Tensor::argmin(std::optional<std::int64_t> dim, bool keepdim) const {
  return reel::argmin(*this, dim, keepdim);
}
inline Tensor Tensor::prod() const { return reel::prod(*this); }
inline Tensor Tensor::prod(IntArrayRef dim, bool keepdim, std::optional<ScalarType> dtype) const {
  return reel::prod(*this, dim, keepdim, dtype);
}
inline Tensor Tensor::var() const { return reel::var(*this); }
inline Tensor Tensor::var(IntArrayRef dim, std::optional<std::int64_t> correction,
                          bool keepdim) const {
  return reel::var(*this, dim, correction, keepdim);
}
inline Tensor Tensor::std() const { return reel::std(*this); }
inline Tensor Tensor::std(IntArrayRef dim, std::optional<std::int64_t> correction,
                          bool keepdim) const {
  return reel::std(*this, dim, correction, keepdim);
}
inline Tensor Tensor::logsumexp(IntArrayRef dim, bool keepdim) const {
  return reel::logsumexp(*this, dim, keepdim);
}
inline Tensor Tensor::norm(const Scalar& p) const { return reel::norm(*this, p); }
inline Tensor Tensor::norm(const std::optional<Scalar>& p, IntArrayRef dim, bool keepdim) const {
  return reel::norm(*this, p, dim, keepdim);
}
inline Tensor Tensor::any() const { return reel::any(*this); }
inline Tensor Tensor::any(IntArrayRef dim, bool keepdim) const {
  return reel::any(*this, dim, keepdim);
}
inline Tensor Tensor::all() const { return reel::all(*this); }
inline Tensor Tensor::all(IntArrayRef dim, bool keepdim) const {
  return reel::all(*this, dim, keepdim);
}
inline Tensor Tensor::count_nonzero(IntArrayRef dim) const {
  return reel::count_nonzero(*this, dim);
}
inline Tensor Tensor::cumsum(std::int64_t dim, std::optional<ScalarType> dtype) const {
  return reel::cumsum(*this, dim, dtype);
}
inline Tensor Tensor::cumprod(std::int64_t dim, std::optional<ScalarType> dtype) const {
  return reel::cumprod(*this, dim, dtype);
}
inline std::tuple<Tensor, Tensor> Tensor::cummax(std::int64_t dim) const {
  return reel::cummax(*this, dim);
}
inline std::tuple<Tensor, Tensor> Tensor::cummin(std::int64_t dim) const {
  return reel::cummin(*this, dim);
}
inline std::tuple<Tensor, Tensor> Tensor::sort(std::int64_t dim, bool descending) const {
  return reel::sort(*this, dim, descending);
}
inline std::tuple<Tensor, Tensor> Tensor::sort(std::optional<bool> stable, std::int64_t dim,
                                               bool descending) const {
  return reel::sort(*this, stable, dim, descending);
}
template <class B, OnlyBool<B>>
Tensor Tensor::argsort(B stable, std::int64_t dim, bool descending) const {
  return reel::argsort(*this, stable, dim, descending);
}
inline Tensor Tensor::argsort(std::int64_t dim, bool descending) const {
  return reel::argsort(*this, dim, descending);
}
inline std::tuple<Tensor, Tensor> Tensor::topk(std::int64_t k, std::int64_t dim, bool largest,
                                               bool sorted) const {
  return reel::topk(*this, k, dim, largest, sorted);
}
inline std::tuple<Tensor, Tensor> Tensor::kthvalue(std::int64_t k, std::int64_t dim,
                                                   bool keepdim) const {
  return reel::kthvalue(*this, k, dim, keepdim);
}
inline Tensor Tensor::median() const { return reel::median(*this); }
inline std::tuple<Tensor, Tensor> Tensor::median(std::int64_t dim, bool keepdim) const {
  return reel::median(*this, dim, keepdim);
}
inline Tensor Tensor::bincount(const Tensor& weights, std::int64_t minlength) const {
  return reel::bincount(*this, weights, minlength);
}
inline Tensor Tensor::bmm(const Tensor& other) const { return reel::bmm(*this, other); }
inline Tensor Tensor::mv(const Tensor& vector) const { return reel::mv(*this, vector); }
inline Tensor Tensor::dot(const Tensor& other) const { return reel::dot(*this, other); }
inline Tensor Tensor::outer(const Tensor& other) const { return reel::outer(*this, other); }
inline Tensor Tensor::addmm(const Tensor& a, const Tensor& b, const Scalar& beta,
                            const Scalar& alpha) const {
  return reel::addmm(*this, a, b, beta, alpha);
}
inline Tensor Tensor::baddbmm(const Tensor& a, const Tensor& b, const Scalar& beta,
                              const Scalar& alpha) const {
  return reel::baddbmm(*this, a, b, beta, alpha);
}
inline Tensor Tensor::squeeze(IntArrayRef dims) const { return reel::squeeze(*this, dims); }
inline Tensor Tensor::view_as(const Tensor& other) const {
  return reel::view(*this, other.sizes());
}
inline Tensor Tensor::reshape_as(const Tensor& other) const {
  return reel::reshape(*this, other.sizes());
}
inline Tensor Tensor::unfold(std::int64_t dimension, std::int64_t size, std::int64_t step) const {
  return reel::unfold(*this, dimension, size, step);
}
inline Tensor Tensor::unflatten(std::int64_t dim, IntArrayRef sizes) const {
  return reel::unflatten(*this, dim, sizes);
}
inline Tensor Tensor::movedim(IntArrayRef source, IntArrayRef destination) const {
  return reel::movedim(*this, source, destination);
}
inline Tensor Tensor::moveaxis(IntArrayRef source, IntArrayRef destination) const {
  return reel::moveaxis(*this, source, destination);
}
inline Tensor Tensor::swapaxes(std::int64_t axis0, std::int64_t axis1) const {
  return reel::swapaxes(*this, axis0, axis1);
}
inline Tensor Tensor::swapdims(std::int64_t dim0, std::int64_t dim1) const {
  return reel::swapdims(*this, dim0, dim1);
}
inline Tensor Tensor::repeat(IntArrayRef repeats) const { return reel::repeat(*this, repeats); }
inline Tensor Tensor::tile(IntArrayRef repeats) const { return reel::tile(*this, repeats); }
inline Tensor Tensor::repeat_interleave(std::int64_t repeats,
                                        std::optional<std::int64_t> dim) const {
  return reel::repeat_interleave(*this, repeats, dim);
}
inline Tensor Tensor::repeat_interleave(const Tensor& repeats,
                                        std::optional<std::int64_t> dim) const {
  return reel::repeat_interleave(*this, repeats, dim);
}
inline Tensor Tensor::flip(IntArrayRef dims) const { return reel::flip(*this, dims); }
inline Tensor Tensor::roll(IntArrayRef shifts, IntArrayRef dims) const {
  return reel::roll(*this, shifts, dims);
}
inline Tensor Tensor::tril(std::int64_t diagonal) const { return reel::tril(*this, diagonal); }
inline Tensor Tensor::triu(std::int64_t diagonal) const { return reel::triu(*this, diagonal); }
inline Tensor Tensor::diag(std::int64_t diagonal) const { return reel::diag(*this, diagonal); }
inline Tensor Tensor::trace() const { return reel::trace(*this); }
inline Tensor& Tensor::index_put_(std::initializer_list<indexing::TensorIndex> indices,
                                  const Tensor& value, bool accumulate) const {
  return index_put_(ArrayRef<indexing::TensorIndex>(indices), value, accumulate);
}
inline Tensor Tensor::index_add(std::int64_t dim, const Tensor& index, const Tensor& source,
                                const Scalar& alpha) const {
  return reel::index_add(*this, dim, index, source, alpha);
}
inline Tensor Tensor::gather(std::int64_t dim, const Tensor& index) const {
  return reel::gather(*this, dim, index);
}
inline Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  return reel::scatter(*this, dim, index, source);
}
inline Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Scalar& value) const {
  return reel::scatter(*this, dim, index, value);
}
inline Tensor Tensor::scatter_add(std::int64_t dim, const Tensor& index,
                                  const Tensor& source) const {
  return reel::scatter_add(*this, dim, index, source);
}
inline Tensor Tensor::take_along_dim(const Tensor& indices, std::optional<std::int64_t> dim) const {
  return reel::take_along_dim(*this, indices, dim);
}
inline Tensor Tensor::masked_select(const Tensor& mask) const {
  return reel::masked_select(*this, mask);
}
inline Tensor Tensor::nonzero() const { return reel::nonzero(*this); }

inline Tensor Tensor::new_empty(IntArrayRef sizes, const TensorOptions& options) const {
  return reel::empty(sizes, options.has_dtype() ? options : options.dtype(scalar_type()));
}
inline Tensor Tensor::new_zeros(IntArrayRef sizes, const TensorOptions& options) const {
  return reel::zeros(sizes, options.has_dtype() ? options : options.dtype(scalar_type()));
}
inline Tensor Tensor::new_ones(IntArrayRef sizes, const TensorOptions& options) const {
  return reel::ones(sizes, options.has_dtype() ? options : options.dtype(scalar_type()));
}
inline Tensor Tensor::new_full(IntArrayRef sizes, const Scalar& value,
                               const TensorOptions& options) const {
  return reel::full(sizes, value, options.has_dtype() ? options : options.dtype(scalar_type()));
}

inline Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Tensor& source,
                              std::string_view reduce) const {
  return reel::scatter(*this, dim, index, source, reduce);
}
inline Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Scalar& value,
                              std::string_view reduce) const {
  return reel::scatter(*this, dim, index, value, reduce);
}

}  // namespace reel
