// Losses. Reduction: mean (default), sum, or none.
#pragma once

#include "../tensor.hpp"

namespace reel {

namespace Reduction {
enum Reduction { None, Mean, Sum };
}

/// -log softmax(input)[target], for input [N, C, d...] (or [C]) and class indices [N, d...], or
/// class probabilities of the input's shape. `weight` [C] scales classes; targets equal to
/// `ignore_index` do not count; `label_smoothing` mixes the target with the uniform distribution.
/// Throws ShapeError, and IndexError for a class out of range.
/// https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
Tensor cross_entropy_loss(const Tensor& input, const Tensor& target,
                          const Tensor& weight = Tensor(), std::int64_t reduction = Reduction::Mean,
                          std::int64_t ignore_index = -100, double label_smoothing = 0.0);
/// -input[target] for log-probabilities [N, C, d...] (or [C]) and class indices.
/// https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight = Tensor(),
                std::int64_t reduction = Reduction::Mean, std::int64_t ignore_index = -100);
/// (input - target)^2
Tensor mse_loss(const Tensor& input, const Tensor& target,
                std::int64_t reduction = Reduction::Mean);

}  // namespace reel
