// Schedules that follow a curve, in rounds or once, and the one that watches a metric.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "lr_scheduler.hpp"

namespace reel {
namespace optim {

/// lr_t = eta_min + (lr_0 - eta_min) (1 + cos(pi t / T_max)) / 2, as a recurrence.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
class CosineAnnealingLR : public LRScheduler {
 public:
  /// Throws Error where T_max is zero.
  CosineAnnealingLR(Optimizer& optimizer, unsigned T_max, double eta_min = 0);

 private:
  std::vector<double> get_lrs() override;
  void fields(Fields& visit) override;
  void settings(Fields& visit) override;
  void validate() const override;

  unsigned t_max_;
  double eta_min_;
};

/// Half a cosine from lr_0 to eta_min over T_0 steps, then anew, each time T_mult times as long
/// (Loshchilov & Hutter, 2016).
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
class CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  /// Throws Error where T_0 or T_mult is zero.
  CosineAnnealingWarmRestarts(Optimizer& optimizer, unsigned T_0, unsigned T_mult = 1,
                              double eta_min = 0);

 private:
  std::vector<double> get_lrs() override;
  void fields(Fields& visit) override;
  void settings(Fields& visit) override;
  void validate() const override;

  unsigned t_0_, t_mult_;
  double eta_min_;
};

struct OneCycleLROptions {
  OneCycleLROptions(double max_lr, unsigned total_steps)
      : max_lr_(max_lr), total_steps_(total_steps) {}
  REEL_ARG(double, max_lr);
  REEL_ARG(unsigned, total_steps);
  REEL_ARG(double, pct_start) = 0.3;
  /// Straight lines in place of cosines.
  REEL_ARG(bool, linear) = false;
  /// Also moves momentum (beta1 of Adam's kin) between the two bounds, against the rate.
  REEL_ARG(bool, cycle_momentum) = true;
  REEL_ARG(double, base_momentum) = 0.85;
  REEL_ARG(double, max_momentum) = 0.95;
  REEL_ARG(double, div_factor) = 25;
  REEL_ARG(double, final_div_factor) = 1e4;
  REEL_ARG(bool, three_phase) = false;
};

/// From max_lr / div_factor up to max_lr over pct_start of the steps, then down to
/// max_lr / div_factor / final_div_factor (Smith & Topin, 2017). With three_phase the way down is
/// as long as the way up, and a third phase goes on to the end. step() throws Error beyond
/// total_steps.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
class OneCycleLR : public LRScheduler {
 public:
  /// Throws Error for values out of range, or momentum to cycle where the optimizer has none.
  OneCycleLR(Optimizer& optimizer, OneCycleLROptions options);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;

  OneCycleLROptions options_;
};

struct CyclicLROptions {
  enum class Mode { Triangular, Triangular2, ExpRange };
  enum class ScaleMode { Cycle, Iterations };
  using scale_fn_t = std::function<double(double)>;
  CyclicLROptions(double base_lr, double max_lr) : base_lr_(base_lr), max_lr_(max_lr) {}
  REEL_ARG(double, base_lr);
  REEL_ARG(double, max_lr);
  REEL_ARG(unsigned, step_size_up) = 2000;
  /// As step_size_up where left out.
  REEL_ARG(std::optional<unsigned>, step_size_down);
  /// What scales the height: 1, 1 / 2^(cycle - 1), or gamma^t.
  REEL_ARG(Mode, mode) = Mode::Triangular;
  REEL_ARG(double, gamma) = 1;
  /// Where given, scales the height in place of mode, by the number of the cycle (the first is 1)
  /// or of the step (0 at first).
  REEL_ARG(scale_fn_t, scale_fn);
  REEL_ARG(ScaleMode, scale_mode) = ScaleMode::Cycle;
  /// Also moves momentum between the two bounds, against the rate.
  REEL_ARG(bool, cycle_momentum) = true;
  REEL_ARG(double, base_momentum) = 0.8;
  REEL_ARG(double, max_momentum) = 0.9;
};

/// Up from base_lr to max_lr in step_size_up steps, down in step_size_down, and so on (Smith,
/// 2015). https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html
class CyclicLR : public LRScheduler {
 public:
  /// Throws Error where a size is zero, or for momentum to cycle where the optimizer has none.
  CyclicLR(Optimizer& optimizer, CyclicLROptions options);

 private:
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;

  CyclicLROptions options_;
};

struct ReduceLROnPlateauOptions {
  enum class Mode { Min, Max };
  enum class ThresholdMode { Rel, Abs };
  REEL_ARG(Mode, mode) = Mode::Min;
  REEL_ARG(double, factor) = 0.1;
  REEL_ARG(unsigned, patience) = 10;
  REEL_ARG(double, threshold) = 1e-4;
  REEL_ARG(ThresholdMode, threshold_mode) = ThresholdMode::Rel;
  REEL_ARG(unsigned, cooldown) = 0;
  REEL_ARG(double, min_lr) = 0;
  /// A smaller change is not made.
  REEL_ARG(double, eps) = 1e-8;
};

/// Multiplies the learning rates by `factor` where a metric has not become better by more than
/// `threshold` for more than `patience` steps; then waits for `cooldown` steps.
/// https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
class ReduceLROnPlateau : public LRScheduler {
 public:
  /// Throws Error for a factor of 1 or more.
  explicit ReduceLROnPlateau(Optimizer& optimizer, ReduceLROnPlateauOptions options = {});
  void step(double metric);

 private:
  /// Throws Error where step() was called without a metric.
  std::vector<double> get_lrs() override;
  void settings(Fields& visit) override;
  void validate() const override;
  void fields(Fields& visit) override;
  void restart(const std::vector<double>& base_lrs) override;
  bool better(double metric) const;

  ReduceLROnPlateauOptions options_;
  std::optional<double> metric_;
  double best_;
  std::int64_t num_bad_epochs_ = 0, cooldown_counter_ = 0;
};

}  // namespace optim
}  // namespace reel
