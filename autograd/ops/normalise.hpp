// The softmax family and dropout.
#pragma once

#include "../tensor.hpp"

namespace reel {

/// exp(x_i) / sum_j exp(x_j) along `dim`, from x - max(x), so that large inputs stay finite.
Tensor softmax(const Tensor& x, std::int64_t dim);
Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype);
/// x_i - log(sum_j exp(x_j)) along `dim`.
Tensor log_softmax(const Tensor& x, std::int64_t dim);
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype);
/// softmax(-x)
Tensor softmin(const Tensor& x, std::int64_t dim);
Tensor softmin(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype);
/// (x - mean) / sqrt(var + eps) * weight + bias, with mean and (biased) variance over the last
/// dimensions, which are `normalized_shape`; so are weight and bias, where given. Throws
/// ShapeError. https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight = Tensor(),
                  const Tensor& bias = Tensor(), double eps = 1e-5);
/// In training, zeroes each element with probability p and scales the others by 1 / (1 - p).
/// Throws Error unless 0 <= p <= 1.
Tensor dropout(const Tensor& x, double p, bool train);

}  // namespace reel
