// L-BFGS.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "optimizer.hpp"

namespace reel {
namespace optim {

struct LBFGSOptions : public OptimizerOptionsWithRate<LBFGSOptions> {
  LBFGSOptions(double lr = 1) : lr_(lr) {}
  REEL_ARG(double, lr);
  /// Directions tried in one step().
  REEL_ARG(std::int64_t, max_iter) = 20;
  /// Calls of the closure in one step(); max_iter * 5 / 4 where left out.
  REEL_ARG(std::optional<std::int64_t>, max_eval);
  REEL_ARG(double, tolerance_grad) = 1e-7;
  REEL_ARG(double, tolerance_change) = 1e-9;
  REEL_ARG(std::int64_t, history_size) = 100;
  /// "strong_wolfe", or nothing: the step's length is then lr.
  REEL_ARG(std::optional<std::string>, line_search_fn);

 public:
  void fields(Fields& visit) override;
  void validate() const override;
};

/// What the optimizer remembers, kept under its first parameter: the last direction d and step
/// length t, and pairs of a step and the change of the gradient along it, n numbers each for n
/// numbers in all parameters.
struct LBFGSParamState : public OptimizerCloneableParamState<LBFGSParamState> {
  REEL_ARG(std::int64_t, numel) = 0;
  REEL_ARG(std::int64_t, func_evals) = 0;
  REEL_ARG(std::int64_t, n_iter) = 0;
  REEL_ARG(double, t) = 0;
  REEL_ARG(double, prev_loss) = 0;
  REEL_ARG(double, H_diag) = 1;
  REEL_ARG(Tensor, d);
  REEL_ARG(Tensor, prev_flat_grad);
  REEL_ARG(std::vector<Tensor>, old_dirs);
  REEL_ARG(std::vector<Tensor>, old_stps);

 public:
  void fields(Fields& visit) override;
};

/// Steps along -H g, where the inverse Hessian H is estimated from the last `history_size` pairs of
/// steps s and changes of the gradient y: H_0 = (s y / y y) I, and per pair the BFGS update
/// (Liu & Nocedal, 1989). step() calls the closure up to max_eval times; it must clear the
/// gradients, compute the loss, call backward() and return the loss. With "strong_wolfe" the step's
/// length is searched for such that the loss falls enough and its slope flattens (Nocedal & Wright,
/// 2006, chapter 3). Has one parameter group, whose parameters share a dtype.
/// https://pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
class LBFGS : public OptimizerOf<LBFGSOptions, LBFGSParamState> {
 public:
  /// Throws as Optimizer's constructor does, and Error where there is not one group or a parameter
  /// has another dtype than the first.
  explicit LBFGS(std::vector<OptimizerParamGroup> param_groups, LBFGSOptions defaults = {});
  explicit LBFGS(std::vector<Tensor> params, LBFGSOptions defaults = {});

  /// Returns the loss at the start. Throws Error without a closure.
  Tensor step(LossClosure closure) override;
  std::string name() const override;

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override;

 private:
  void check_single_group() const;
  Tensor flat_gradient() const;
  void move_by(double length, const Tensor& direction) const;
};

}  // namespace optim
}  // namespace reel
