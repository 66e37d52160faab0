// Losses of an elementwise formula, as functions and modules: L1, SmoothL1, Huber, BCE,
// BCEWithLogits, KLDiv, HingeEmbedding, PoissonNLL, MarginRanking, CosineEmbedding. Their formulas
// are in autograd/ops/loss.hpp.
#pragma once

#include <iosfwd>
#include <variant>

#include "cloneable.hpp"
#include "loss.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

/// `Name##Options` with a constructor from each way to reduce.
#define REEL_REDUCTION_CONSTRUCTORS(Name)        \
  Name() = default;                              \
  Name(enumtype::kMean tag) : reduction_(tag) {} \
  Name(enumtype::kSum tag) : reduction_(tag) {}  \
  Name(enumtype::kNone tag) : reduction_(tag) {} \
  using reduction_t = ReductionOption;           \
  REEL_ARG(reduction_t, reduction) = kMean

struct L1LossOptions {
  REEL_REDUCTION_CONSTRUCTORS(L1LossOptions);
};
struct SmoothL1LossOptions {
  REEL_REDUCTION_CONSTRUCTORS(SmoothL1LossOptions);
  /// Where the square ends and the line begins.
  REEL_ARG(double, beta) = 1.0;
};
struct HuberLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(HuberLossOptions);
  /// Where the square ends and the line begins.
  REEL_ARG(double, delta) = 1.0;
};
struct BCELossOptions {
  REEL_REDUCTION_CONSTRUCTORS(BCELossOptions);
  /// Factor of each loss; broadcasts.
  REEL_ARG(Tensor, weight) = {};
};
struct BCEWithLogitsLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(BCEWithLogitsLossOptions);
  REEL_ARG(Tensor, weight) = {};
  /// Factor of the losses of positive targets; broadcasts.
  REEL_ARG(Tensor, pos_weight) = {};
};
struct HingeEmbeddingLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(HingeEmbeddingLossOptions);
  REEL_ARG(double, margin) = 1.0;
};
struct MarginRankingLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(MarginRankingLossOptions);
  REEL_ARG(double, margin) = 0.0;
};
struct CosineEmbeddingLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(CosineEmbeddingLossOptions);
  REEL_ARG(double, margin) = 0.0;
};
struct PoissonNLLLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(PoissonNLLLossOptions);
  /// The input is the logarithm of the rate.
  REEL_ARG(bool, log_input) = true;
  /// Adds Stirling's approximation of log(target!).
  REEL_ARG(bool, full) = false;
  REEL_ARG(double, eps) = 1e-8;
};
struct SoftMarginLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(SoftMarginLossOptions);
};
struct TripletMarginLossOptions {
  REEL_REDUCTION_CONSTRUCTORS(TripletMarginLossOptions);
  REEL_ARG(double, margin) = 1.0;
  /// Of the distance's norm.
  REEL_ARG(double, p) = 2.0;
  REEL_ARG(double, eps) = 1e-6;
  /// Counts the distance from the negative to the positive where that is smaller.
  REEL_ARG(bool, swap) = false;
};
#undef REEL_REDUCTION_CONSTRUCTORS

struct KLDivLossOptions {
  using reduction_t =
      std::variant<enumtype::kNone, enumtype::kBatchMean, enumtype::kSum, enumtype::kMean>;
  KLDivLossOptions() = default;
  KLDivLossOptions(reduction_t reduction) : reduction_(reduction) {}
  REEL_ARG(reduction_t, reduction) = kMean;
  /// The target is given as its logarithm.
  REEL_ARG(bool, log_target) = false;
};

