// The further optimizers and schedules against PyTorch (fixtures/optimizers.json), straight through
// and resumed from a saved state.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/optim/trajectory.hpp"

using namespace reel;
using namespace reel::test;

namespace {

/// Sets options by the names of their fields; betas come as a pair.
class OptionSetter : public optim::Fields {
 public:
  explicit OptionSetter(const json& written) {
    for (const auto& [name, value] : written.items()) {
      if (name != "betas") {
        values_[name] = value;
        continue;
      }
      values_["beta1"] = value.at(0);
      values_["beta2"] = value.at(1);
    }
  }
  void operator()(const char* name, double& value) override { set(name, value); }
  void operator()(const char* name, std::int64_t& value) override { set(name, value); }
  void operator()(const char* name, bool& value) override { set(name, value); }
  void operator()(const char*, Tensor&) override {}
  bool all_used() const { return values_.empty(); }

 private:
  template <class T>
  void set(const char* name, T& value) {
    if (!values_.contains(name)) return;
    value = values_.at(name).template get<T>();
    values_.erase(name);
  }
  json values_ = json::object();
};

template <class Optimizer, class Options>
std::unique_ptr<optim::Optimizer> made(const json& row, const Params& params) {
  std::vector<optim::OptimizerParamGroup> groups;
  for (const json& group : row.at("groups")) {
    std::vector<Tensor> members;
    for (const auto& name : group.at("params")) members.push_back(params.at(name));
    auto options = std::make_unique<Options>();
    OptionSetter set(group.at("options"));
    options->fields(set);
    REQUIRE(set.all_used());
    groups.emplace_back(members, std::move(options));
  }
  return std::make_unique<Optimizer>(groups);
}

std::unique_ptr<optim::Optimizer> make_further(const json& row, const Params& params) {
  const auto name = row.at("optimizer").get<std::string>();
  if (name == "RMSprop") return made<optim::RMSprop, optim::RMSpropOptions>(row, params);
  if (name == "Adagrad") return made<optim::Adagrad, optim::AdagradOptions>(row, params);
  if (name == "Adadelta") return made<optim::Adadelta, optim::AdadeltaOptions>(row, params);
  if (name == "Adamax") return made<optim::Adamax, optim::AdamaxOptions>(row, params);
  if (name == "NAdam") return made<optim::NAdam, optim::NAdamOptions>(row, params);
  REQUIRE(name == "RAdam");
  return made<optim::RAdam, optim::RAdamOptions>(row, params);
}

using Schedule = std::shared_ptr<optim::LRScheduler>;

Schedule schedule(const std::string& name, const json& args, optim::Optimizer& optimizer) {
  const auto real = [&](const char* key, double otherwise) { return args.value(key, otherwise); };
  const auto count = [&](const char* key, unsigned otherwise) {
    return args.value(key, otherwise);
  };
  const auto text = [&](const char* key) { return args.value(key, std::string()); };
  if (name == "StepLR")
    return std::make_shared<optim::StepLR>(optimizer, count("step_size", 0), real("gamma", 0.1));
  if (name == "MultiStepLR")
    return std::make_shared<optim::MultiStepLR>(
        optimizer, args.at("milestones").get<std::vector<unsigned>>(), real("gamma", 0.1));
  if (name == "ExponentialLR")
    return std::make_shared<optim::ExponentialLR>(optimizer, real("gamma", 0));
  if (name == "CosineAnnealingLR")
    return std::make_shared<optim::CosineAnnealingLR>(optimizer, count("T_max", 0),
                                                      real("eta_min", 0));
  if (name == "CosineAnnealingWarmRestarts")
    return std::make_shared<optim::CosineAnnealingWarmRestarts>(
        optimizer, count("T_0", 0), count("T_mult", 1), real("eta_min", 0));
  if (name == "LinearLR")
    return args.empty() ? std::make_shared<optim::LinearLR>(optimizer)
                        : std::make_shared<optim::LinearLR>(optimizer, real("start_factor", 0),
                                                            real("end_factor", 1.0),
                                                            count("total_iters", 5));
  if (name == "ConstantLR")
    return args.empty() ? std::make_shared<optim::ConstantLR>(optimizer)
                        : std::make_shared<optim::ConstantLR>(optimizer, real("factor", 0),
                                                              count("total_iters", 0));
  if (name == "PolynomialLR")
    return args.empty() ? std::make_shared<optim::PolynomialLR>(optimizer)
                        : std::make_shared<optim::PolynomialLR>(optimizer, count("total_iters", 0),
                                                                real("power", 0));
  if (name == "LambdaLR")
    return std::make_shared<optim::LambdaLR>(
        optimizer, [base = real("base", 0)](unsigned t) { return std::pow(base, t); });
  if (name == "MultiplicativeLR")
    return std::make_shared<optim::MultiplicativeLR>(
        optimizer, [base = real("base", 0)](unsigned) { return base; });
  if (name == "OneCycleLR") {
    optim::OneCycleLROptions o(real("max_lr", 0), count("total_steps", 0));
    o.pct_start(real("pct_start", o.pct_start())).linear(text("anneal_strategy") == "linear");
    o.cycle_momentum(args.value("cycle_momentum", o.cycle_momentum()));
    o.div_factor(real("div_factor", o.div_factor()));
    o.final_div_factor(real("final_div_factor", o.final_div_factor()));
    o.three_phase(args.value("three_phase", o.three_phase()));
    return std::make_shared<optim::OneCycleLR>(optimizer, o);
  }
  if (name == "CyclicLR") {
    using Mode = optim::CyclicLROptions::Mode;
    optim::CyclicLROptions o(real("base_lr", 0), real("max_lr", 0));
    o.step_size_up(count("step_size_up", o.step_size_up())).gamma(real("gamma", o.gamma()));
    if (args.contains("step_size_down")) o.step_size_down(count("step_size_down", 0));
    o.mode(text("mode") == "triangular2" ? Mode::Triangular2
           : text("mode") == "exp_range" ? Mode::ExpRange
                                         : Mode::Triangular);
    o.cycle_momentum(args.value("cycle_momentum", o.cycle_momentum()));
    o.base_momentum(real("base_momentum", o.base_momentum()));
    o.max_momentum(real("max_momentum", o.max_momentum()));
    return std::make_shared<optim::CyclicLR>(optimizer, o);
  }
  if (name == "ReduceLROnPlateau") {
    optim::ReduceLROnPlateauOptions o;
    if (text("mode") == "max") o.mode(optim::ReduceLROnPlateauOptions::Mode::Max);
    if (text("threshold_mode") == "abs")
      o.threshold_mode(optim::ReduceLROnPlateauOptions::ThresholdMode::Abs);
    o.patience(count("patience", o.patience())).cooldown(count("cooldown", o.cooldown()));
    o.factor(real("factor", o.factor())).threshold(real("threshold", o.threshold()));
    o.min_lr(real("min_lr", o.min_lr()));
    return std::make_shared<optim::ReduceLROnPlateau>(optimizer, o);
  }
  REQUIRE(name == "SequentialLR");
  std::vector<Schedule> inner;
  for (const json& one : args.at("schedulers"))
    inner.push_back(schedule(one.at(0), one.at(1), optimizer));
  return std::make_shared<optim::SequentialLR>(optimizer, inner,
                                               args.at("milestones").get<std::vector<unsigned>>());
}

std::unique_ptr<optim::Optimizer> two_groups(const json& row) {
  const bool sgd = row.at("optimizer") == "SGD";
  std::vector<optim::OptimizerParamGroup> groups;
  for (const auto& lr : row.at("lrs")) {
    std::unique_ptr<optim::OptimizerOptions> options;
    if (sgd)
      options = std::make_unique<optim::SGDOptions>(optim::SGDOptions(lr).momentum(0.9));
    else
      options = std::make_unique<optim::AdamOptions>(lr.get<double>());
    groups.emplace_back(std::vector<Tensor>{reel::zeros({1})}, std::move(options));
  }
  if (sgd) return std::make_unique<optim::SGD>(groups, optim::SGDOptions(1));
  return std::make_unique<optim::Adam>(groups);
}

double momentum_of(optim::Optimizer& optimizer) {
  auto& options = optimizer.param_groups()[0].options();
  if (auto* sgd = dynamic_cast<optim::SGDOptions*>(&options)) return sgd->momentum();
  return std::get<0>(dynamic_cast<optim::AdamOptions&>(options).betas());
}

/// Largest difference of rates and momenta; after `resume_at` steps all starts anew from what was
/// saved.
double schedule_difference(const json& row, std::size_t resume_at) {
  auto optimizer = two_groups(row);
  Schedule scheduler = schedule(row.at("name"), row.at("args"), *optimizer);
  double worst = 0;
  for (std::size_t t = 0; t < row.at("rates").size(); ++t) {
    if (t == resume_at && t > 0) {
      auto next = two_groups(row);
      const auto saved = optimizer->state_dict();
      // The optimizer's state first, so that the schedule cannot take its first rates from it.
      next->load_state_dict(saved);
      const Schedule resumed = schedule(row.at("name"), row.at("args"), *next);
      resumed->load_state_dict(scheduler->state_dict());
      next->load_state_dict(saved);
      scheduler = resumed;
      optimizer = std::move(next);
    }
    const auto rates = scheduler->get_last_lr();
    for (std::size_t g = 0; g < rates.size(); ++g)
      worst = std::max(worst, std::abs(rates[g] - row.at("rates")[t][g].get<double>()));
    worst = std::max(worst, std::abs(momentum_of(*optimizer) - row.at("momenta")[t].get<double>()));
    if (t + 1 == row.at("rates").size()) break;
    optimizer->step();
    if (auto* plateau = dynamic_cast<optim::ReduceLROnPlateau*>(scheduler.get()))
      plateau->step(row.at("metrics")[t].get<double>());
    else
      scheduler->step();
  }
  return worst;
}

}  // namespace

