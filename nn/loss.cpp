#include "loss.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "functional.hpp"

namespace reel {
namespace nn {

namespace {
// Detached, so that the buffer has an identity of its own and Module::to leaves the options alone.
Tensor class_weights(const Tensor& weight) { return weight.defined() ? weight.detach() : weight; }
}  // namespace

CrossEntropyLossImpl::CrossEntropyLossImpl(const CrossEntropyLossOptions& options_)
    : options(options_) {
  CrossEntropyLossImpl::reset();
}

void CrossEntropyLossImpl::reset() {
  check(options.label_smoothing() >= 0.0 && options.label_smoothing() <= 1.0,
        "[CrossEntropyLoss] label_smoothing must be between 0 and 1, found ",
        options.label_smoothing());
  weight = register_buffer("weight", class_weights(options.weight()));
}

void CrossEntropyLossImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::CrossEntropyLoss()";
}

Tensor CrossEntropyLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::cross_entropy(input, target, CrossEntropyLossOptions(options).weight(weight));
}

NLLLossImpl::NLLLossImpl(const NLLLossOptions& options_) : options(options_) {
  NLLLossImpl::reset();
}

void NLLLossImpl::reset() { weight = register_buffer("weight", class_weights(options.weight())); }

void NLLLossImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::NLLLoss()"; }

Tensor NLLLossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::nll_loss(input, target, NLLLossOptions(options).weight(weight));
}

void MSELossImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::MSELoss()"; }

Tensor MSELossImpl::forward(const Tensor& input, const Tensor& target) {
  return functional::mse_loss(input, target, options);
}

void CTCLossImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::CTCLoss()"; }

Tensor CTCLossImpl::forward(const Tensor& log_probs, const Tensor& targets,
                            const Tensor& input_lengths, const Tensor& target_lengths) {
  return functional::ctc_loss(log_probs, targets, input_lengths, target_lengths, options);
}

}  // namespace nn
}  // namespace reel
