#include "activation.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "init.hpp"

namespace reel {
namespace nn {

namespace functional {

Tensor relu(Tensor input, const ReLUFuncOptions& options) {
  return options.inplace() ? reel::relu_(input) : reel::relu(input);
}
Tensor relu6(Tensor input, const ReLU6FuncOptions& options) {
  return options.inplace() ? reel::relu6_(input) : reel::relu6(input);
}
Tensor selu(Tensor input, const SELUFuncOptions& options) {
  return options.inplace() ? reel::selu_(input) : reel::selu(input);
}
Tensor elu(Tensor input, const ELUFuncOptions& options) {
  return options.inplace() ? reel::elu_(input, options.alpha()) : reel::elu(input, options.alpha());
}
Tensor celu(Tensor input, const CELUFuncOptions& options) {
  return options.inplace() ? reel::celu_(input, options.alpha())
                           : reel::celu(input, options.alpha());
}
Tensor leaky_relu(Tensor input, const LeakyReLUFuncOptions& options) {
  return options.inplace() ? reel::leaky_relu_(input, options.negative_slope())
                           : reel::leaky_relu(input, options.negative_slope());
}
Tensor rrelu(Tensor input, const RReLUFuncOptions& options) {
  const double lower = options.lower(), upper = options.upper();
  return options.inplace() ? reel::rrelu_(input, lower, upper, options.training())
                           : reel::rrelu(input, lower, upper, options.training());
}
Tensor prelu(const Tensor& input, const Tensor& weight) { return reel::prelu(input, weight); }
Tensor hardtanh(Tensor input, const HardtanhFuncOptions& options) {
  return options.inplace() ? reel::hardtanh_(input, options.min_val(), options.max_val())
                           : reel::hardtanh(input, options.min_val(), options.max_val());
}
Tensor threshold(Tensor input, const ThresholdFuncOptions& options) {
  return options.inplace() ? reel::threshold_(input, options.threshold(), options.value())
                           : reel::threshold(input, options.threshold(), options.value());
}
Tensor hardshrink(const Tensor& input, const HardshrinkFuncOptions& options) {
  return reel::hardshrink(input, options.lambda());
}
Tensor softshrink(const Tensor& input, const SoftshrinkFuncOptions& options) {
  return reel::softshrink(input, options.lambda());
}
Tensor softplus(const Tensor& input, const SoftplusFuncOptions& options) {
  return reel::softplus(input, options.beta(), options.threshold());
}
Tensor gelu(const Tensor& input, const GELUFuncOptions& options) {
  return reel::gelu(input, options.approximate());
}
Tensor glu(const Tensor& input, const GLUFuncOptions& options) {
  return reel::glu(input, options.dim());
}
Tensor silu(const Tensor& input) { return reel::silu(input); }
Tensor mish(const Tensor& input) { return reel::mish(input); }
Tensor softsign(const Tensor& input) { return reel::softsign(input); }
Tensor logsigmoid(const Tensor& input) { return reel::log_sigmoid(input); }
Tensor tanhshrink(const Tensor& input) { return input - input.tanh(); }

Tensor softmax(const Tensor& input, const SoftmaxFuncOptions& options) {
  return reel::softmax(input, options.dim(), options.dtype());
}
Tensor log_softmax(const Tensor& input, const LogSoftmaxFuncOptions& options) {
  return reel::log_softmax(input, options.dim(), options.dtype());
}
Tensor softmin(const Tensor& input, const SoftminFuncOptions& options) {
  return reel::softmin(input, options.dim(), options.dtype());
}
Tensor gumbel_softmax(const Tensor& logits, const GumbelSoftmaxFuncOptions& options) {
  check(options.tau() > 0.0, "[gumbel_softmax] tau must be positive, found ", options.tau());
  // -log of an exponential variate is a Gumbel one. 1 - u is never 0, but u is, about once in 2^24
  // float32 values: it stands for the first half of the step up to the next.
  const double least = logits.scalar_type() == kFloat32 ? 0x1p-25 : 0x1p-54;
  const Tensor exponential = (-log1p(-rand_like(logits.detach()))).clamp_min(least);
  const Tensor soft = reel::softmax((logits - exponential.log()) / options.tau(), options.dim());
  if (!options.hard()) return soft;
  const Tensor index = std::get<1>(soft.detach().max(options.dim(), /*keepdim=*/true));
  return zeros_like(logits.detach()).scatter(options.dim(), index, 1.0) - soft.detach() + soft;
}

}  // namespace functional

// ---------------------------------------------------------------- modules
#define REEL_ACTIVATION(Name, result)                                                              \
  void Name##Impl::pretty_print(std::ostream& stream) const { stream << "reel::nn::" #Name "()"; } \
  Tensor Name##Impl::forward(const Tensor& input) { return result; }
REEL_ACTIVATION(Tanh, input.tanh())
REEL_ACTIVATION(Sigmoid, input.sigmoid())
REEL_ACTIVATION(LogSigmoid, reel::log_sigmoid(input))
REEL_ACTIVATION(SiLU, reel::silu(input))
REEL_ACTIVATION(Mish, reel::mish(input))
REEL_ACTIVATION(Softsign, reel::softsign(input))
REEL_ACTIVATION(Tanhshrink, functional::tanhshrink(input))
#undef REEL_ACTIVATION

void Softmax2dImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::Softmax2d()"; }
Tensor Softmax2dImpl::forward(const Tensor& input) {
  check<ShapeError>(input.dim() == 3 || input.dim() == 4,
                    "[Softmax2d] expected an input [N, C, H, W] or [C, H, W], found shape ",
                    input.sizes());
  return reel::softmax(input, -3);
}

// What a module prints: its options, and inplace only where it is set.
#define REEL_ACTIVATION(Name, function, print)                \
  void Name##Impl::pretty_print(std::ostream& stream) const { \
    stream << "reel::nn::" #Name "(" print << ")";            \
  }                                                           \
  Tensor Name##Impl::forward(Tensor input) {                  \
    return functional::function(std::move(input), options);   \
  }
