#include "annealing.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace reel {
namespace optim {

namespace {

constexpr double kPi = 3.141592653589793238462643383279502884;

/// Sets the option "momentum", or "beta1" where `or_beta1`, and knows whether there was one.
class MomentumSetter : public Fields {
 public:
  MomentumSetter(double momentum, bool or_beta1) : momentum_(momentum), or_beta1_(or_beta1) {}
  bool found = false;
  void operator()(const char* name, double& value) override {
    if (std::strcmp(name, "momentum") != 0 && !(or_beta1_ && std::strcmp(name, "beta1") == 0))
      return;
    value = momentum_;
    found = true;
  }
  void operator()(const char*, std::int64_t&) override {}
  void operator()(const char*, bool&) override {}
  void operator()(const char*, Tensor&) override {}

 private:
  double momentum_;
  bool or_beta1_;
};

void set_momentum(const char* op, Optimizer& optimizer, double momentum, bool or_beta1) {
  for (auto& group : optimizer.param_groups()) {
    MomentumSetter set(momentum, or_beta1);
    group.options().fields(set);
    check(set.found, "[", op, "] optimizer must support momentum", or_beta1 ? " or beta1" : "",
          " with cycle_momentum enabled, but ", optimizer.name(),
          " has none; set cycle_momentum to false");
  }
}

/// An enumeration, by its number.
template <class Choice>
void visit_choice(Fields& visit, const char* name, Choice& choice) {
  auto number = static_cast<std::int64_t>(choice);
  visit(name, number);
  choice = static_cast<Choice>(number);
}
void check_choice(const char* op, const char* name, int number, int count) {
  check(number >= 0 && number < count, "[", op, "] ", name, " must be a number below ", count,
        ", found ", number);
}

}  // namespace

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, unsigned T_max, double eta_min)
    : LRScheduler(optimizer), t_max_(T_max), eta_min_(eta_min) {
  validate();
}
void CosineAnnealingLR::validate() const {
  check(t_max_ > 0, "[CosineAnnealingLR] T_max must be at least 1, found 0");
}
void CosineAnnealingLR::settings(Fields& visit) {
  visit_count(visit, "T_max", t_max_);
  visit("eta_min", eta_min_);
}
std::vector<double> CosineAnnealingLR::get_lrs() {
  std::vector<double> rates = get_current_lrs();
  if (step_count_ == 0) return rates;
  const double t = step_count_, total = t_max_;
  // At the foot of the curve the quotient below is 0 / 0.
  const bool turns = (step_count_ - 1) % (std::uint64_t{2} * t_max_) == t_max_;
  for (std::size_t g = 0; g < rates.size(); ++g)
    if (turns)
      rates[g] += (base_lrs()[g] - eta_min_) * (1 - std::cos(kPi / total)) / 2;
    else
      rates[g] = (1 + std::cos(kPi * t / total)) / (1 + std::cos(kPi * (t - 1) / total)) *
                     (rates[g] - eta_min_) +
                 eta_min_;
  return rates;
}
void CosineAnnealingLR::fields(Fields& visit) { visit_base_lrs(visit); }

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, unsigned T_0,
                                                         unsigned T_mult, double eta_min)
    : LRScheduler(optimizer), t_0_(T_0), t_mult_(T_mult), eta_min_(eta_min) {
  validate();
  begin();
}
void CosineAnnealingWarmRestarts::validate() const {
  check(t_0_ > 0, "[CosineAnnealingWarmRestarts] expected positive integer T_0, but got 0");
  check(t_mult_ > 0, "[CosineAnnealingWarmRestarts] expected integer T_mult >= 1, but got 0");
}
void CosineAnnealingWarmRestarts::settings(Fields& visit) {
  visit_count(visit, "T_0", t_0_);
  visit_count(visit, "T_mult", t_mult_);
  visit("eta_min", eta_min_);
}
std::vector<double> CosineAnnealingWarmRestarts::get_lrs() {
  std::uint64_t at = step_count_, length = t_0_;
  if (t_mult_ == 1) at %= length;
  while (at >= length) {
    at -= length;
    length *= t_mult_;
  }
  const double part = static_cast<double>(at) / static_cast<double>(length);
  std::vector<double> rates = base_lrs();
  for (double& rate : rates) rate = eta_min_ + (rate - eta_min_) * (1 + std::cos(kPi * part)) / 2;
  return rates;
}
void CosineAnnealingWarmRestarts::fields(Fields& visit) { visit_base_lrs(visit); }

