#include "lr_scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "autograd/ops/ops.hpp"

namespace reel {
namespace optim {

namespace {

/// Appends every value to a dictionary.
class StateWriter : public Fields {
 public:
  Optimizer::StateDict dict;
  void operator()(const char* name, double& value) override {
    dict.emplace_back(name, scalar_tensor(value, kFloat64));
  }
  void operator()(const char* name, std::int64_t& value) override {
    dict.emplace_back(name, scalar_tensor(value, kInt64));
  }
  void operator()(const char* name, bool& value) override {
    dict.emplace_back(name, scalar_tensor(value, kBool));
  }
  void operator()(const char* name, Tensor& value) override { dict.emplace_back(name, value); }
  void list(const char* name, std::vector<unsigned>& values) override {
    const Tensor tensor = empty({static_cast<std::int64_t>(values.size())}, kInt64);
    std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
    dict.emplace_back(name, tensor);
  }
};

/// Whether a name is that of a setting, here or in a schedule within.
bool is_setting(const std::string& name) { return name.find("settings.") != std::string::npos; }

/// Checks every value that a dictionary holds, and replaces it where `assign` is set.
class StateReader : public Fields {
 public:
  StateReader(const Optimizer::StateDict& from, std::vector<std::string>& problems, bool assign)
      : problems_(problems), assign_(assign) {
    for (const auto& [name, value] : from) {
      if (!values_.emplace(name, value).second) problems_.push_back("duplicate name " + name);
      has_settings_ = has_settings_ || is_setting(name);
    }
  }
  void operator()(const char* name, double& value) override { read(name, value); }
  void operator()(const char* name, std::int64_t& value) override { read(name, value); }
  void operator()(const char* name, bool& value) override { read(name, value); }
  void operator()(const char* name, Tensor& value) override {
    const Tensor found = take(name);
    if (!found.defined()) return;
    if (found.dtype() != kFloat64 || found.sizes() != value.sizes())
      problems_.push_back(detail::message(name, " must be float64 of shape ", value.sizes(),
                                          ", found ", dtype_name(found.dtype()), " of shape ",
                                          found.sizes()));
    else if (assign_)
      value = found.contiguous();
  }
  void list(const char* name, std::vector<unsigned>& values) override {
    const Tensor found = take(name);
    if (!found.defined()) return;
    std::vector<unsigned> counts;
    bool fits = found.dtype() == kInt64 && found.dim() == 1;
    if (fits) {
      const Tensor flat = found.contiguous();
      for (std::int64_t i = 0; i < flat.numel(); ++i) {
        fits = fits && is_count(flat.data_ptr<std::int64_t>()[i]);
        counts.push_back(static_cast<unsigned>(flat.data_ptr<std::int64_t>()[i]));
      }
    }
    if (!fits)
      problems_.push_back(detail::message(name, " must be a list of counts, found ",
                                          dtype_name(found.dtype()), " of shape ", found.sizes()));
    else if (assign_)
      values = counts;
  }
  void report_unused() {
    std::vector<std::string> unused;
    for (const auto& item : values_) unused.push_back("unexpected " + item.first);
    std::sort(unused.begin(), unused.end());
    problems_.insert(problems_.end(), unused.begin(), unused.end());
  }

 private:
  Tensor take(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      // Files of before settings were kept leave them as the constructor set them.
      if (has_settings_ || !is_setting(name)) problems_.push_back("missing " + name);
      return Tensor();
    }
    const Tensor value = found->second;
    values_.erase(found);
    return value;
  }
  template <class T>
  void read(const char* name, T& value) {
    const Tensor found = take(name);
    if (!found.defined()) return;
    if (found.dtype() != dtype_of<T>::value || found.numel() != 1)
      problems_.push_back(detail::message(name, " must be one ", dtype_name(dtype_of<T>::value),
                                          ", found ", dtype_name(found.dtype()), " of shape ",
                                          found.sizes()));
    else if (assign_)
      value = *found.template data_ptr<T>();
    else if (std::is_same_v<T, std::int64_t> && !is_count(*found.template data_ptr<T>()))
      problems_.push_back(
          detail::message(name, " is out of range: ", *found.template data_ptr<T>()));
  }
  template <class T>
  static bool is_count(T value) {
    return value >= T(0) && static_cast<double>(value) <= std::numeric_limits<unsigned>::max();
  }

