// Tensor's methods: each forwards to the free function of its name.
#pragma once

#include "ops/creation.hpp"
#include "ops/index.hpp"
#include "ops/linalg.hpp"
#include "ops/normalise.hpp"
#include "ops/pointwise.hpp"
#include "ops/random.hpp"
#include "ops/reduce.hpp"
#include "ops/shape.hpp"

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
inline Tensor Tensor::sum() const { return reel::sum(*this); }
inline Tensor Tensor::sum(IntArrayRef dim, bool keepdim) const {
  return reel::sum(*this, dim, keepdim);
}
inline Tensor Tensor::mean() const { return reel::mean(*this); }
inline Tensor Tensor::mean(IntArrayRef dim, bool keepdim) const {
  return reel::mean(*this, dim, keepdim);
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
inline Tensor Tensor::expand(IntArrayRef sizes, bool) const { return reel::expand(*this, sizes); }
inline Tensor Tensor::expand_as(const Tensor& other) const {
  return reel::expand(*this, other.sizes());
}
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
inline Tensor Tensor::softmax(std::int64_t dim) const { return reel::softmax(*this, dim); }
inline Tensor Tensor::log_softmax(std::int64_t dim) const { return reel::log_softmax(*this, dim); }
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

}  // namespace reel