#define REEL_INPLACE_ONLY << (options.inplace() ? "inplace=true" : "")
#define REEL_INPLACE << (options.inplace() ? ", inplace=true" : "")
REEL_ACTIVATION(ReLU, relu, REEL_INPLACE_ONLY)
REEL_ACTIVATION(ReLU6, relu6, REEL_INPLACE_ONLY)
REEL_ACTIVATION(SELU, selu, REEL_INPLACE_ONLY)
REEL_ACTIVATION(ELU, elu, << "alpha=" << options.alpha() REEL_INPLACE)
REEL_ACTIVATION(CELU, celu, << "alpha=" << options.alpha() REEL_INPLACE)
REEL_ACTIVATION(LeakyReLU, leaky_relu,
                << "negative_slope=" << options.negative_slope() REEL_INPLACE)
REEL_ACTIVATION(Hardtanh, hardtanh, << "min_val=" << options.min_val()
                                    << ", max_val=" << options.max_val() REEL_INPLACE)
REEL_ACTIVATION(Threshold, threshold, << "threshold=" << options.threshold()
                                      << ", value=" << options.value() REEL_INPLACE)
REEL_ACTIVATION(Hardshrink, hardshrink, << options.lambda())
REEL_ACTIVATION(Softshrink, softshrink, << options.lambda())
REEL_ACTIVATION(Softplus, softplus,
                << "beta=" << options.beta() << ", threshold=" << options.threshold())
REEL_ACTIVATION(GELU, gelu, )
REEL_ACTIVATION(GLU, glu, << "dim=" << options.dim())
#undef REEL_ACTIVATION

void HardsigmoidImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Hardsigmoid(" REEL_INPLACE_ONLY << ")";
}
Tensor HardsigmoidImpl::forward(Tensor input) {
  return options.inplace() ? reel::hardsigmoid_(input) : reel::hardsigmoid(input);
}
void HardswishImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Hardswish(" REEL_INPLACE_ONLY << ")";
}
Tensor HardswishImpl::forward(Tensor input) {
  return options.inplace() ? reel::hardswish_(input) : reel::hardswish(input);
}

void RReLUImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::RReLU(lower=" << options.lower()
         << ", upper=" << options.upper() REEL_INPLACE << ")";
}
Tensor RReLUImpl::forward(Tensor input) {
  return functional::rrelu(std::move(input), functional::RReLUFuncOptions()
                                                 .lower(options.lower())
                                                 .upper(options.upper())
                                                 .training(is_training())
                                                 .inplace(options.inplace()));
}
#undef REEL_INPLACE
#undef REEL_INPLACE_ONLY

PReLUImpl::PReLUImpl(const PReLUOptions& options_) : options(options_) { PReLUImpl::reset(); }
void PReLUImpl::reset() {
  check<ShapeError>(options.num_parameters() >= 1,
                    "[PReLU] num_parameters must be at least 1, found ", options.num_parameters());
  weight = register_parameter("weight", full({options.num_parameters()}, options.init()));
}
void PReLUImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::PReLU(num_parameters=" << options.num_parameters() << ")";
}
Tensor PReLUImpl::forward(const Tensor& input) { return reel::prelu(input, weight); }

#define REEL_ALONG_DIM(Name, function)                            \
  void Name##Impl::pretty_print(std::ostream& stream) const {     \
    stream << "reel::nn::" #Name "(dim=" << options.dim() << ")"; \
  }                                                               \
  Tensor Name##Impl::forward(const Tensor& input) { return reel::function(input, options.dim()); }
REEL_ALONG_DIM(Softmax, softmax)
REEL_ALONG_DIM(LogSoftmax, log_softmax)
REEL_ALONG_DIM(Softmin, softmin)
#undef REEL_ALONG_DIM

}  // namespace nn
}  // namespace reel
