// Activations as modules and as functions with libtorch's options. Their formulas are in
// autograd/ops/activation.hpp and autograd/ops/normalise.hpp.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

// ---- options; `inplace` overwrites the input
struct ReLUOptions {
  ReLUOptions(bool inplace = false) : inplace_(inplace) {}
  /// Overwrites the input.
  REEL_ARG(bool, inplace);
};
struct ReLU6Options {
  ReLU6Options(bool inplace = false) : inplace_(inplace) {}
  REEL_ARG(bool, inplace);
};
struct SELUOptions {
  SELUOptions(bool inplace = false) : inplace_(inplace) {}
  REEL_ARG(bool, inplace);
};
struct HardsigmoidOptions {
  HardsigmoidOptions(bool inplace = false) : inplace_(inplace) {}
  REEL_ARG(bool, inplace);
};
struct HardswishOptions {
  HardswishOptions(bool inplace = false) : inplace_(inplace) {}
  REEL_ARG(bool, inplace);
};
struct ELUOptions {
  REEL_ARG(double, alpha) = 1.0;
  REEL_ARG(bool, inplace) = false;
};
struct CELUOptions {
  REEL_ARG(double, alpha) = 1.0;
  REEL_ARG(bool, inplace) = false;
};
struct LeakyReLUOptions {
  REEL_ARG(double, negative_slope) = 1e-2;
  REEL_ARG(bool, inplace) = false;
};
struct RReLUOptions {
  REEL_ARG(double, lower) = 1.0 / 8.0;
  REEL_ARG(double, upper) = 1.0 / 3.0;
  REEL_ARG(bool, inplace) = false;
};
struct HardtanhOptions {
  REEL_ARG(double, min_val) = -1.0;
  REEL_ARG(double, max_val) = 1.0;
  REEL_ARG(bool, inplace) = false;
};
struct ThresholdOptions {
  ThresholdOptions(double threshold, double value) : threshold_(threshold), value_(value) {}
  REEL_ARG(double, threshold);
  /// What stands for elements up to the threshold.
  REEL_ARG(double, value);
  REEL_ARG(bool, inplace) = false;
};
struct HardshrinkOptions {
  HardshrinkOptions(double lambda = 0.5) : lambda_(lambda) {}
  REEL_ARG(double, lambda);
};
struct SoftshrinkOptions {
  SoftshrinkOptions(double lambda = 0.5) : lambda_(lambda) {}
  REEL_ARG(double, lambda);
};
struct SoftplusOptions {
  REEL_ARG(double, beta) = 1.0;
  /// Above threshold / beta the input itself.
  REEL_ARG(double, threshold) = 20.0;
};
struct GELUOptions {
  /// "none", or "tanh" for the approximation.
  REEL_ARG(std::string, approximate) = "none";
};
struct GLUOptions {
  GLUOptions(std::int64_t dim = -1) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
};
struct PReLUOptions {
  /// 1, or the size of the input's dimension 1.
  REEL_ARG(std::int64_t, num_parameters) = 1;
  REEL_ARG(double, init) = 0.25;
};
struct SoftmaxOptions {
  SoftmaxOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
};
struct LogSoftmaxOptions {
  LogSoftmaxOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
};
struct SoftminOptions {
  SoftminOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
};