TEST_CASE("optim: 20 steps of the further optimizers agree with PyTorch, also when resumed") {
  std::size_t cases = 0;
  const json& problem = fixture("optimizers.json").at("problem");
  for (const auto& row : fixture("optimizers.json").at("cases")) {
    CAPTURE(row.at("optimizer").dump());
    CAPTURE(row.at("groups").dump());
    for (const auto layout : kLayouts)
      CHECK(trajectory_difference(problem, row, layout, kFloat64, make_further) < 1e-10);
    for (const int resume_at : {1, 3, 10})
      CHECK(trajectory_difference(problem, row, MemoryLayout::kContiguous, kFloat64, make_further,
                                  resume_at) < 1e-10);
    CHECK(trajectory_difference(problem, row, MemoryLayout::kContiguous, kFloat32, make_further) <
          1e-3);
    ++cases;
  }
  CHECK(cases == 26);
}

TEST_CASE("optim: parameter groups of the further optimizers agree with PyTorch") {
  std::size_t cases = 0;
  const json& problem = fixture("optim_more.json").at("problem");
  for (const auto& row : fixture("optim_more.json").at("cases")) {
    CAPTURE(row.at("optimizer").dump());
    for (const int resume_at : {0, 3})
      CHECK(trajectory_difference(problem, row, MemoryLayout::kContiguous, kFloat64, make_further,
                                  resume_at) < 1e-10);
    ++cases;
  }
  CHECK(cases == 6);
}