/// https://pytorch.org/docs/stable/nn.functional.html#loss-functions
namespace functional {
using L1LossFuncOptions = L1LossOptions;
using SmoothL1LossFuncOptions = SmoothL1LossOptions;
using HuberLossFuncOptions = HuberLossOptions;
using BinaryCrossEntropyFuncOptions = BCELossOptions;
using BinaryCrossEntropyWithLogitsFuncOptions = BCEWithLogitsLossOptions;
using KLDivFuncOptions = KLDivLossOptions;
using HingeEmbeddingLossFuncOptions = HingeEmbeddingLossOptions;
using MarginRankingLossFuncOptions = MarginRankingLossOptions;
using CosineEmbeddingLossFuncOptions = CosineEmbeddingLossOptions;
using PoissonNLLLossFuncOptions = PoissonNLLLossOptions;
using SoftMarginLossFuncOptions = SoftMarginLossOptions;
using TripletMarginLossFuncOptions = TripletMarginLossOptions;

Tensor l1_loss(const Tensor& input, const Tensor& target, const L1LossFuncOptions& options = {});
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1LossFuncOptions& options = {});
Tensor huber_loss(const Tensor& input, const Tensor& target,
                  const HuberLossFuncOptions& options = {});
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyFuncOptions& options = {});
Tensor binary_cross_entropy_with_logits(
    const Tensor& input, const Tensor& target,
    const BinaryCrossEntropyWithLogitsFuncOptions& options = {});
Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivFuncOptions& options = {});
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingLossFuncOptions& options = {});
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNLLLossFuncOptions& options = {});
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginRankingLossFuncOptions& options = {});
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const CosineEmbeddingLossFuncOptions& options = {});
/// log(1 + exp(-target input)), both of one shape. Throws ShapeError.
/// https://pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html
Tensor soft_margin_loss(const Tensor& input, const Tensor& target,
                        const SoftMarginLossFuncOptions& options = {});
/// max(d(anchor, positive) - d(anchor, negative) + margin, 0), d the pairwise distance [N] of rows
/// [N, D]. Throws ShapeError.
/// https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossFuncOptions& options = {});
}  // namespace functional

// A module that holds options and calls its function.
#define REEL_LOSS(Name, ...)                                                       \
  class Name##Impl : public Cloneable<Name##Impl> {                                \
   public:                                                                         \
    explicit Name##Impl(const Name##Options& options_ = {}) : options(options_) {} \
    void reset() override {}                                                       \
    void pretty_print(std::ostream& stream) const override;                        \
    Tensor forward(__VA_ARGS__);                                                   \
    Name##Options options;                                                         \
  };                                                                               \
  REEL_MODULE(Name)
REEL_LOSS(L1Loss, const Tensor& input, const Tensor& target);
REEL_LOSS(SmoothL1Loss, const Tensor& input, const Tensor& target);
REEL_LOSS(HuberLoss, const Tensor& input, const Tensor& target);
REEL_LOSS(KLDivLoss, const Tensor& input, const Tensor& target);
REEL_LOSS(HingeEmbeddingLoss, const Tensor& input, const Tensor& target);
REEL_LOSS(PoissonNLLLoss, const Tensor& input, const Tensor& target);
REEL_LOSS(MarginRankingLoss, const Tensor& input1, const Tensor& input2, const Tensor& target);
REEL_LOSS(CosineEmbeddingLoss, const Tensor& input1, const Tensor& input2, const Tensor& target);
REEL_LOSS(SoftMarginLoss, const Tensor& input, const Tensor& target);
REEL_LOSS(TripletMarginLoss, const Tensor& anchor, const Tensor& positive, const Tensor& negative);
#undef REEL_LOSS

/// https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
class BCELossImpl : public Cloneable<BCELossImpl> {
 public:
  explicit BCELossImpl(const BCELossOptions& options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);

  BCELossOptions options;
  Tensor weight;
};
REEL_MODULE(BCELoss);

/// https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
class BCEWithLogitsLossImpl : public Cloneable<BCEWithLogitsLossImpl> {
 public:
  explicit BCEWithLogitsLossImpl(const BCEWithLogitsLossOptions& options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);

  BCEWithLogitsLossOptions options;
  Tensor weight, pos_weight;
};
REEL_MODULE(BCEWithLogitsLoss);

}  // namespace nn
}  // namespace reel
