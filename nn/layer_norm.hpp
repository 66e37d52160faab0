// LayerNorm.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct LayerNormOptions {
  LayerNormOptions(std::vector<std::int64_t> normalized_shape)
      : normalized_shape_(std::move(normalized_shape)) {}
  /// The last dimensions of the input.
  REEL_ARG(std::vector<std::int64_t>, normalized_shape);
  REEL_ARG(double, eps) = 1e-5;
  /// A learned weight and bias for each element of normalized_shape.
  REEL_ARG(bool, elementwise_affine) = true;
};

namespace functional {
struct LayerNormFuncOptions {
  LayerNormFuncOptions(std::vector<std::int64_t> normalized_shape)
      : normalized_shape_(std::move(normalized_shape)) {}
  REEL_ARG(std::vector<std::int64_t>, normalized_shape);
  REEL_ARG(Tensor, weight) = {};
  REEL_ARG(Tensor, bias) = {};
  REEL_ARG(double, eps) = 1e-5;
};
/// See reel::layer_norm.
Tensor layer_norm(const Tensor& input, const LayerNormFuncOptions& options);
}  // namespace functional

/// (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions. weight starts as ones,
/// bias as zeros. Throws ShapeError where the input does not end in normalized_shape.
/// https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
class LayerNormImpl : public Cloneable<LayerNormImpl> {
 public:
  explicit LayerNormImpl(std::vector<std::int64_t> normalized_shape)
      : LayerNormImpl(LayerNormOptions(std::move(normalized_shape))) {}
  explicit LayerNormImpl(const LayerNormOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  LayerNormOptions options;
  Tensor weight;
  Tensor bias;
};
REEL_MODULE(LayerNorm);

}  // namespace nn
}  // namespace reel
