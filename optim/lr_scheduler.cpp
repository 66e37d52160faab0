#include "lr_scheduler.hpp"

#include <limits>

#include "autograd/ops/ops.hpp"

namespace reel {
namespace optim {

void LRScheduler::step() {
  ++step_count_;
  const std::vector<double> rates = get_lrs();
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

Optimizer::StateDict LRScheduler::state_dict() const {
  return {{"step_count", scalar_tensor(step_count_, kInt64)}};
}

std::function<void()> LRScheduler::prepare_load(const Optimizer::StateDict& from,
                                                std::vector<std::string>& problems) {
  const std::size_t before = problems.size();
  std::int64_t count = -1;
  for (const auto& [name, value] : from) {
    if (name != "step_count") {
      problems.push_back("unexpected " + name);
    } else if (value.dtype() != kInt64 || value.numel() != 1) {
      problems.push_back(detail::message("step_count must be one int64, found ",
                                         dtype_name(value.dtype()), " of shape ", value.sizes()));
    } else {
      count = *value.data_ptr<std::int64_t>();
      if (count < 0 || count > std::numeric_limits<unsigned>::max())
        problems.push_back(detail::message("step_count is out of range: ", count));
    }
  }
  if (count == -1 && problems.size() == before) problems.push_back("missing step_count");
  if (problems.size() != before) return nullptr;
  return [this, count] { step_count_ = static_cast<unsigned>(count); };
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
  check(step_size > 0, "[StepLR] step_size must be at least 1, found 0");
}

std::vector<double> StepLR::get_lrs() {
  std::vector<double> rates = get_current_lrs();
  if (step_count_ % step_size_ == 0)
    for (double& rate : rates) rate *= gamma_;
  return rates;
}

}  // namespace optim
}  // namespace reel