OneCycleLR::OneCycleLR(Optimizer& optimizer, OneCycleLROptions options)
    : LRScheduler(optimizer), options_(std::move(options)) {
  validate();
  begin();
}
void OneCycleLR::validate() const {
  check(options_.total_steps() > 0,
        "[OneCycleLR] Expected positive integer total_steps, but got 0");
  check(options_.pct_start() >= 0 && options_.pct_start() <= 1,
        "[OneCycleLR] Expected float between 0 and 1 pct_start, but got ", options_.pct_start());
}
void OneCycleLR::settings(Fields& visit) {
  OneCycleLROptions& o = options_;
  visit("max_lr", o.max_lr());
  visit_count(visit, "total_steps", o.total_steps());
  visit("pct_start", o.pct_start());
  visit("linear", o.linear());
  visit("cycle_momentum", o.cycle_momentum());
  visit("base_momentum", o.base_momentum());
  visit("max_momentum", o.max_momentum());
  visit("div_factor", o.div_factor());
  visit("final_div_factor", o.final_div_factor());
  visit("three_phase", o.three_phase());
}
std::vector<double> OneCycleLR::get_lrs() {
  const OneCycleLROptions& o = options_;
  check(step_count_ <= o.total_steps(), "[OneCycleLR] Tried to step ", step_count_,
        " times. The specified number of total steps is ", o.total_steps());
  const double initial = o.max_lr() / o.div_factor(), last = initial / o.final_div_factor();
  struct Phase {
    double end, from_lr, to_lr, from_momentum, to_momentum;
  };
  const double total = o.total_steps(), high = o.max_momentum(), low = o.base_momentum();
  const std::vector<Phase> phases =
      o.three_phase()
          ? std::vector<Phase>{{o.pct_start() * total - 1, initial, o.max_lr(), high, low},
                               {2 * o.pct_start() * total - 2, o.max_lr(), initial, low, high},
                               {total - 1, initial, last, high, high}}
          : std::vector<Phase>{{o.pct_start() * total - 1, initial, o.max_lr(), high, low},
                               {total - 1, o.max_lr(), last, low, high}};
  double start = 0;
  auto phase = phases.begin();
  for (; phase + 1 != phases.end() && step_count_ > phase->end; ++phase) start = phase->end;
  // A phase of one step has no length, but for rounding: it is at its end.
  const double length = phase->end - start;
  const double part = length > 1e-9 ? (step_count_ - start) / length : 1;
  const auto between = [&](double from, double to) {
    return o.linear() ? (to - from) * part + from
                      : to + (from - to) / 2 * (std::cos(kPi * part) + 1);
  };
  if (o.cycle_momentum())
    set_momentum("OneCycleLR", optimizer(), between(phase->from_momentum, phase->to_momentum),
                 true);
  return std::vector<double>(optimizer().param_groups().size(),
                             between(phase->from_lr, phase->to_lr));
}

