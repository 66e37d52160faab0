// Ops under PyTorch's other names, and ops that are a line of others.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "../tensor.hpp"

namespace reel {

Tensor subtract(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
Tensor subtract(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
Tensor multiply(const Tensor& self, const Tensor& other);
Tensor multiply(const Tensor& self, const Scalar& other);
Tensor divide(const Tensor& self, const Tensor& other);
Tensor divide(const Tensor& self, const Scalar& other);
Tensor true_divide(const Tensor& self, const Tensor& other);
Tensor true_divide(const Tensor& self, const Scalar& other);
Tensor less(const Tensor& self, const Tensor& other);
Tensor less(const Tensor& self, const Scalar& other);
Tensor less_equal(const Tensor& self, const Tensor& other);
Tensor less_equal(const Tensor& self, const Scalar& other);
Tensor greater(const Tensor& self, const Tensor& other);
Tensor greater(const Tensor& self, const Scalar& other);
Tensor greater_equal(const Tensor& self, const Tensor& other);
Tensor greater_equal(const Tensor& self, const Scalar& other);
Tensor not_equal(const Tensor& self, const Tensor& other);
Tensor not_equal(const Tensor& self, const Scalar& other);
Tensor clip(const Tensor& self, const std::optional<Scalar>& min,
            const std::optional<Scalar>& max = nullopt);
Tensor sgn(const Tensor& self);
Tensor fix(const Tensor& self);
Tensor arctan(const Tensor& self);
Tensor arcsin(const Tensor& self);
Tensor arccos(const Tensor& self);
Tensor argwhere(const Tensor& self);
Tensor concatenate(TensorList tensors, std::int64_t dim = 0);
Tensor row_stack(TensorList tensors);
Tensor negative(const Tensor& self);
Tensor absolute(const Tensor& self);
Tensor concat(TensorList tensors, std::int64_t dim = 0);
Tensor ger(const Tensor& self, const Tensor& other);

/// other - alpha self
Tensor rsub(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
Tensor rsub(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
/// 2^x
Tensor exp2(const Tensor& self);
/// x in one dimension: a view where the memory allows it.
Tensor ravel(const Tensor& self);
/// x[1:] - x[:-1] along `dim`, n times.
Tensor diff(const Tensor& self, std::int64_t n = 1, std::int64_t dim = -1);
/// The norm of order p of all elements of self - other.
Tensor dist(const Tensor& self, const Tensor& other, const Scalar& p = 2);
/// var() and mean() at once.
std::tuple<Tensor, Tensor> var_mean(const Tensor& x);
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, IntArrayRef dim,
                                    std::optional<std::int64_t> correction = nullopt,
                                    bool keepdim = false);
/// |self - other| <= atol + rtol |other|, elementwise; bool. Equal infinities are close, and NaNs
/// with `equal_nan`.
Tensor isclose(const Tensor& self, const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
               bool equal_nan = false);

Tensor broadcast_to(const Tensor& self, IntArrayRef size);
/// All tensors expanded to their common shape.
std::vector<Tensor> broadcast_tensors(TensorList tensors);
/// For vectors of n_0, n_1, ... numbers, grids [n_0, n_1, ...] of each along its own dimension;
/// "xy" swaps the first two. Throws Error for another `indexing`.
std::vector<Tensor> meshgrid(TensorList tensors, std::string_view indexing = "ij");
Tensor flipud(const Tensor& self);
Tensor fliplr(const Tensor& self);
/// Vectors as columns, and matrices, side by side.
Tensor column_stack(TensorList tensors);
/// Elements at positions in the flattened tensor; negative ones count from the end.
Tensor take(const Tensor& self, const Tensor& index);

}  // namespace reel
