// Ops that are a few lines of others, from which their gradients follow.
// https://pytorch.org/docs/stable/torch.html has each under its name.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "../tensor.hpp"

namespace reel {

// ---- pointwise
/// log(e^a + e^b), without overflow; and the same to the base of 2.
Tensor logaddexp(const Tensor& self, const Tensor& other);
Tensor logaddexp2(const Tensor& self, const Tensor& other);
/// x log(y); 0 where x is 0, unless y is NaN.
Tensor xlogy(const Tensor& self, const Tensor& other);
Tensor xlogy(const Tensor& self, const Scalar& other);
/// log(x / (1 - x)), of x clamped to [eps, 1 - eps] where `eps` is given.
Tensor logit(const Tensor& self, std::optional<double> eps = nullopt);
/// sin(pi x) / (pi x); 1 where x is 0.
Tensor sinc(const Tensor& self);
/// The inverses of sinh, cosh and tanh.
Tensor asinh(const Tensor& self);
Tensor acosh(const Tensor& self);
Tensor atanh(const Tensor& self);
/// The larger (smaller) of two, or the other one where one is NaN.
Tensor fmax(const Tensor& self, const Tensor& other);
Tensor fmin(const Tensor& self, const Tensor& other);

// ---- reductions
/// sum() and mean() of what is not NaN.
Tensor nansum(const Tensor& self, IntArrayRef dim = {}, bool keepdim = false);
Tensor nanmean(const Tensor& self, IntArrayRef dim = {}, bool keepdim = false);
std::tuple<Tensor, Tensor> aminmax(const Tensor& self, std::optional<std::int64_t> dim = nullopt,
                                   bool keepdim = false);
std::tuple<Tensor, Tensor> std_mean(const Tensor& x);
std::tuple<Tensor, Tensor> std_mean(const Tensor& x, IntArrayRef dim,
                                    std::optional<std::int64_t> correction = nullopt,
                                    bool keepdim = false);

// ---- products
/// The sum of products along the last dimension of both.
Tensor inner(const Tensor& self, const Tensor& other);
/// The sum of products over the dimensions `dims_self` and `dims_other`, which must agree; what is
/// left of the first comes before what is left of the second.
Tensor tensordot(const Tensor& self, const Tensor& other, IntArrayRef dims_self,
                 IntArrayRef dims_other);
/// The Kronecker product.
Tensor kron(const Tensor& self, const Tensor& other);
/// Distances of order p between rows: [*, n, k] and [*, m, k] give [*, n, m].
Tensor cdist(const Tensor& x1, const Tensor& x2, double p = 2);

// ---- shape
/// `dim` divided at `indices`, or into `sections` pieces of which the first are the longer ones.
std::vector<Tensor> tensor_split(const Tensor& self, std::int64_t sections, std::int64_t dim = 0);
std::vector<Tensor> tensor_split(const Tensor& self, IntArrayRef indices, std::int64_t dim = 0);
Tensor dstack(TensorList tensors);
/// The last dimension on the diagonal of two new ones, zeros elsewhere.
Tensor diag_embed(const Tensor& self, std::int64_t offset = 0, std::int64_t dim1 = -2,
                  std::int64_t dim2 = -1);
/// Turned k times by 90 degrees from the first of `dims` towards the second.
Tensor rot90(const Tensor& self, std::int64_t k = 1, IntArrayRef dims = {0, 1});
/// Copies of `self` in which the part that slice() and its relatives show is `source`.
Tensor select_scatter(const Tensor& self, const Tensor& source, std::int64_t dim,
                      std::int64_t index);
Tensor slice_scatter(const Tensor& self, const Tensor& source, std::int64_t dim = 0,
                     std::optional<std::int64_t> start = nullopt,
                     std::optional<std::int64_t> end = nullopt, std::int64_t step = 1);
Tensor diagonal_scatter(const Tensor& self, const Tensor& source, std::int64_t offset = 0,
                        std::int64_t dim1 = 0, std::int64_t dim2 = 1);
/// Positions [2, count] (rows, then columns) of the lower (upper) triangle of a matrix.
Tensor tril_indices(std::int64_t row, std::int64_t col, std::int64_t offset = 0);
Tensor triu_indices(std::int64_t row, std::int64_t col, std::int64_t offset = 0);
/// `base` to the powers linspace(start, end, steps).
Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t steps = 100, double base = 10,
                const TensorOptions& options = {});

// ---- indexing
/// The rows `index` along `dim` filled with `value`, or replaced by the rows of `source`.
Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value);
Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& value);
Tensor index_copy(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source);
/// The elements where `mask` holds replaced by the first ones of `source`, in order.
Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);
/// For each value the number of elements of the sorted row below it; with `right`, also of those
/// equal to it. The sequence is a vector, or has the leading sizes of the values.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& self, bool out_int32 = false,
                    bool right = false);
Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool out_int32 = false,
                 bool right = false);
/// Whether each element occurs in `test`.
Tensor isin(const Tensor& elements, const Tensor& test);

}  // namespace reel