CyclicLR::CyclicLR(Optimizer& optimizer, CyclicLROptions options)
    : LRScheduler(optimizer), options_(std::move(options)) {
  validate();
  begin();
}
void CyclicLR::validate() const {
  check(options_.step_size_up() > 0 && options_.step_size_down().value_or(1) > 0,
        "[CyclicLR] step_size_up and step_size_down must be at least 1, found ",
        options_.step_size_up(), " and ", options_.step_size_down().value_or(1));
  check_choice("CyclicLR", "mode", static_cast<int>(options_.mode()), 3);
  check_choice("CyclicLR", "scale_mode", static_cast<int>(options_.scale_mode()), 2);
}
void CyclicLR::settings(Fields& visit) {
  CyclicLROptions& o = options_;
  visit("base_lr", o.base_lr());
  visit("max_lr", o.max_lr());
  visit_count(visit, "step_size_up", o.step_size_up());
  unsigned down = o.step_size_down().value_or(o.step_size_up());
  visit_count(visit, "step_size_down", down);
  o.step_size_down(down);
  visit_choice(visit, "mode", o.mode());
  visit_choice(visit, "scale_mode", o.scale_mode());
  visit("gamma", o.gamma());
  visit("cycle_momentum", o.cycle_momentum());
  visit("base_momentum", o.base_momentum());
  visit("max_momentum", o.max_momentum());
}
std::vector<double> CyclicLR::get_lrs() {
  const CyclicLROptions& o = options_;
  const double up = o.step_size_up(), total = up + o.step_size_down().value_or(o.step_size_up());
  const double cycle = std::floor(1 + step_count_ / total), x = 1 + step_count_ / total - cycle;
  const double ratio = up / total;
  double height = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
  if (o.scale_fn())
    height *=
        o.scale_fn()(o.scale_mode() == CyclicLROptions::ScaleMode::Cycle ? cycle : step_count_);
  else if (o.mode() == CyclicLROptions::Mode::Triangular2)
    height /= std::pow(2, cycle - 1);
  else if (o.mode() == CyclicLROptions::Mode::ExpRange)
    height *= std::pow(o.gamma(), step_count_);
  if (o.cycle_momentum())
    set_momentum("CyclicLR", optimizer(),
                 o.max_momentum() - (o.max_momentum() - o.base_momentum()) * height, false);
  return std::vector<double>(optimizer().param_groups().size(),
                             o.base_lr() + (o.max_lr() - o.base_lr()) * height);
}

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, ReduceLROnPlateauOptions options)
    : LRScheduler(optimizer), options_(std::move(options)) {
  validate();
  restart(base_lrs());
}
void ReduceLROnPlateau::validate() const {
  check(options_.factor() < 1, "[ReduceLROnPlateau] factor should be below 1, found ",
        options_.factor());
  check_choice("ReduceLROnPlateau", "mode", static_cast<int>(options_.mode()), 2);
  check_choice("ReduceLROnPlateau", "threshold_mode", static_cast<int>(options_.threshold_mode()),
               2);
}
void ReduceLROnPlateau::settings(Fields& visit) {
  ReduceLROnPlateauOptions& o = options_;
  visit_choice(visit, "mode", o.mode());
  visit("factor", o.factor());
  visit_count(visit, "patience", o.patience());
  visit("threshold", o.threshold());
  visit_choice(visit, "threshold_mode", o.threshold_mode());
  visit_count(visit, "cooldown", o.cooldown());
  visit("min_lr", o.min_lr());
  visit("eps", o.eps());
}
void ReduceLROnPlateau::restart(const std::vector<double>& base_lrs) {
  step_count_ = 0;
  set_lrs(base_lrs);
  const double worst = std::numeric_limits<double>::infinity();
  best_ = options_.mode() == ReduceLROnPlateauOptions::Mode::Min ? worst : -worst;
  num_bad_epochs_ = cooldown_counter_ = 0;
}
void ReduceLROnPlateau::step(double metric) {
  metric_ = metric;
  LRScheduler::step();
  metric_.reset();
}
bool ReduceLROnPlateau::better(double metric) const {
  const bool relative = options_.threshold_mode() == ReduceLROnPlateauOptions::ThresholdMode::Rel;
  if (options_.mode() == ReduceLROnPlateauOptions::Mode::Min)
    return metric < (relative ? best_ * (1 - options_.threshold()) : best_ - options_.threshold());
  return metric > (relative ? best_ * (1 + options_.threshold()) : best_ + options_.threshold());
}
std::vector<double> ReduceLROnPlateau::get_lrs() {
  check(metric_.has_value(), "[ReduceLROnPlateau] step() needs the metric to watch; call ",
        "step(metric) of the class itself, not of a base or a SequentialLR");
  std::vector<double> rates = get_current_lrs();
  if (better(*metric_)) {
    best_ = *metric_;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (num_bad_epochs_ <= static_cast<std::int64_t>(options_.patience())) return rates;
  for (double& rate : rates) {
    const double lower = std::max(rate * options_.factor(), options_.min_lr());
    if (rate - lower > options_.eps()) rate = lower;
  }
  cooldown_counter_ = options_.cooldown();
  num_bad_epochs_ = 0;
  return rates;
}
void ReduceLROnPlateau::fields(Fields& visit) {
  visit("best", best_);
  visit("num_bad_epochs", num_bad_epochs_);
  visit("cooldown_counter", cooldown_counter_);
}

}  // namespace optim
}  // namespace reel
