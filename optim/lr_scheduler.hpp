// Schedules of the learning rate.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "optimizer.hpp"

namespace reel {
namespace optim {

/// Sets the learning rate of each group of `optimizer`, which must outlive it. Call `step()` after
/// the optimizer's, once per epoch. A schedule overrides get_lrs().
/// https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
class LRScheduler {
 public:
  explicit LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {}
  virtual ~LRScheduler() = default;
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  /// Counts one step and sets the learning rates. Throws Error where the schedule gives another
  /// number of rates than there are groups.
  void step();
  /// The learning rates now in use, one per group.
  std::vector<double> get_last_lr() const { return get_current_lrs(); }

  /// What a file keeps: "step_count". The rates themselves are the optimizer's.
  Optimizer::StateDict state_dict() const;
  /// Throws Error that lists what does not fit; then nothing has changed.
  void load_state_dict(const Optimizer::StateDict& from);
  /// The first half of load_state_dict, as Optimizer::prepare_load.
  std::function<void()> prepare_load(const Optimizer::StateDict& from,
                                     std::vector<std::string>& problems);

 protected:
  /// One learning rate per group, for the step that `step_count_` names (the first is 1).
  virtual std::vector<double> get_lrs() = 0;
  std::vector<double> get_current_lrs() const;

  unsigned step_count_ = 0;

 private:
  Optimizer& optimizer_;
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

  unsigned step_size_;
  double gamma_;
};

}  // namespace optim
}  // namespace reel
