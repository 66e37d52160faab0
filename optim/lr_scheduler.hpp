// Schedules of the learning rate: the base, and those that multiply it. Others: annealing.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "optimizer.hpp"

namespace reel {
namespace optim {

/// Sets the learning rate of each group of `optimizer`, which must outlive it. Call `step()` after
/// the optimizer's, once per epoch. A schedule overrides get_lrs(). Where a step number t is
/// mentioned, the first call of step() is number 1, and 0 is the construction.
/// https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
class LRScheduler {
 public:
  explicit LRScheduler(Optimizer& optimizer);
  virtual ~LRScheduler();
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  /// Counts one step and sets the learning rates. Throws Error where the schedule gives another
  /// number of rates than there are groups; then, and where get_lrs() throws, nothing was counted
  /// or set.
  void step();
  /// The learning rates now in use, one per group.
  std::vector<double> get_last_lr() const { return get_current_lrs(); }

  /// What a file keeps: "step_count", what else the schedule remembers, and as "settings.{name}"
  /// what its constructor was given. The rates themselves are the optimizer's, and functions are
  /// the program's.
  Optimizer::StateDict state_dict() const;
  /// Takes everything over, the settings too where the state has any. Throws Error that lists what
  /// does not fit; then nothing has changed.
  void load_state_dict(const Optimizer::StateDict& from);
  /// The first half of load_state_dict, as Optimizer::prepare_load.
  std::function<void()> prepare_load(const Optimizer::StateDict& from,
                                     std::vector<std::string>& problems);

 protected:
  /// One learning rate per group, for the step that `step_count_` names (the first is 1).
  virtual std::vector<double> get_lrs() = 0;
  /// Visits the values that a file keeps besides step_count. Tensors are float64.
  virtual void fields(Fields& visit);
  /// Visits the constructor's arguments, functions left out.
  virtual void settings(Fields& visit);
  /// Throws Error where the settings make no sense.
  virtual void validate() const {}
  /// Begins the schedule anew, at step 0.
  virtual void restart(const std::vector<double>& base_lrs);

  std::vector<double> get_current_lrs() const;
  void set_lrs(const std::vector<double>& rates);
  /// A constructor's last act, where step 0 has rates of its own.
  void begin() { set_lrs(get_lrs()); }
  /// The rates that the optimizer had before any schedule.
  const std::vector<double>& base_lrs() const { return base_lrs_; }
  void visit_base_lrs(Fields& visit);
  Optimizer& optimizer() const { return optimizer_; }

  static void visit_count(Fields& visit, const char* name, unsigned& value);

  unsigned step_count_ = 0;

 private:
  friend class SequentialLR;
  /// Does `change`; where it throws, the count and the learning rates are as before.
  void attempt(const std::function<void()>& change);
  void visit_all(Fields& visit);

  Optimizer& optimizer_;
  std::vector<double> base_lrs_;
};

/// Multiplies the learning rates by `gamma` at every `step_size`-th step, at the step PyTorch's
/// Python class does: with step_size 2 the rates after steps 1, 2, 3, 4 are lr, lr g, lr g, lr g^2.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
class StepLR : public LRScheduler {
 public:
  /// Throws Error where `step_size` is zero.
  StepLR(Optimizer& optimizer, unsigned step_size, double gamma = 0.1);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;

  unsigned step_size_;
  double gamma_;
};

/// Multiplies the learning rates by `gamma` at each of the steps `milestones`, as often as each is
/// named.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html
class MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, std::vector<unsigned> milestones, double gamma = 0.1);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;

  std::vector<unsigned> milestones_;
  double gamma_;
};

/// Multiplies the learning rates by `gamma` at every step.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
class ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;

  double gamma_;
};

/// Multiplies the learning rates by `factor` up to step `total_iters`.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html
class ConstantLR : public LRScheduler {
 public:
  /// Throws Error for a factor outside (0, 1].
  ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, unsigned total_iters = 5);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;

  double factor_;
  unsigned total_iters_;
};

/// Multiplies the learning rates by a factor that goes from start_factor to end_factor in equal
/// differences over total_iters steps.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html
class LinearLR : public LRScheduler {
 public:
  /// Throws Error for a start_factor outside (0, 1] or an end_factor outside [0, 1].
  LinearLR(Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0,
           unsigned total_iters = 5);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;

  double start_factor_, end_factor_;
  unsigned total_iters_;
};

/// lr_t = lr_0 (1 - t / total_iters)^power up to step total_iters, then 0.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html
class PolynomialLR : public LRScheduler {
 public:
  PolynomialLR(Optimizer& optimizer, unsigned total_iters = 5, double power = 1.0);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;

  unsigned total_iters_;
  double power_;
};

/// A factor for step number t.
using LRLambda = std::function<double(unsigned t)>;

/// lr_t = lr_0 lambda(t), with one function for all groups or one per group.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
class LambdaLR : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, LRLambda lr_lambda);
  /// Throws Error where there is not one function per group.
  LambdaLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas);

 private:
  std::vector<double> get_lrs() override;
  void fields(Fields& visit) override;

  std::vector<LRLambda> lambdas_;
};

/// lr_t = lr_(t-1) lambda(t), with one function for all groups or one per group.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiplicativeLR.html
class MultiplicativeLR : public LRScheduler {
 public:
  MultiplicativeLR(Optimizer& optimizer, LRLambda lr_lambda);
  /// Throws Error where there is not one function per group.
  MultiplicativeLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas);

 private:
  std::vector<double> get_lrs() override;
  /// As in PyTorch the rates stay as they are.
  void restart(const std::vector<double>& base_lrs) override;

  std::vector<LRLambda> lambdas_;
};

/// Runs `schedulers` of the same optimizer one after the other: the next one starts, from the
/// optimizer's first rates, at each of the steps `milestones`.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html
class SequentialLR : public LRScheduler {
 public:
  /// Throws Error for an empty list or pointer, a schedule of another optimizer, or milestones that
  /// do not rise or are not one fewer than the schedulers.
  SequentialLR(Optimizer& optimizer, std::vector<std::shared_ptr<LRScheduler>> schedulers,
               std::vector<unsigned> milestones);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;
  void fields(Fields& visit) override;
  void restart(const std::vector<double>& base_lrs) override;

  std::vector<std::shared_ptr<LRScheduler>> schedulers_;
  std::vector<unsigned> milestones_;
};

}  // namespace optim
}  // namespace reel
