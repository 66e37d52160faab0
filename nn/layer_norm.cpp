#include "layer_norm.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "init.hpp"

namespace reel {
namespace nn {

namespace functional {
Tensor layer_norm(const Tensor& input, const LayerNormFuncOptions& options) {
  return reel::layer_norm(input, options.normalized_shape(), options.weight(), options.bias(),
                          options.eps());
}
}  // namespace functional

LayerNormImpl::LayerNormImpl(const LayerNormOptions& options_) : options(options_) {
  LayerNormImpl::reset();
}

void LayerNormImpl::reset() {
  check<ShapeError>(!options.normalized_shape().empty(),
                    "[LayerNorm] normalized_shape must name at least one dimension");
  const bool affine = options.elementwise_affine();
  weight =
      register_parameter("weight", affine ? reel::empty(options.normalized_shape()) : Tensor());
  bias = register_parameter("bias", affine ? reel::empty(options.normalized_shape()) : Tensor());
  reset_parameters();
}

void LayerNormImpl::reset_parameters() {
  if (!options.elementwise_affine()) return;
  init::ones_(weight);
  init::zeros_(bias);
}

void LayerNormImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::LayerNorm(" << IntArrayRef(options.normalized_shape())
         << ", eps=" << options.eps()
         << ", elementwise_affine=" << (options.elementwise_affine() ? "true" : "false") << ")";
}

Tensor LayerNormImpl::forward(const Tensor& input) {
  return reel::layer_norm(input, options.normalized_shape(), weight, bias, options.eps());
}

}  // namespace nn
}  // namespace reel
