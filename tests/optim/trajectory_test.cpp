// Optimizers and schedules against PyTorch's own trajectories (fixtures/optim.json).
#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "optim/optim.hpp"
#include "tests/fixture.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Params = std::map<std::string, Tensor>;

Tensor float64_tensor(const json& data, const json& sizes) {
  return read_tensor({{"s", sizes}, {"d", data}});
}

template <class Options>
Options read_options(const json& written);

template <>
optim::SGDOptions read_options(const json& written) {
  return optim::SGDOptions(written.at("lr").get<double>())
      .momentum(written.value("momentum", 0.0))
      .dampening(written.value("dampening", 0.0))
      .weight_decay(written.value("weight_decay", 0.0))
      .nesterov(written.value("nesterov", false))
      .maximize(written.value("maximize", false));
}

template <class Options>
Options read_options(const json& written) {
  // What the case leaves out keeps reel's default, which must be PyTorch's.
  Options options;
  if (written.contains("lr")) options.lr(written.at("lr").get<double>());
  if (written.contains("betas"))
    options.betas(
        {written.at("betas").at(0).get<double>(), written.at("betas").at(1).get<double>()});
  if (written.contains("eps")) options.eps(written.at("eps").get<double>());
  if (written.contains("weight_decay"))
    options.weight_decay(written.at("weight_decay").get<double>());
  if (written.contains("amsgrad")) options.amsgrad(written.at("amsgrad").get<bool>());
  if (written.contains("maximize")) options.maximize(written.at("maximize").get<bool>());
  return options;
}

template <class Optimizer, class Options>
std::unique_ptr<optim::Optimizer> make(const json& groups, const Params& params) {
  std::vector<optim::OptimizerParamGroup> made;
  for (const auto& group : groups) {
    std::vector<Tensor> members;
    for (const auto& name : group.at("params")) members.push_back(params.at(name));
    made.emplace_back(members,
                      std::make_unique<Options>(read_options<Options>(group.at("options"))));
  }
  return std::make_unique<Optimizer>(made, Options(1.0));
}

std::unique_ptr<optim::Optimizer> make(const json& row, const Params& params) {
  const auto name = row.at("optimizer").get<std::string>();
  if (name == "SGD") return make<optim::SGD, optim::SGDOptions>(row.at("groups"), params);
  if (name == "Adam") return make<optim::Adam, optim::AdamOptions>(row.at("groups"), params);
  REQUIRE(name == "AdamW");
  return make<optim::AdamW, optim::AdamWOptions>(row.at("groups"), params);
}

/// Largest difference from the fixture over all shown steps. `layout` is how the parameters lie in
/// memory.
double trajectory_difference(const json& row, MemoryLayout layout, ScalarType dtype) {
  const json& problem = fixture("optim.json").at("problem");
  const json& sizes = problem.at("sizes");
  Params params;
  for (const auto& [name, start] : problem.at("start").items()) {
    params[name] = laid_out(float64_tensor(start, sizes.at(name)).to(dtype), layout);
    params[name].requires_grad_();
  }
  const auto optimizer = make(row, params);
  double worst = 0;
  std::size_t shown = 0;
  for (int t = 1; t <= problem.at("shown").back().get<int>(); ++t) {
    optimizer->zero_grad();
    Tensor loss = reel::zeros({}, dtype);
    for (const auto& [name, first] : problem.at("first_step").items()) {
      if (t < first.get<int>()) continue;
      const json& shape = sizes.at(name);
      const Tensor a = float64_tensor(problem.at("a").at(name), shape).to(dtype);
      const json& written = problem.at("c").at(static_cast<std::size_t>(t - 1)).at(name);
      const Tensor c = float64_tensor(written, shape).to(dtype);
      const Tensor& p = params[name];
      loss = loss + (a * p * p * 0.5 + c * p).sum();
    }
    loss.backward();
    optimizer->step();
    if (t != problem.at("shown").at(shown).get<int>()) continue;
    for (const auto& [name, want] : row.at("after").at(shown).items())
      worst = std::max(worst, difference(params[name].detach().to(kFloat64),
                                         float64_tensor(want, sizes.at(name))));
    ++shown;
  }
  CHECK(shown == problem.at("shown").size());
  return worst;
}

}  // namespace

TEST_CASE("optim: 20 steps agree with PyTorch for every option") {
  std::size_t cases = 0;
  for (const auto& row : fixture("optim.json").at("cases")) {
    CAPTURE(row.at("optimizer").dump());
    CAPTURE(row.at("groups").dump());
    for (const auto layout : kLayouts) {
      CAPTURE(layout_name(layout));
      CHECK(trajectory_difference(row, layout, kFloat64) < 1e-10);
    }
    CHECK(trajectory_difference(row, MemoryLayout::kContiguous, kFloat32) < 2e-5);
    ++cases;
  }
  CHECK(cases == 22);
}

TEST_CASE("optim: StepLR's learning rates are those of PyTorch's Python class") {
  for (const auto& row : fixture("optim.json").at("schedules")) {
    CAPTURE(row.dump());
    std::vector<optim::OptimizerParamGroup> groups;
    for (const auto& lr : row.at("lrs")) {
      Tensor param = reel::zeros({1});
      groups.emplace_back(std::vector<Tensor>{param},
                          std::make_unique<optim::SGDOptions>(lr.get<double>()));
    }
    optim::SGD optimizer(groups, optim::SGDOptions(1));
    optim::StepLR scheduler(optimizer, row.at("step_size").get<unsigned>(),
                            row.at("gamma").get<double>());
    for (const auto& rates : row.at("rates")) {
      CHECK(scheduler.get_last_lr() == rates.get<std::vector<double>>());
      optimizer.step();
      scheduler.step();
    }
  }
}
