// The layers and losses as functions, with libtorch's options.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "activation.hpp"
#include "batch_norm.hpp"
#include "convolution.hpp"
#include "distance.hpp"
#include "dropout.hpp"
#include "embedding.hpp"
#include "embedding_bag.hpp"
#include "layer_norm.hpp"
#include "loss.hpp"
#include "pointwise_loss.hpp"

namespace reel {
namespace nn {
/// https://pytorch.org/docs/stable/nn.functional.html
namespace functional {

/// input weight^T + bias; input [..., in], weight [out, in], bias [out] or undefined.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});

/// See reel::bilinear.
Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias = {});

/// See reel::pad; `pad` lists pairs for the last dimension, the one before, and so on.
struct PadFuncOptions {
  using mode_t = std::variant<enumtype::kConstant, enumtype::kReflect, enumtype::kReplicate,
                              enumtype::kCircular>;
  PadFuncOptions(std::vector<std::int64_t> pad) : pad_(std::move(pad)) {}
  REEL_ARG(std::vector<std::int64_t>, pad);
  REEL_ARG(mode_t, mode) = kConstant;
  REEL_ARG(double, value) = 0;
};
Tensor pad(const Tensor& input, const PadFuncOptions& options);

/// weight[input]; see Embedding. Throws IndexError for an index or padding_idx out of range, Error
/// for scale_grad_by_freq and sparse, which are not supported.
Tensor embedding(const Tensor& input, const Tensor& weight,
                 const EmbeddingFuncOptions& options = {});

/// int64 [..., num_classes] with a one at each class number. `num_classes` -1 means the largest
/// number plus one. Throws DtypeError unless int64, IndexError for a number out of range.
Tensor one_hot(const Tensor& tensor, std::int64_t num_classes = -1);

/// See Dropout. Throws Error unless p is in [0, 1].
Tensor dropout(Tensor input, const DropoutFuncOptions& options = {});

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyFuncOptions& options = {});
Tensor nll_loss(const Tensor& input, const Tensor& target, const NLLLossFuncOptions& options = {});
Tensor mse_loss(const Tensor& input, const Tensor& target, const MSELossFuncOptions& options = {});
/// See reel::ctc_loss.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CTCLossFuncOptions& options = {});

}  // namespace functional
}  // namespace nn
}  // namespace reel
