#include "pointwise_loss.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "autograd/ops/reduced.hpp"

namespace reel {
namespace nn {
namespace {

std::int64_t to_reduction(const ReductionOption& option) {
  return std::holds_alternative<enumtype::kMean>(option)  ? Reduction::Mean
         : std::holds_alternative<enumtype::kSum>(option) ? Reduction::Sum
                                                          : Reduction::None;
}
// A buffer of the module's own, so that Module::to leaves the options alone.
Tensor own(const Tensor& weight) { return weight.defined() ? weight.detach() : weight; }

}  // namespace

namespace functional {

Tensor l1_loss(const Tensor& input, const Tensor& target, const L1LossFuncOptions& options) {
  return reel::l1_loss(input, target, to_reduction(options.reduction()));
}
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1LossFuncOptions& options) {
  return reel::smooth_l1_loss(input, target, to_reduction(options.reduction()), options.beta());
}
Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossFuncOptions& options) {
  return reel::huber_loss(input, target, to_reduction(options.reduction()), options.delta());
}
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyFuncOptions& options) {
  return reel::binary_cross_entropy(input, target, options.weight(),
                                    to_reduction(options.reduction()));
}
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsFuncOptions& options) {
  return reel::binary_cross_entropy_with_logits(
      input, target, options.weight(), options.pos_weight(), to_reduction(options.reduction()));
}
Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivFuncOptions& options) {
  const auto& how = options.reduction();
  if (std::holds_alternative<enumtype::kNone>(how))
    return reel::kl_div(input, target, Reduction::None, options.log_target());
  if (std::holds_alternative<enumtype::kMean>(how))
    return reel::kl_div(input, target, Reduction::Mean, options.log_target());
  const Tensor sum = reel::kl_div(input, target, Reduction::Sum, options.log_target());
  return std::holds_alternative<enumtype::kBatchMean>(how) && input.dim() != 0 ? sum / input.size(0)
                                                                               : sum;
}
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingLossFuncOptions& options) {
  return reel::hinge_embedding_loss(input, target, options.margin(),
                                    to_reduction(options.reduction()));
}
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNLLLossFuncOptions& options) {
  return reel::poisson_nll_loss(input, target, options.log_input(), options.full(), options.eps(),
                                to_reduction(options.reduction()));
}
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginRankingLossFuncOptions& options) {
  return reel::margin_ranking_loss(input1, input2, target, options.margin(),
                                   to_reduction(options.reduction()));
}
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const CosineEmbeddingLossFuncOptions& options) {
  return reel::cosine_embedding_loss(input1, input2, target, options.margin(),
                                     to_reduction(options.reduction()));
}
Tensor soft_margin_loss(const Tensor& input, const Tensor& target,
                        const SoftMarginLossFuncOptions& options) {
  check<ShapeError>(target.sizes() == input.sizes(), "[soft_margin_loss] target has shape ",
                    target.sizes(), ", expected that of the input, ", input.sizes());
  return reel::detail::reduced(-log_sigmoid(target * input), to_reduction(options.reduction()));
}
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossFuncOptions& options) {
  for (const Tensor* other : {&positive, &negative})
    check<ShapeError>(other->dim() == anchor.dim(), "[triplet_margin_loss] anchor, positive and ",
                      "negative must have equally many dimensions, found shapes ", anchor.sizes(),
                      ", ", positive.sizes(), " and ", negative.sizes());
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return reel::pairwise_distance(a, b, options.p(), options.eps());
  };
  Tensor away = distance(anchor, negative);
  if (options.swap()) away = minimum(away, distance(positive, negative));
  return reel::detail::reduced(clamp_min(distance(anchor, positive) - away + options.margin(), 0),
                               to_reduction(options.reduction()));
}

}  // namespace functional

Tensor L1LossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::l1_loss(input, target, options);
}
Tensor SmoothL1LossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::smooth_l1_loss(input, target, options);
}
Tensor HuberLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::huber_loss(input, target, options);
}
Tensor KLDivLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::kl_div(input, target, options);
}
Tensor HingeEmbeddingLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::hinge_embedding_loss(input, target, options);
}
Tensor PoissonNLLLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::poisson_nll_loss(input, target, options);
}
Tensor MarginRankingLossImpl::forward(const Tensor& input1, const Tensor& input2,
                                      const Tensor& target) {
  return functional::margin_ranking_loss(input1, input2, target, options);
}
Tensor CosineEmbeddingLossImpl::forward(const Tensor& input1, const Tensor& input2,
                                        const Tensor& target) {
  return functional::cosine_embedding_loss(input1, input2, target, options);
}

Tensor SoftMarginLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::soft_margin_loss(input, target, options);
}
Tensor TripletMarginLossImpl::forward(const Tensor& anchor, const Tensor& positive,
                                      const Tensor& negative) {
  return functional::triplet_margin_loss(anchor, positive, negative, options);
}

void L1LossImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::L1Loss()"; }
void SmoothL1LossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::SmoothL1Loss(beta=" << options.beta() << ")";
}
void HuberLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::HuberLoss(delta=" << options.delta() << ")";
}
void KLDivLossImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::KLDivLoss()"; }
void HingeEmbeddingLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::HingeEmbeddingLoss(margin=" << options.margin() << ")";
}
void PoissonNLLLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::PoissonNLLLoss()";
}
void MarginRankingLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::MarginRankingLoss(margin=" << options.margin() << ")";
}
void CosineEmbeddingLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::CosineEmbeddingLoss(margin=" << options.margin() << ")";
}
void SoftMarginLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::SoftMarginLoss()";
}
void TripletMarginLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::TripletMarginLoss(margin=" << options.margin() << ", p=" << options.p()
         << ", eps=" << options.eps() << ", swap=" << (options.swap() ? "true" : "false") << ")";
}

BCELossImpl::BCELossImpl(const BCELossOptions& options_) : options(options_) {
  BCELossImpl::reset();
}
void BCELossImpl::reset() { weight = register_buffer("weight", own(options.weight())); }
void BCELossImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::BCELoss()"; }
Tensor BCELossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::binary_cross_entropy(input, target, BCELossOptions(options).weight(weight));
}

BCEWithLogitsLossImpl::BCEWithLogitsLossImpl(const BCEWithLogitsLossOptions& options_)
    : options(options_) {
  BCEWithLogitsLossImpl::reset();
}
void BCEWithLogitsLossImpl::reset() {
  weight = register_buffer("weight", own(options.weight()));
  pos_weight = register_buffer("pos_weight", own(options.pos_weight()));
}
void BCEWithLogitsLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::BCEWithLogitsLoss()";
}
Tensor BCEWithLogitsLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::binary_cross_entropy_with_logits(
      input, target, BCEWithLogitsLossOptions(options).weight(weight).pos_weight(pos_weight));
}

}  // namespace nn
}  // namespace reel
