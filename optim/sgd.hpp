// Stochastic gradient descent.
#pragma once

#include <string>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct SGDOptions : public OptimizerOptionsWithRate<SGDOptions> {
  SGDOptions(double lr) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(double, momentum) = 0;
  REEL_ARG(double, dampening) = 0;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(bool, nesterov) = false;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

struct SGDParamState : public OptimizerCloneableParamState<SGDParamState> {
  REEL_ARG(Tensor, momentum_buffer);

 public:
  void fields(Fields& visit) override;
};

/// d = g + weight_decay p (g negated with maximize); with momentum b = momentum b + (1 - dampening)
/// d, where the first b is d itself, and d = b, or d + momentum b with nesterov; p = p - lr d.
/// https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
class SGD : public OptimizerOf<SGDOptions, SGDParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

}  // namespace optim
}  // namespace reel