/// https://pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
namespace functional {
using ReLUFuncOptions = ReLUOptions;
using ReLU6FuncOptions = ReLU6Options;
using SELUFuncOptions = SELUOptions;
using ELUFuncOptions = ELUOptions;
using CELUFuncOptions = CELUOptions;
using LeakyReLUFuncOptions = LeakyReLUOptions;
using HardtanhFuncOptions = HardtanhOptions;
using ThresholdFuncOptions = ThresholdOptions;
using HardshrinkFuncOptions = HardshrinkOptions;
using SoftshrinkFuncOptions = SoftshrinkOptions;
using SoftplusFuncOptions = SoftplusOptions;
using GELUFuncOptions = GELUOptions;
using GLUFuncOptions = GLUOptions;
struct RReLUFuncOptions {
  REEL_ARG(double, lower) = 1.0 / 8.0;
  REEL_ARG(double, upper) = 1.0 / 3.0;
  REEL_ARG(bool, training) = false;
  REEL_ARG(bool, inplace) = false;
};
struct SoftmaxFuncOptions {
  SoftmaxFuncOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
  /// The input is converted to this dtype first.
  REEL_ARG(std::optional<Dtype>, dtype) = nullopt;
};
struct LogSoftmaxFuncOptions {
  LogSoftmaxFuncOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
  REEL_ARG(std::optional<Dtype>, dtype) = nullopt;
};
struct SoftminFuncOptions {
  SoftminFuncOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
  REEL_ARG(std::optional<Dtype>, dtype) = nullopt;
};
struct GumbelSoftmaxFuncOptions {
  REEL_ARG(double, tau) = 1.0;
  /// One-hot samples, with the gradient of the soft ones.
  REEL_ARG(bool, hard) = false;
  REEL_ARG(int, dim) = -1;
};

Tensor relu(Tensor input, const ReLUFuncOptions& options = {});
Tensor relu6(Tensor input, const ReLU6FuncOptions& options = {});
Tensor selu(Tensor input, const SELUFuncOptions& options = {});
Tensor elu(Tensor input, const ELUFuncOptions& options = {});
Tensor celu(Tensor input, const CELUFuncOptions& options = {});
Tensor leaky_relu(Tensor input, const LeakyReLUFuncOptions& options = {});
Tensor rrelu(Tensor input, const RReLUFuncOptions& options = {});
Tensor prelu(const Tensor& input, const Tensor& weight);
Tensor hardtanh(Tensor input, const HardtanhFuncOptions& options = {});
Tensor threshold(Tensor input, const ThresholdFuncOptions& options);
Tensor hardshrink(const Tensor& input, const HardshrinkFuncOptions& options = {});
Tensor softshrink(const Tensor& input, const SoftshrinkFuncOptions& options = {});
Tensor softplus(const Tensor& input, const SoftplusFuncOptions& options = {});
Tensor gelu(const Tensor& input, const GELUFuncOptions& options = {});
Tensor glu(const Tensor& input, const GLUFuncOptions& options = {});
Tensor silu(const Tensor& input);
Tensor mish(const Tensor& input);
Tensor softsign(const Tensor& input);
Tensor logsigmoid(const Tensor& input);
/// x - tanh(x)
Tensor tanhshrink(const Tensor& input);
Tensor softmax(const Tensor& input, const SoftmaxFuncOptions& options);
Tensor log_softmax(const Tensor& input, const LogSoftmaxFuncOptions& options);
Tensor softmin(const Tensor& input, const SoftminFuncOptions& options);
/// softmax((logits + g) / tau) with g drawn from Gumbel(0, 1): samples of the distribution that the
/// logits describe, with a gradient. Jang et al. 2017.
Tensor gumbel_softmax(const Tensor& logits, const GumbelSoftmaxFuncOptions& options = {});
}  // namespace functional

// ---- modules; each applies the function of its name
#define REEL_ACTIVATION(Name)                               \
  class Name##Impl : public Cloneable<Name##Impl> {         \
   public:                                                  \
    void reset() override {}                                \
    void pretty_print(std::ostream& stream) const override; \
    Tensor forward(const Tensor& input);                    \
  };                                                        \
  REEL_MODULE(Name)
#define REEL_ACTIVATION_OPTIONS(Name, ...)                                                \
  class Name##Impl : public Cloneable<Name##Impl> {                                       \
   public:                                                                                \
    explicit Name##Impl(const Name##Options& options_ __VA_ARGS__) : options(options_) {} \
    void reset() override {}                                                              \
    void pretty_print(std::ostream& stream) const override;                               \
    Tensor forward(Tensor input);                                                         \
    Name##Options options;                                                                \
  };                                                                                      \
  REEL_MODULE(Name)

