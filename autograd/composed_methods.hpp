// Tensor's methods for the ops of ops/aliases.hpp, ops/composed.hpp and ops/bitwise.hpp: each is
// the free function of its name. Tensor derives from them; they stand here to keep its own header
// short.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "dims.hpp"
#include "dtype.hpp"

namespace reel {

class Tensor;
namespace indexing {
class TensorIndex;
}

namespace detail {

struct ComposedMethods {
  Tensor subtract(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor multiply(const Tensor& other) const;
  Tensor divide(const Tensor& other) const;
  Tensor true_divide(const Tensor& other) const;
  Tensor negative() const;
  Tensor absolute() const;
  Tensor less(const Tensor& other) const;
  Tensor less(const Scalar& other) const;
  Tensor less_equal(const Tensor& other) const;
  Tensor less_equal(const Scalar& other) const;
  Tensor greater(const Tensor& other) const;
  Tensor greater(const Scalar& other) const;
  Tensor greater_equal(const Tensor& other) const;
  Tensor greater_equal(const Scalar& other) const;
  Tensor not_equal(const Tensor& other) const;
  Tensor not_equal(const Scalar& other) const;
  Tensor clip(const std::optional<Scalar>& min, const std::optional<Scalar>& max = nullopt) const;
  Tensor sgn() const;
  Tensor exp2() const;
  Tensor logaddexp(const Tensor& other) const;
  Tensor xlogy(const Tensor& other) const;
  Tensor xlogy(const Scalar& other) const;
  Tensor logit(std::optional<double> eps = nullopt) const;
  Tensor sinc() const;
  Tensor asinh() const;
  Tensor acosh() const;
  Tensor atanh() const;
  Tensor fmax(const Tensor& other) const;
  Tensor fmin(const Tensor& other) const;
  Tensor bitwise_and(const Tensor& other) const;
  Tensor bitwise_or(const Tensor& other) const;
  Tensor bitwise_xor(const Tensor& other) const;
  Tensor bitwise_not() const;
  Tensor isclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
                 bool equal_nan = false) const;
  Tensor dist(const Tensor& other, const Scalar& p = 2) const;
  Tensor nansum(IntArrayRef dim = {}, bool keepdim = false) const;
  Tensor nanmean(IntArrayRef dim = {}, bool keepdim = false) const;
  std::tuple<Tensor, Tensor> aminmax(std::optional<std::int64_t> dim = nullopt,
                                     bool keepdim = false) const;
  Tensor addmv(const Tensor& matrix, const Tensor& vector, const Scalar& beta = 1,
               const Scalar& alpha = 1) const;
  Tensor addr(const Tensor& u, const Tensor& v, const Scalar& beta = 1,
              const Scalar& alpha = 1) const;
  Tensor inner(const Tensor& other) const;
  Tensor kron(const Tensor& other) const;
  Tensor ger(const Tensor& other) const;
  Tensor diff(std::int64_t n = 1, std::int64_t dim = -1) const;
  Tensor ravel() const;
  Tensor broadcast_to(IntArrayRef size) const;
  Tensor flipud() const;
  Tensor fliplr() const;
  Tensor rot90(std::int64_t k = 1, IntArrayRef dims = {0, 1}) const;
  Tensor diag_embed(std::int64_t offset = 0, std::int64_t dim1 = -2, std::int64_t dim2 = -1) const;
  std::vector<Tensor> tensor_split(std::int64_t sections, std::int64_t dim = 0) const;
  std::vector<Tensor> tensor_split(IntArrayRef indices, std::int64_t dim = 0) const;
  Tensor select_scatter(const Tensor& source, std::int64_t dim, std::int64_t index) const;
  Tensor slice_scatter(const Tensor& source, std::int64_t dim = 0,
                       std::optional<std::int64_t> start = nullopt,
                       std::optional<std::int64_t> end = nullopt, std::int64_t step = 1) const;
  Tensor diagonal_scatter(const Tensor& source, std::int64_t offset = 0, std::int64_t dim1 = 0,
                          std::int64_t dim2 = 1) const;
  Tensor take(const Tensor& index) const;
  Tensor argwhere() const;
  Tensor scatter_reduce(std::int64_t dim, const Tensor& index, const Tensor& source,
                        std::string_view reduce, bool include_self = true) const;
  Tensor index_fill(std::int64_t dim, const Tensor& index, const Scalar& value) const;
  Tensor index_fill(std::int64_t dim, const Tensor& index, const Tensor& value) const;
  Tensor index_copy(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor masked_scatter(const Tensor& mask, const Tensor& source) const;
  Tensor index_put(ArrayRef<indexing::TensorIndex> indices, const Tensor& value,
                   bool accumulate = false) const;
};

}  // namespace detail
}  // namespace reel
