// Adagrad and Adadelta.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct AdagradOptions : public OptimizerCloneableOptions<AdagradOptions> {
  AdagradOptions(double lr = 1e-2) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(double, lr_decay) = 0;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(double, initial_accumulator_value) = 0;
  REEL_ARG(double, eps) = 1e-10;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

/// Step count and sum of squared gradients of one parameter.
struct AdagradParamState : public OptimizerCloneableParamState<AdagradParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(Tensor, sum);

 public:
  void fields(Fields& visit) override;
};

/// g = g + weight_decay p (g negated first with maximize); s = s + g^2, from
/// initial_accumulator_value; p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
/// (Duchi et al., 2011).
/// https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(std::vector<OptimizerParamGroup> param_groups, AdagradOptions defaults = {})
      : Optimizer(std::move(param_groups), std::make_unique<AdagradOptions>(defaults)) {}
  explicit Adagrad(std::vector<Tensor> params, AdagradOptions defaults = {})
      : Optimizer(std::move(params), std::make_unique<AdagradOptions>(defaults)) {}

  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override { return "Adagrad"; }

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override {
    return std::make_unique<AdagradParamState>();
  }
};

struct AdadeltaOptions : public OptimizerCloneableOptions<AdadeltaOptions> {
  AdadeltaOptions(double lr = 1.0) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(double, rho) = 0.9;
  REEL_ARG(double, eps) = 1e-6;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
};

/// Running averages of one parameter.
struct AdadeltaParamState : public OptimizerCloneableParamState<AdadeltaParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(Tensor, square_avg);
  REEL_ARG(Tensor, acc_delta);

 public:
  void fields(Fields& visit) override;
};

/// g = g + weight_decay p (g negated first with maximize); v = rho v + (1 - rho) g^2;
/// d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d^2; p = p - lr d (Zeiler, 2012).
/// https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
class Adadelta : public Optimizer {
 public:
  explicit Adadelta(std::vector<OptimizerParamGroup> param_groups, AdadeltaOptions defaults = {})
      : Optimizer(std::move(param_groups), std::make_unique<AdadeltaOptions>(defaults)) {}
  explicit Adadelta(std::vector<Tensor> params, AdadeltaOptions defaults = {})
      : Optimizer(std::move(params), std::make_unique<AdadeltaOptions>(defaults)) {}

  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override { return "Adadelta"; }

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override {
    return std::make_unique<AdadeltaParamState>();
  }
};

}  // namespace optim
}  // namespace reel
