// Adam and AdamW.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct AdamOptions : public OptimizerOptionsWithRate<AdamOptions> {
  using betas_t = std::tuple<double, double>;
  AdamOptions(double lr = 1e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(bool, amsgrad) = false;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

struct AdamWOptions : public OptimizerOptionsWithRate<AdamWOptions> {
  using betas_t = std::tuple<double, double>;
  AdamWOptions(double lr = 1e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 1e-2;
  REEL_ARG(bool, amsgrad) = false;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

/// Step count and running averages of one parameter; max_exp_avg_sq only with amsgrad.
struct AdamParamState : public OptimizerCloneableParamState<AdamParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(Tensor, exp_avg);
  REEL_ARG(Tensor, exp_avg_sq);
  REEL_ARG(Tensor, max_exp_avg_sq);

 public:
  void fields(Fields& visit) override;
};
using AdamWParamState = AdamParamState;

/// g = g + weight_decay p (g negated first with maximize); m = beta1 m + (1 - beta1) g;
/// v = beta2 v + (1 - beta2) g^2; p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps),
/// where amsgrad takes the largest v so far.
/// https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
class Adam : public OptimizerOf<AdamOptions, AdamParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

/// Adam with p = (1 - lr weight_decay) p before each update in place of the gradient's decay.
/// https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
class AdamW : public OptimizerOf<AdamWOptions, AdamParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

}  // namespace optim
}  // namespace reel