TEST_CASE("optim: CyclicLR with a scale of one's own agrees with PyTorch") {
  using Options = optim::CyclicLROptions;
  for (const auto& row : fixture("optim_more.json").at("cyclic")) {
    optim::SGD sgd({reel::zeros({1})}, optim::SGDOptions(0.1).momentum(0.9));
    auto options = Options(0.01, 0.2).step_size_up(3).step_size_down(2);
    options.scale_fn([](double x) { return 1 / (1 + 0.1 * x * x); });
    if (row.at("scale_mode") == "iterations") options.scale_mode(Options::ScaleMode::Iterations);
    optim::CyclicLR scheduler(sgd, options);
    REQUIRE(row.at("rates").size() == 20);
    for (std::size_t t = 0; t < 20; ++t) {
      CHECK(std::abs(scheduler.get_last_lr()[0] - row.at("rates")[t].get<double>()) < 1e-12);
      CHECK(std::abs(momentum_of(sgd) - row.at("momenta")[t].get<double>()) < 1e-12);
      sgd.step();
      scheduler.step();
    }
  }
}

TEST_CASE("optim: the schedules' learning rates and momenta are PyTorch's, also when resumed") {
  std::size_t cases = 0;
  for (const auto& row : fixture("optimizers.json").at("schedules")) {
    CAPTURE(row.at("name").dump());
    CAPTURE(row.at("args").dump());
    CAPTURE(row.at("optimizer").dump());
    CHECK(schedule_difference(row, 0) < 1e-12);
    for (const std::size_t resume_at : {1U, 4U, 7U})
      CHECK(schedule_difference(row, resume_at) < 1e-12);
    ++cases;
  }
  CHECK(cases == 29);
}