  std::unordered_map<std::string, Tensor> values_;
  std::vector<std::string>& problems_;
  bool assign_;
  bool has_settings_ = false;
};

/// Visits under a prefix.
class Prefixed : public Fields {
 public:
  Prefixed(Fields& visit, std::string prefix) : visit_(visit), prefix_(std::move(prefix)) {}
  void operator()(const char* name, double& value) override { pass(name, value); }
  void operator()(const char* name, std::int64_t& value) override { pass(name, value); }
  void operator()(const char* name, bool& value) override { pass(name, value); }
  void operator()(const char* name, Tensor& value) override { pass(name, value); }
  void list(const char* name, std::vector<unsigned>& values) override {
    visit_.list((prefix_ + name).c_str(), values);
  }

 private:
  template <class T>
  void pass(const char* name, T& value) {
    visit_((prefix_ + name).c_str(), value);
  }
  Fields& visit_;
  std::string prefix_;
};

std::vector<LRLambda> one_per_group(const char* op, Optimizer& optimizer,
                                    std::vector<LRLambda> lambdas) {
  check(lambdas.size() == optimizer.param_groups().size(), "[", op, "] expected ",
        optimizer.param_groups().size(), " functions, one per parameter group, found ",
        lambdas.size());
  for (const LRLambda& lambda : lambdas) check(lambda != nullptr, "[", op, "] a function is empty");
  return lambdas;
}
std::vector<LRLambda> repeated(Optimizer& optimizer, const LRLambda& lambda) {
  return std::vector<LRLambda>(optimizer.param_groups().size(), lambda);
}

std::vector<double> scaled(std::vector<double> rates, double factor) {
  for (double& rate : rates) rate *= factor;
  return rates;
}

}  // namespace

LRScheduler::LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {
  for (auto& group : optimizer.param_groups()) {
    if (!group.initial_lr()) group.initial_lr() = group.options().get_lr();
    base_lrs_.push_back(*group.initial_lr());
  }
}

LRScheduler::~LRScheduler() = default;

void LRScheduler::attempt(const std::function<void()>& change) {
  const unsigned count = step_count_;
  const std::vector<double> rates = get_current_lrs();
  try {
    change();
  } catch (...) {
    step_count_ = count;
    set_lrs(rates);
    throw;
  }
}

void LRScheduler::step() {
  attempt([this] {
    ++step_count_;
    set_lrs(get_lrs());
  });
}

void LRScheduler::set_lrs(const std::vector<double>& rates) {
  auto& groups = optimizer_.param_groups();
  check(
      rates.size() == groups.size(), "[LRScheduler] Number of learning rates not equal to number ",
      "of param groups: the schedule gave ", rates.size(), " rates for ", groups.size(), " groups");
  for (std::size_t g = 0; g < groups.size(); ++g) groups[g].options().set_lr(rates[g]);
}

std::vector<double> LRScheduler::get_current_lrs() const {
  std::vector<double> rates;
  for (const auto& group : optimizer_.param_groups()) rates.push_back(group.options().get_lr());
  return rates;
}

void LRScheduler::fields(Fields&) {}
void LRScheduler::settings(Fields&) {}

void LRScheduler::visit_count(Fields& visit, const char* name, unsigned& value) {
  std::int64_t wide = value;
  visit(name, wide);
  value = static_cast<unsigned>(wide);
}

void LRScheduler::visit_base_lrs(Fields& visit) {
  Tensor rates = empty({static_cast<std::int64_t>(base_lrs_.size())}, kFloat64);
  std::copy(base_lrs_.begin(), base_lrs_.end(), rates.data_ptr<double>());
  visit("base_lrs", rates);
  std::copy_n(rates.data_ptr<double>(), base_lrs_.size(), base_lrs_.begin());
}

void LRScheduler::visit_all(Fields& visit) {
  visit_count(visit, "step_count", step_count_);
  fields(visit);
  Prefixed set(visit, "settings.");
  settings(set);
}

void LRScheduler::restart(const std::vector<double>& base_lrs) {
  attempt([&] {
    step_count_ = 0;
    set_lrs(base_lrs);
    set_lrs(get_lrs());
  });
}

Optimizer::StateDict LRScheduler::state_dict() const {
  StateWriter write;
  // Writing changes nothing.
  const_cast<LRScheduler*>(this)->visit_all(write);
  return write.dict;
}

std::function<void()> LRScheduler::prepare_load(const Optimizer::StateDict& from,
                                                std::vector<std::string>& problems) {
  const std::size_t before = problems.size();
  StateReader checked(from, problems, false);
  visit_all(checked);
  checked.report_unused();
  if (problems.size() != before) return nullptr;
  const auto take = [this](const Optimizer::StateDict& dict) {
    std::vector<std::string> none;
    StateReader read(dict, none, true);
    visit_all(read);
  };
  // Settings are checked in their places, which then get back what they had.
  const Optimizer::StateDict old = state_dict();
  take(from);
  try {
    validate();
  } catch (const Error& error) {
    problems.push_back(error.what());
  }
  take(old);
  if (problems.size() != before) return nullptr;
  return [this, from] {
    std::vector<std::string> none;
    StateReader read(from, none, true);
    visit_all(read);
  };
}

void LRScheduler::load_state_dict(const Optimizer::StateDict& from) {
  std::vector<std::string> problems;
  const auto commit = prepare_load(from, problems);
  std::string list;
  for (const auto& problem : problems) list += "\n  " + problem;
  check(problems.empty(), "[LRScheduler::load_state_dict] the state does not fit:", list);
  commit();
}

StepLR::StepLR(Optimizer& optimizer, unsigned step_size, double gamma)
    : LRScheduler(optimizer), step_size_(step_size), gamma_(gamma) {
  validate();
}
void StepLR::validate() const {
  check(step_size_ > 0, "[StepLR] step_size must be at least 1, found 0");
}
void StepLR::settings(Fields& visit) {
  visit_count(visit, "step_size", step_size_);
  visit("gamma", gamma_);
}
std::vector<double> StepLR::get_lrs() {
  const bool now = step_count_ != 0 && step_count_ % step_size_ == 0;
  return scaled(get_current_lrs(), now ? gamma_ : 1);
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<unsigned> milestones, double gamma)
    : LRScheduler(optimizer), milestones_(std::move(milestones)), gamma_(gamma) {}
void MultiStepLR::settings(Fields& visit) {
  visit.list("milestones", milestones_);
  visit("gamma", gamma_);
}
std::vector<double> MultiStepLR::get_lrs() {
  const auto times = std::count(milestones_.begin(), milestones_.end(), step_count_);
  return scaled(get_current_lrs(), std::pow(gamma_, static_cast<double>(times)));
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : LRScheduler(optimizer), gamma_(gamma) {}
void ExponentialLR::settings(Fields& visit) { visit("gamma", gamma_); }
std::vector<double> ExponentialLR::get_lrs() {
  return scaled(get_current_lrs(), step_count_ == 0 ? 1 : gamma_);
}

ConstantLR::ConstantLR(Optimizer& optimizer, double factor, unsigned total_iters)
    : LRScheduler(optimizer), factor_(factor), total_iters_(total_iters) {
  validate();
  begin();
}
void ConstantLR::validate() const {
  check(factor_ > 0 && factor_ <= 1, "[ConstantLR] Constant multiplicative factor expected to be ",
        "above 0 and at most 1, found ", factor_);
}
void ConstantLR::settings(Fields& visit) {
  visit("factor", factor_);
  visit_count(visit, "total_iters", total_iters_);
}
std::vector<double> ConstantLR::get_lrs() {
  const double change = step_count_ == 0 ? factor_ : step_count_ == total_iters_ ? 1 / factor_ : 1;
  return scaled(get_current_lrs(), change);
}

LinearLR::LinearLR(Optimizer& optimizer, double start_factor, double end_factor,
                   unsigned total_iters)
    : LRScheduler(optimizer),
      start_factor_(start_factor),
      end_factor_(end_factor),
      total_iters_(total_iters) {
  validate();
  begin();
}
void LinearLR::validate() const {
  check(start_factor_ > 0 && start_factor_ <= 1, "[LinearLR] Starting multiplicative factor ",
        "expected to be above 0 and at most 1, found ", start_factor_);
  check(end_factor_ >= 0 && end_factor_ <= 1, "[LinearLR] Ending multiplicative factor expected ",
        "to be between 0 and 1, found ", end_factor_);
}
void LinearLR::settings(Fields& visit) {
  visit("start_factor", start_factor_);
  visit("end_factor", end_factor_);
  visit_count(visit, "total_iters", total_iters_);
}
std::vector<double> LinearLR::get_lrs() {
  if (step_count_ == 0) return scaled(get_current_lrs(), start_factor_);
  if (step_count_ > total_iters_) return get_current_lrs();
  const double slope = end_factor_ - start_factor_, t = step_count_;
  return scaled(get_current_lrs(), 1 + slope / (total_iters_ * start_factor_ + (t - 1) * slope));
}

PolynomialLR::PolynomialLR(Optimizer& optimizer, unsigned total_iters, double power)
    : LRScheduler(optimizer), total_iters_(total_iters), power_(power) {}
void PolynomialLR::settings(Fields& visit) {
  visit_count(visit, "total_iters", total_iters_);
  visit("power", power_);
}
std::vector<double> PolynomialLR::get_lrs() {
  if (step_count_ == 0 || step_count_ > total_iters_) return get_current_lrs();
  const double t = step_count_, total = total_iters_;
  return scaled(get_current_lrs(), std::pow((1 - t / total) / (1 - (t - 1) / total), power_));
}

LambdaLR::LambdaLR(Optimizer& optimizer, LRLambda lr_lambda)
    : LambdaLR(optimizer, repeated(optimizer, lr_lambda)) {}
LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas)
    : LRScheduler(optimizer),
      lambdas_(one_per_group("LambdaLR", optimizer, std::move(lr_lambdas))) {
  begin();
}
std::vector<double> LambdaLR::get_lrs() {
  std::vector<double> rates = base_lrs();
  for (std::size_t g = 0; g < rates.size(); ++g) rates[g] *= lambdas_[g](step_count_);
  return rates;
}
void LambdaLR::fields(Fields& visit) { visit_base_lrs(visit); }

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, LRLambda lr_lambda)
    : MultiplicativeLR(optimizer, repeated(optimizer, lr_lambda)) {}
MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas)
    : LRScheduler(optimizer),
      lambdas_(one_per_group("MultiplicativeLR", optimizer, std::move(lr_lambdas))) {}
std::vector<double> MultiplicativeLR::get_lrs() {
  std::vector<double> rates = get_current_lrs();
  if (step_count_ > 0)
    for (std::size_t g = 0; g < rates.size(); ++g) rates[g] *= lambdas_[g](step_count_);
  return rates;
}
void MultiplicativeLR::restart(const std::vector<double>&) { step_count_ = 0; }

SequentialLR::SequentialLR(Optimizer& optimizer,
                           std::vector<std::shared_ptr<LRScheduler>> schedulers,
                           std::vector<unsigned> milestones)
    : LRScheduler(optimizer),
      schedulers_(std::move(schedulers)),
      milestones_(std::move(milestones)) {
  validate();
  restart(base_lrs());
}
void SequentialLR::validate() const {
  check(!schedulers_.empty() && milestones_.size() + 1 == schedulers_.size(),
        "[SequentialLR] expected number of schedulers provided to be one more than the number of ",
        "milestone points, but got ", schedulers_.size(), " schedulers and ", milestones_.size(),
        " milestones");
  for (const auto& scheduler : schedulers_)
    check(scheduler && &scheduler->optimizer() == &optimizer(),
          "[SequentialLR] expected all schedulers to belong to the same optimizer");
  check(std::is_sorted(milestones_.begin(), milestones_.end(), std::less_equal<>()),
        "[SequentialLR] expected milestones that rise");
  for (const auto& scheduler : schedulers_) scheduler->validate();
}
void SequentialLR::settings(Fields& visit) { visit.list("milestones", milestones_); }
std::vector<double> SequentialLR::get_lrs() {
  const auto later = std::upper_bound(milestones_.begin(), milestones_.end(), step_count_);
  const auto at = static_cast<std::size_t>(later - milestones_.begin());
  if (at > 0 && milestones_[at - 1] == step_count_)
    schedulers_[at]->restart(base_lrs());
  else
    schedulers_[at]->step();
  return get_current_lrs();
}
void SequentialLR::fields(Fields& visit) {
  visit_base_lrs(visit);
  for (std::size_t i = 0; i < schedulers_.size(); ++i) {
    Prefixed inner(visit, detail::message("schedulers.", i, "."));
    schedulers_[i]->visit_all(inner);
  }
}
void SequentialLR::restart(const std::vector<double>& base_lrs) {
  attempt([&] {
    step_count_ = 0;
    set_lrs(base_lrs);
    schedulers_[0]->restart(base_lrs);
  });
}

}  // namespace optim
}  // namespace reel
