#include "activation.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "functional.hpp"

namespace reel {
namespace nn {

void TanhImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::Tanh()"; }

Tensor TanhImpl::forward(const Tensor& input) { return input.tanh(); }

void SigmoidImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::Sigmoid()"; }

Tensor SigmoidImpl::forward(const Tensor& input) { return input.sigmoid(); }

void ReLUImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::ReLU(" << (options.inplace() ? "inplace=true" : "") << ")";
}

Tensor ReLUImpl::forward(Tensor input) { return functional::relu(std::move(input), options); }

void SoftmaxImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Softmax(dim=" << options.dim() << ")";
}

Tensor SoftmaxImpl::forward(const Tensor& input) {
  return functional::softmax(input, options.dim());
}

void LogSoftmaxImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::LogSoftmax(dim=" << options.dim() << ")";
}

Tensor LogSoftmaxImpl::forward(const Tensor& input) {
  return functional::log_softmax(input, options.dim());
}

}  // namespace nn
}  // namespace reel