TEST_CASE("optim: a state that lacks a tensor is refused") {
  const auto check = [](auto optimizer, const Tensor& p, std::size_t tensors) {
    CAPTURE(optimizer.name());
    const auto closure = [&] {
      optimizer.zero_grad();
      const Tensor loss = (p * p * p).sum();
      loss.backward();
      return loss;
    };
    for (int i = 0; i < 2; ++i) optimizer.step(closure);
    const auto whole = optimizer.state_dict();
    std::size_t found = 0;
    for (const auto& [name, value] : whole) {
      if (value.dim() == 0) continue;
      ++found;
      auto part = whole;
      part.erase(std::find_if(part.begin(), part.end(), [&, wanted = name](const auto& item) {
        return item.first == wanted;
      }));
      CHECK(
          mentions(error_of<Error>([&] { optimizer.load_state_dict(part); }), {"missing " + name}));
    }
    CHECK(found == tensors);
    optimizer.load_state_dict(whole);
  };
  const auto made = [] { return (reel::ones({3}) * 2).detach().requires_grad_(); };
  Tensor p = made();
  check(optim::Adam({p}), p, 2);
  check(optim::AdamW({p = made()}), p, 2);
  check(optim::Adamax({p = made()}), p, 2);
  check(optim::NAdam({p = made()}), p, 2);
  check(optim::RAdam({p = made()}), p, 2);
  check(optim::RMSprop({p = made()}), p, 1);
  check(optim::Adagrad({p = made()}), p, 1);
  check(optim::Adadelta({p = made()}), p, 2);
  check(optim::LBFGS({p = made()}, optim::LBFGSOptions(0.1).max_iter(3)), p, 4);
}

TEST_CASE("optim: a OneCycleLR whose first phase is one step begins at the top") {
  for (const unsigned total : {2U, 4U, 5U, 8U, 10U})
    for (const bool three : {false, true})
      for (const bool linear : {false, true}) {
        CAPTURE(total);
        optim::SGD sgd({reel::zeros({1})}, optim::SGDOptions(0.1).momentum(0.5));
        optim::OneCycleLR schedule(sgd, optim::OneCycleLROptions(2, total)
                                            .pct_start(1.0 / total)
                                            .three_phase(three)
                                            .linear(linear));
        const auto momentum = [&] {
          return static_cast<optim::SGDOptions&>(sgd.param_groups()[0].options()).momentum();
        };
        CHECK(schedule.get_last_lr()[0] == doctest::Approx(2));
        CHECK(momentum() == doctest::Approx(0.85));
        for (unsigned step = 1; step < total; ++step) {
          schedule.step();
          CHECK(std::isfinite(schedule.get_last_lr()[0]));
          CHECK(std::isfinite(momentum()));
        }
        CHECK(schedule.get_last_lr()[0] == doctest::Approx(2.0 / 25 / 1e4));
      }
}

