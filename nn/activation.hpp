// Activations as modules: Tanh, Sigmoid, ReLU, Softmax, LogSoftmax.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct ReLUOptions {
  ReLUOptions(bool inplace = false) : inplace_(inplace) {}
  /// Overwrites the input.
  REEL_ARG(bool, inplace);
};
struct SoftmaxOptions {
  SoftmaxOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
};
struct LogSoftmaxOptions {
  LogSoftmaxOptions(std::int64_t dim) : dim_(dim) {}
  REEL_ARG(std::int64_t, dim);
};

namespace functional {
using ReLUFuncOptions = ReLUOptions;
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
}  // namespace functional

/// y = tanh(x). https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
class TanhImpl : public Cloneable<TanhImpl> {
 public:
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
};
REEL_MODULE(Tanh);

/// y = 1 / (1 + exp(-x)). https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
class SigmoidImpl : public Cloneable<SigmoidImpl> {
 public:
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
};
REEL_MODULE(Sigmoid);

/// y = max(x, 0). https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
class ReLUImpl : public Cloneable<ReLUImpl> {
 public:
  explicit ReLUImpl(const ReLUOptions& options_ = {}) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input);

  ReLUOptions options;
};
REEL_MODULE(ReLU);

/// y = exp(x) / sum(exp(x)) along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
class SoftmaxImpl : public Cloneable<SoftmaxImpl> {
 public:
  explicit SoftmaxImpl(std::int64_t dim) : options(dim) {}
  explicit SoftmaxImpl(const SoftmaxOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  SoftmaxOptions options;
};
REEL_MODULE(Softmax);

/// y = x - log(sum(exp(x))) along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
class LogSoftmaxImpl : public Cloneable<LogSoftmaxImpl> {
 public:
  explicit LogSoftmaxImpl(std::int64_t dim) : options(dim) {}
  explicit LogSoftmaxImpl(const LogSoftmaxOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  LogSoftmaxOptions options;
};
REEL_MODULE(LogSoftmax);

}  // namespace nn
}  // namespace reel
