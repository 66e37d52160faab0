// Adamax, NAdam and RAdam.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct AdamaxOptions : public OptimizerOptionsWithRate<AdamaxOptions> {
  using betas_t = std::tuple<double, double>;
  AdamaxOptions(double lr = 2e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

/// Step count and running averages of one parameter.
struct AdamaxParamState : public OptimizerCloneableParamState<AdamaxParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(Tensor, exp_avg);
  REEL_ARG(Tensor, exp_inf);

 public:
  void fields(Fields& visit) override;
};

/// g = g + weight_decay p (g negated first with maximize); m = beta1 m + (1 - beta1) g;
/// u = max(beta2 u, |g| + eps); p = p - lr / (1 - beta1^t) m / u (Kingma & Ba, 2014).
/// https://pytorch.org/docs/stable/generated/torch.optim.Adamax.html
class Adamax : public OptimizerOf<AdamaxOptions, AdamaxParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

struct NAdamOptions : public OptimizerOptionsWithRate<NAdamOptions> {
  using betas_t = std::tuple<double, double>;
  NAdamOptions(double lr = 2e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(double, momentum_decay) = 4e-3;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

/// Step count, product of the momenta so far and running averages of one parameter.
struct NAdamParamState : public OptimizerCloneableParamState<NAdamParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(double, mu_product) = 1;
  REEL_ARG(Tensor, exp_avg);
  REEL_ARG(Tensor, exp_avg_sq);

 public:
  void fields(Fields& visit) override;
};

/// g = g + weight_decay p; mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2); m and v as in Adam;
/// p = p - lr ((1 - mu_t) / (1 - prod mu_1..t) g + mu_t+1 / (1 - prod mu_1..t+1) m) /
/// (sqrt(v / (1 - beta2^t)) + eps) (Dozat, 2016).
/// https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html
class NAdam : public OptimizerOf<NAdamOptions, NAdamParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

struct RAdamOptions : public OptimizerOptionsWithRate<RAdamOptions> {
  using betas_t = std::tuple<double, double>;
  RAdamOptions(double lr = 1e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

/// Step count and running averages of one parameter.
struct RAdamParamState : public OptimizerCloneableParamState<RAdamParamState> {
  REEL_ARG(std::int64_t, step) = 0;
  REEL_ARG(Tensor, exp_avg);
  REEL_ARG(Tensor, exp_avg_sq);

 public:
  void fields(Fields& visit) override;
};

/// g = g + weight_decay p; m and v as in Adam, m^ = m / (1 - beta1^t); with
/// r_inf = 2 / (1 - beta2) - 1, r = r_inf - 2 t beta2^t / (1 - beta2^t): where r > 5,
/// p = p - lr m^ sqrt(1 - beta2^t) / (sqrt(v) + eps) sqrt((r - 4) (r - 2) r_inf /
/// ((r_inf - 4) (r_inf - 2) r)); else p = p - lr m^ (Liu et al., 2019).
/// https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html
class RAdam : public OptimizerOf<RAdamOptions, RAdamParamState> {
 public:
  using OptimizerOf::OptimizerOf;
  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override;
};

}  // namespace optim
}  // namespace reel
