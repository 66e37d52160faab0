#include "batch_norm.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "init.hpp"

namespace reel {
namespace nn {

namespace functional {
Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const BatchNormFuncOptions& options) {
  if (options.training()) {
    check<ShapeError>(input.dim() >= 2, "[batch_norm] expected an input [N, C, ...], found shape ",
                      input.sizes());
    check<ShapeError>(input.numel() != input.size(1),
                      "[batch_norm] expected more than 1 value per channel when training, found ",
                      "an input of shape ", input.sizes());
    check(options.momentum() || !running_mean.defined(),
          "[batch_norm] running statistics are updated with a momentum; give one");
  }
  return reel::batch_norm(input, options.weight(), options.bias(), running_mean, running_var,
                          options.training(), options.momentum().value_or(0.0), options.eps());
}
}  // namespace functional

BatchNorm1dImpl::BatchNorm1dImpl(const BatchNorm1dOptions& options_) : options(options_) {
  BatchNorm1dImpl::reset();
}

void BatchNorm1dImpl::reset() {
  const auto n = options.num_features();
  check<ShapeError>(n >= 0, "[BatchNorm1d] num_features must not be negative, found ", n);
  weight = register_parameter("weight", options.affine() ? empty({n}) : Tensor());
  bias = register_parameter("bias", options.affine() ? empty({n}) : Tensor());
  const bool track = options.track_running_stats();
  running_mean = register_buffer("running_mean", track ? empty({n}) : Tensor());
  running_var = register_buffer("running_var", track ? empty({n}) : Tensor());
  num_batches_tracked =
      register_buffer("num_batches_tracked", track ? empty({}, kInt64) : Tensor());
  reset_parameters();
}

void BatchNorm1dImpl::reset_running_stats() {
  if (!options.track_running_stats()) return;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

void BatchNorm1dImpl::reset_parameters() {
  reset_running_stats();
  if (!options.affine()) return;
  init::ones_(weight);
  init::zeros_(bias);
}

void BatchNorm1dImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::BatchNorm1d(" << options.num_features() << ", eps=" << options.eps()
         << ", momentum=";
  if (options.momentum())
    stream << *options.momentum();
  else
    stream << "none";
  stream << ", affine=" << (options.affine() ? "true" : "false")
         << ", track_running_stats=" << (options.track_running_stats() ? "true" : "false") << ")";
}

Tensor BatchNorm1dImpl::forward(const Tensor& input) {
  check<ShapeError>(input.dim() == 2 || input.dim() == 3,
                    "[BatchNorm1d] expected an input [N, C] or [N, C, L], found shape ",
                    input.sizes());
  const bool update = is_training() && options.track_running_stats();
  // The batch to come counts; it is noted down only after it was taken.
  const double batches = update ? 1.0 + num_batches_tracked.item<double>() : 1.0;
  const Tensor y =
      functional::batch_norm(input, running_mean, running_var,
                             functional::BatchNormFuncOptions()
                                 .weight(weight)
                                 .bias(bias)
                                 .training(is_training() || !options.track_running_stats())
                                 .momentum(options.momentum().value_or(1.0 / batches))
                                 .eps(options.eps()));
  if (update) num_batches_tracked.add_(1);
  return y;
}

}  // namespace nn
}  // namespace reel
