// Adagrad and Adadelta.
#pragma once

#include <cstdint>
#include <string>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct AdagradOptions : public OptimizerOptionsWithRate<AdagradOptions> {
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
class Adagrad : public OptimizerOf<AdagradOptions, AdagradParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

struct AdadeltaOptions : public OptimizerOptionsWithRate<AdadeltaOptions> {
  AdadeltaOptions(double lr = 1.0) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(double, rho) = 0.9;
  REEL_ARG(double, eps) = 1e-6;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
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
class Adadelta : public OptimizerOf<AdadeltaOptions, AdadeltaParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

}  // namespace optim
}  // namespace reel
