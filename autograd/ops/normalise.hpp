// The softmax family and dropout.
#pragma once

#include "../tensor.hpp"

namespace reel {

/// exp(x_i) / sum_j exp(x_j) along `dim`, from x - max(x), so that large inputs stay finite.
/// With `dtype` the elements are converted first, as for the two that follow.
Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype = nullopt);
/// x_i - log(sum_j exp(x_j)) along `dim`.
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype = nullopt);
/// softmax(-x)
Tensor softmin(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype = nullopt);
/// (x - mean) / sqrt(var + eps) * weight + bias, with mean and (biased) variance over the last
/// dimensions, which are `normalized_shape`; so are weight and bias, where given. Throws
/// ShapeError. https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight = Tensor(),
                  const Tensor& bias = Tensor(), double eps = 1e-5);
/// (x - mean) / sqrt(var + eps) * weight + bias for each channel of [N, C, ...]; weight and bias,
/// where given, are [C]. In training, mean and (biased) variance are those of the channel, and the
/// running ones, where given, become (1 - momentum) running + momentum now, with the unbiased
/// variance; else they are the running ones. cudnn_enabled stands for libtorch's sake; there is no
/// cuDNN to choose. Throws ShapeError, Error where statistics are missing.
/// https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps, bool cudnn_enabled = false);
/// softmax(query key^T scale + mask) value for query [..., L, E], key [..., S, E] and value
/// [..., S, Ev]: [..., L, Ev]. scale is 1 / sqrt(E) where not given. attn_mask broadcasts to
/// [..., L, S]: of bool it says what takes part, of floats it is added. is_causal lets position l
/// see positions up to l, instead of a mask. dropout_p zeroes weights whenever it is not 0. A row
/// that sees nothing is NaN. Throws Error for two masks, ShapeError and DtypeError.
/// https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask = Tensor(), double dropout_p = 0.0,
                                    bool is_causal = false, std::optional<double> scale = nullopt);
/// In training, zeroes each element with probability p and scales the others by 1 / (1 - p).
/// Throws Error unless 0 <= p <= 1.
Tensor dropout(const Tensor& x, double p, bool train);

}  // namespace reel
