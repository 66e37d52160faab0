// RMSprop.
#pragma once

#include <cstdint>
#include <string>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct RMSpropOptions : public OptimizerOptionsWithRate<RMSpropOptions> {
  RMSpropOptions(double lr = 1e-2) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(double, alpha) = 0.99;
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(double, momentum) = 0;
  REEL_ARG(bool, centered) = false;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

/// Step count and running averages of one parameter; momentum_buffer only with momentum, grad_avg
/// only where centered.
struct RMSpropParamState : public OptimizerCloneableParamState<RMSpropParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(Tensor, square_avg);
  REEL_ARG(Tensor, momentum_buffer);
  REEL_ARG(Tensor, grad_avg);

 public:
  void fields(Fields& visit) override;
};

/// g = g + weight_decay p (g negated first with maximize); v = alpha v + (1 - alpha) g^2;
/// d = g / (sqrt(v) + eps), where centered takes v - m^2 for v, m = alpha m + (1 - alpha) g;
/// p = p - lr d, or with momentum b = momentum b + d, p = p - lr b.
/// https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
class RMSprop : public OptimizerOf<RMSpropOptions, RMSpropParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

}  // namespace optim
}  // namespace reel
