// BatchNorm1d, as module and as function.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct BatchNorm1dOptions {
  BatchNorm1dOptions(std::int64_t num_features) : num_features_(num_features) {}
  REEL_ARG(std::int64_t, num_features);
  REEL_ARG(double, eps) = 1e-5;
  /// Share of the present batch in the running statistics; nullopt for the mean over all batches.
  REEL_ARG(std::optional<double>, momentum) = 0.1;
  /// A learned weight and bias for each channel.
  REEL_ARG(bool, affine) = true;
  /// Without running statistics those of the batch are used in evaluation too.
  REEL_ARG(bool, track_running_stats) = true;
};

namespace functional {
struct BatchNormFuncOptions {
  REEL_ARG(Tensor, weight) = {};
  REEL_ARG(Tensor, bias) = {};
  REEL_ARG(bool, training) = false;
  REEL_ARG(std::optional<double>, momentum) = 0.1;
  REEL_ARG(double, eps) = 1e-5;
};
/// See reel::batch_norm. Throws ShapeError in training where a channel has but one element, and
/// Error without a momentum where running statistics are to be updated.
Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const BatchNormFuncOptions& options = {});
}  // namespace functional

/// (x - mean) / sqrt(var + eps) * weight + bias for each channel of [N, C] or [N, C, L]: in
/// training with the statistics of the batch, which also update the buffers running_mean,
/// running_var and num_batches_tracked, in evaluation with those. weight starts as ones, bias as
/// zeros, the running mean as zeros and the running variance as ones. Throws ShapeError.
/// https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
class BatchNorm1dImpl : public Cloneable<BatchNorm1dImpl> {
 public:
  explicit BatchNorm1dImpl(std::int64_t num_features)
      : BatchNorm1dImpl(BatchNorm1dOptions(num_features)) {}
  explicit BatchNorm1dImpl(const BatchNorm1dOptions& options);
  void reset() override;
  void reset_running_stats();
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  BatchNorm1dOptions options;
  Tensor weight, bias;
  Tensor running_mean, running_var, num_batches_tracked;
};
REEL_MODULE(BatchNorm1d);

}  // namespace nn
}  // namespace reel
