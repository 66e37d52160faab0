// Losses as modules: CrossEntropyLoss, NLLLoss, MSELoss, CTCLoss.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <variant>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

/// How the losses of all elements become one: kMean, kSum, or kNone to keep them.
using ReductionOption = std::variant<enumtype::kMean, enumtype::kSum, enumtype::kNone>;

struct CrossEntropyLossOptions {
  using reduction_t = ReductionOption;
  /// Weight of each class [C].
  REEL_ARG(Tensor, weight) = {};
  /// A target that contributes neither loss nor gradient.
  REEL_ARG(std::int64_t, ignore_index) = -100;
  REEL_ARG(reduction_t, reduction) = kMean;
  /// Share of the target that is spread over all classes.
  REEL_ARG(double, label_smoothing) = 0.0;
};

struct NLLLossOptions {
  using reduction_t = ReductionOption;
  REEL_ARG(Tensor, weight) = {};
  REEL_ARG(std::int64_t, ignore_index) = -100;
  REEL_ARG(reduction_t, reduction) = kMean;
};

struct MSELossOptions {
  using reduction_t = ReductionOption;
  MSELossOptions() = default;
  MSELossOptions(reduction_t reduction) : reduction_(reduction) {}
  MSELossOptions(enumtype::kMean tag) : reduction_(tag) {}
  MSELossOptions(enumtype::kSum tag) : reduction_(tag) {}
  MSELossOptions(enumtype::kNone tag) : reduction_(tag) {}
  REEL_ARG(reduction_t, reduction) = kMean;
};

struct CTCLossOptions {
  using reduction_t = ReductionOption;
  REEL_ARG(std::int64_t, blank) = 0;
  REEL_ARG(reduction_t, reduction) = kMean;
  /// An impossible target counts as 0.
  REEL_ARG(bool, zero_infinity) = false;
};

namespace functional {
using CTCLossFuncOptions = CTCLossOptions;
using CrossEntropyFuncOptions = CrossEntropyLossOptions;
using NLLLossFuncOptions = NLLLossOptions;
using MSELossFuncOptions = MSELossOptions;
}  // namespace functional

/// -log softmax(input)[target]: input [N, C] or [N, C, d...] of logits, target [N] or [N, d...] of
/// class numbers. kMean divides by the sum of the weights of the targets.
/// https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
class CrossEntropyLossImpl : public Cloneable<CrossEntropyLossImpl> {
 public:
  explicit CrossEntropyLossImpl(const CrossEntropyLossOptions& options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);

  CrossEntropyLossOptions options;
  Tensor weight;
};
REEL_MODULE(CrossEntropyLoss);

/// -input[target]: like CrossEntropyLoss, with input already log-probabilities.
/// https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
class NLLLossImpl : public Cloneable<NLLLossImpl> {
 public:
  explicit NLLLossImpl(const NLLLossOptions& options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);

  NLLLossOptions options;
  Tensor weight;
};
REEL_MODULE(NLLLoss);

/// (input - target)^2, both of one shape.
/// https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
class MSELossImpl : public Cloneable<MSELossImpl> {
 public:
  explicit MSELossImpl(const MSELossOptions& options_ = {}) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);

  MSELossOptions options;
};
REEL_MODULE(MSELoss);

/// -log of the probability of unaligned label sequences; see reel::ctc_loss.
/// https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
class CTCLossImpl : public Cloneable<CTCLossImpl> {
 public:
  explicit CTCLossImpl(const CTCLossOptions& options_ = {}) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                 const Tensor& target_lengths);

  CTCLossOptions options;
};
REEL_MODULE(CTCLoss);

}  // namespace nn
}  // namespace reel
