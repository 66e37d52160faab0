// Optimizers and schedules against PyTorch's own trajectories (fixtures/optim.json).
#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "optim/optim.hpp"
#include "tests/optim/trajectory.hpp"

using namespace reel;
using namespace reel::test;

namespace {

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

std::unique_ptr<optim::Optimizer> make_named(const json& row, const Params& params) {
  const auto name = row.at("optimizer").get<std::string>();
  if (name == "SGD") return make<optim::SGD, optim::SGDOptions>(row.at("groups"), params);
  if (name == "Adam") return make<optim::Adam, optim::AdamOptions>(row.at("groups"), params);
  REQUIRE(name == "AdamW");
  return make<optim::AdamW, optim::AdamWOptions>(row.at("groups"), params);
}

}  // namespace

TEST_CASE("optim: 20 steps agree with PyTorch for every option") {
  std::size_t cases = 0;
  const json& problem = fixture("optim.json").at("problem");
  for (const auto& row : fixture("optim.json").at("cases")) {
    CAPTURE(row.at("optimizer").dump());
    CAPTURE(row.at("groups").dump());
    for (const auto layout : kLayouts) {
      CAPTURE(layout_name(layout));
      CHECK(trajectory_difference(problem, row, layout, kFloat64, make_named) < 1e-10);
    }
    CHECK(trajectory_difference(problem, row, MemoryLayout::kContiguous, kFloat32, make_named) <
          2e-5);
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
