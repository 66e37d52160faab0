// Dropout.
#pragma once

#include <iosfwd>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct DropoutOptions {
  DropoutOptions(double p = 0.5) : p_(p) {}
  /// Probability of an element to become zero.
  REEL_ARG(double, p);
  /// Overwrites the input.
  REEL_ARG(bool, inplace) = false;
};

namespace functional {
struct DropoutFuncOptions {
  REEL_ARG(double, p) = 0.5;
  REEL_ARG(bool, training) = true;
  REEL_ARG(bool, inplace) = false;
};
}  // namespace functional

/// In training mode: y = x * m / (1 - p), with m drawn anew from {0, 1}, P(m = 0) = p; otherwise
/// y = x. Throws Error unless p is in [0, 1].
/// https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
class DropoutImpl : public Cloneable<DropoutImpl> {
 public:
  explicit DropoutImpl(const DropoutOptions& options = {});
  explicit DropoutImpl(double p) : DropoutImpl(DropoutOptions(p)) {}
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input);

  DropoutOptions options;
};
REEL_MODULE(Dropout);

}  // namespace nn
}  // namespace reel