/// tanh(x). https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
REEL_ACTIVATION(Tanh);
/// 1 / (1 + exp(-x)). https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
REEL_ACTIVATION(Sigmoid);
/// https://pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
REEL_ACTIVATION(LogSigmoid);
/// https://pytorch.org/docs/stable/generated/torch.nn.SiLU.html
REEL_ACTIVATION(SiLU);
/// https://pytorch.org/docs/stable/generated/torch.nn.Mish.html
REEL_ACTIVATION(Mish);
/// https://pytorch.org/docs/stable/generated/torch.nn.Softsign.html
REEL_ACTIVATION(Softsign);
/// https://pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html
REEL_ACTIVATION(Tanhshrink);
/// Softmax over the channels of [N, C, H, W] or [C, H, W]; throws ShapeError for others.
/// https://pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html
REEL_ACTIVATION(Softmax2d);

/// max(x, 0). https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
REEL_ACTIVATION_OPTIONS(ReLU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
REEL_ACTIVATION_OPTIONS(ReLU6, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.SELU.html
REEL_ACTIVATION_OPTIONS(SELU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
REEL_ACTIVATION_OPTIONS(Hardsigmoid, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
REEL_ACTIVATION_OPTIONS(Hardswish, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.ELU.html
REEL_ACTIVATION_OPTIONS(ELU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.CELU.html
REEL_ACTIVATION_OPTIONS(CELU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
REEL_ACTIVATION_OPTIONS(LeakyReLU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.RReLU.html
REEL_ACTIVATION_OPTIONS(RReLU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
REEL_ACTIVATION_OPTIONS(Hardtanh, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
REEL_ACTIVATION_OPTIONS(Hardshrink, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
REEL_ACTIVATION_OPTIONS(Softshrink, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
REEL_ACTIVATION_OPTIONS(Softplus, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.GELU.html
REEL_ACTIVATION_OPTIONS(GELU, = {});
/// https://pytorch.org/docs/stable/generated/torch.nn.GLU.html
REEL_ACTIVATION_OPTIONS(GLU, = {});
#undef REEL_ACTIVATION
#undef REEL_ACTIVATION_OPTIONS

/// https://pytorch.org/docs/stable/generated/torch.nn.Threshold.html
class ThresholdImpl : public Cloneable<ThresholdImpl> {
 public:
  ThresholdImpl(double threshold, double value)
      : ThresholdImpl(ThresholdOptions(threshold, value)) {}
  explicit ThresholdImpl(const ThresholdOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input);

  ThresholdOptions options;
};
REEL_MODULE(Threshold);

/// x where x > 0, else weight x, with a learned weight, for all or for each channel.
/// https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
class PReLUImpl : public Cloneable<PReLUImpl> {
 public:
  explicit PReLUImpl(const PReLUOptions& options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  PReLUOptions options;
  Tensor weight;
};
REEL_MODULE(PReLU);

#define REEL_ALONG_DIM(Name)                                                  \
  class Name##Impl : public Cloneable<Name##Impl> {                           \
   public:                                                                    \
    explicit Name##Impl(std::int64_t dim) : options(dim) {}                   \
    explicit Name##Impl(const Name##Options& options_) : options(options_) {} \
    void reset() override {}                                                  \
    void pretty_print(std::ostream& stream) const override;                   \
    Tensor forward(const Tensor& input);                                      \
    Name##Options options;                                                    \
  };                                                                          \
  REEL_MODULE(Name)
/// y = exp(x) / sum(exp(x)) along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
REEL_ALONG_DIM(Softmax);
/// y = x - log(sum(exp(x))) along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
REEL_ALONG_DIM(LogSoftmax);
/// softmax(-x). https://pytorch.org/docs/stable/generated/torch.nn.Softmin.html
REEL_ALONG_DIM(Softmin);
#undef REEL_ALONG_DIM

}  // namespace nn
}  // namespace reel
