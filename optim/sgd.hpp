// Stochastic gradient descent.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct SGDOptions : public OptimizerCloneableOptions<SGDOptions> {
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
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

struct SGDParamState : public OptimizerCloneableParamState<SGDParamState> {
  REEL_ARG(Tensor, momentum_buffer);

 public:
  void fields(Fields& visit) override;
};

/// d = g + weight_decay p (g negated with maximize); with momentum b = momentum b + (1 - dampening)
/// d, where the first b is d itself, and d = b, or d + momentum b with nesterov; p = p - lr d.
/// https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
class SGD : public Optimizer {
 public:
  explicit SGD(std::vector<OptimizerParamGroup> param_groups, SGDOptions defaults)
      : Optimizer(std::move(param_groups), std::make_unique<SGDOptions>(defaults)) {}
  explicit SGD(std::vector<Tensor> params, SGDOptions defaults)
      : Optimizer(std::move(params), std::make_unique<SGDOptions>(defaults)) {}

  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override { return "SGD"; }

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override {
    return std::make_unique<SGDParamState>();
  }
};

}  // namespace optim
}  // namespace reel
