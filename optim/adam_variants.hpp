// Adamax, NAdam and RAdam.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct AdamaxOptions : public OptimizerCloneableOptions<AdamaxOptions> {
  using betas_t = std::tuple<double, double>;
  AdamaxOptions(double lr = 2e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = std::make_tuple(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(bool, maximize) = false;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
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
class Adamax : public Optimizer {
 public:
  explicit Adamax(std::vector<OptimizerParamGroup> param_groups, AdamaxOptions defaults = {})
      : Optimizer(std::move(param_groups), std::make_unique<AdamaxOptions>(defaults)) {}
  explicit Adamax(std::vector<Tensor> params, AdamaxOptions defaults = {})
      : Optimizer(std::move(params), std::make_unique<AdamaxOptions>(defaults)) {}

  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override { return "Adamax"; }

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override {
    return std::make_unique<AdamaxParamState>();
  }
};

struct NAdamOptions : public OptimizerCloneableOptions<NAdamOptions> {
  using betas_t = std::tuple<double, double>;
  NAdamOptions(double lr = 2e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = std::make_tuple(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;
  REEL_ARG(double, momentum_decay) = 4e-3;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
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
class NAdam : public Optimizer {
 public:
  explicit NAdam(std::vector<OptimizerParamGroup> param_groups, NAdamOptions defaults = {})
      : Optimizer(std::move(param_groups), std::make_unique<NAdamOptions>(defaults)) {}
  explicit NAdam(std::vector<Tensor> params, NAdamOptions defaults = {})
      : Optimizer(std::move(params), std::make_unique<NAdamOptions>(defaults)) {}

  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override { return "NAdam"; }

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override {
    return std::make_unique<NAdamParamState>();
  }
};

struct RAdamOptions : public OptimizerCloneableOptions<RAdamOptions> {
  using betas_t = std::tuple<double, double>;
  RAdamOptions(double lr = 1e-3) : lr_(lr) {}
  REEL_ARG(double, lr);
  REEL_ARG(betas_t, betas) = std::make_tuple(0.9, 0.999);
  REEL_ARG(double, eps) = 1e-8;
  REEL_ARG(double, weight_decay) = 0;

 public:
  void fields(Fields& visit) override;
  void validate() const override;
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
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
class RAdam : public Optimizer {
 public:
  explicit RAdam(std::vector<OptimizerParamGroup> param_groups, RAdamOptions defaults = {})
      : Optimizer(std::move(param_groups), std::make_unique<RAdamOptions>(defaults)) {}
  explicit RAdam(std::vector<Tensor> params, RAdamOptions defaults = {})
      : Optimizer(std::move(params), std::make_unique<RAdamOptions>(defaults)) {}

  Tensor step(LossClosure closure = nullptr) override;
  std::string name() const override { return "RAdam"; }

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override {
    return std::make_unique<RAdamParamState>();
  }
};

}  // namespace optim
}  // namespace reel