TEST_CASE("optim: a step of a schedule that throws changes nothing") {
  optim::SGD sgd({reel::zeros({1})}, 1.0);
  bool fails = false;
  const auto half = [&](unsigned t) {
    if (fails) throw std::runtime_error("no rate");
    return 1.0 / (1 + t);
  };
  const auto inner = std::make_shared<optim::LambdaLR>(sgd, half);
  optim::SequentialLR schedule(sgd, {std::make_shared<optim::StepLR>(sgd, 1, 0.5), inner}, {2});
  const auto all = [&] {
    std::vector<double> numbers = schedule.get_last_lr();
    for (const auto& item : schedule.state_dict())
      for (const double x : values(item.second)) numbers.push_back(x);
    return numbers;
  };
  // Step 2 begins the second schedule, step 3 goes on with it.
  schedule.step();
  for (const double rate : {1.0, 0.5}) {
    const auto before = all();
    fails = true;
    CHECK_THROWS_AS(schedule.step(), std::runtime_error);
    CHECK(all() == before);
    fails = false;
    schedule.step();
    CHECK(schedule.get_last_lr()[0] == rate);
  }
  optim::OneCycleLR cycle(sgd, optim::OneCycleLROptions(1, 1).cycle_momentum(false));
  cycle.step();
  for (int i = 0; i < 2; ++i)
    CHECK(mentions(error_of<Error>([&] { cycle.step(); }), {"Tried to step 2 times"}));
}

TEST_CASE("optim: the further optimizers and schedules check their arguments") {
  const std::vector<Tensor> p{reel::zeros({1})};
  const auto text = [](auto run) { return error_of<Error>([&] { run(); }); };
  CHECK(text([&] { optim::RMSprop(p, optim::RMSpropOptions().alpha(-1)); }) ==
        "[RMSprop] Invalid alpha value: -1");
  CHECK(text([&] { optim::Adagrad(p, optim::AdagradOptions().lr_decay(-1)); }) ==
        "[Adagrad] Invalid lr_decay value: -1");
  CHECK(text([&] { optim::Adadelta(p, optim::AdadeltaOptions().rho(2)); }) ==
        "[Adadelta] Invalid rho value: 2");
  CHECK(text([&] { optim::Adamax(p, optim::AdamaxOptions().eps(-1)); }) ==
        "[Adamax] Invalid epsilon value: -1");
  CHECK(text([&] { optim::NAdam(p, optim::NAdamOptions().momentum_decay(-1)); }) ==
        "[NAdam] Invalid momentum_decay value: -1");
  CHECK(text([&] {
          optim::RAdam(p, optim::RAdamOptions().betas({1, 0}));
        }) == "[RAdam] Invalid beta parameter at index 0: 1");
  optim::Adagrad adagrad(p);
  optim::SGD sgd({reel::zeros({1})}, 0.1), other({reel::zeros({1})}, 0.1);
  CHECK(mentions(text([&] { optim::OneCycleLR(adagrad, {1, 5}); }), {"momentum", "Adagrad"}));
  optim::OneCycleLR once(sgd, {1, 2});
  once.step();
  once.step();
  CHECK(mentions(text([&] { once.step(); }), {"3 times", "2"}));
  CHECK(mentions(text([&] { optim::ConstantLR(sgd, 0); }), {"above 0", "found 0"}));
  CHECK(mentions(text([&] { optim::LinearLR(sgd, 0.5, 2); }), {"between 0 and 1", "found 2"}));
  CHECK(mentions(text([&] { optim::LambdaLR(sgd, std::vector<optim::LRLambda>{}); }),
                 {"1 functions", "found 0"}));
  const auto step = std::make_shared<optim::StepLR>(sgd, 2);
  CHECK(mentions(text([&] { optim::SequentialLR(sgd, {step, step}, {}); }), {"2 schedulers"}));
  CHECK(mentions(text([&] { optim::SequentialLR(other, {step}, {}); }), {"same optimizer"}));
  CHECK(mentions(text([&] { optim::SequentialLR(sgd, {step, step, step}, {3, 3}); }), {"rise"}));
  optim::ReduceLROnPlateau plateau(sgd);
  CHECK(mentions(text([&] { static_cast<optim::LRScheduler&>(plateau).step(); }), {"metric"}));
  optim::CosineAnnealingLR cosine(sgd, 4);
  auto state = cosine.state_dict();
  CHECK(mentions(text([&] {
                   optim::LambdaLR(sgd, [](unsigned) {
                     return 1.0;
                   }).load_state_dict({{"step_count", state[0].second}});
                 }),
                 {"missing base_lrs"}));
  CHECK(mentions(text([&] { step->load_state_dict(state); }), {"unexpected base_lrs"}));
}
