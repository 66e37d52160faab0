// LBFGS against PyTorch's trajectories (fixtures/optim_more.json), straight through and resumed.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "optim/optim.hpp"
#include "tests/optim/trajectory.hpp"

using namespace reel;
using namespace reel::test;

namespace {

optim::LBFGSOptions read_options(const json& written) {
  optim::LBFGSOptions options;
  options.lr(written.value("lr", options.lr()));
  options.max_iter(written.value("max_iter", options.max_iter()));
  if (written.contains("max_eval")) options.max_eval(written.at("max_eval").get<std::int64_t>());
  options.tolerance_grad(written.value("tolerance_grad", options.tolerance_grad()));
  options.tolerance_change(written.value("tolerance_change", options.tolerance_change()));
  options.history_size(written.value("history_size", options.history_size()));
  if (written.contains("line_search_fn"))
    options.line_search_fn(written.at("line_search_fn").get<std::string>());
  return options;
}

/// The fixture's problem, with everything needed to step through it.
struct Problem {
  Problem(const json& problem, MemoryLayout layout, ScalarType dtype) {
    for (const auto& [name, start] : problem.at("start").items()) {
      const json& sizes = problem.at("sizes").at(name);
      params[name] = laid_out(float64_tensor(start, sizes).to(dtype), layout);
      params[name].requires_grad_();
      a[name] = float64_tensor(problem.at("a").at(name), sizes).to(dtype);
      c[name] = float64_tensor(problem.at("c").at(name), sizes).to(dtype);
    }
  }
  std::vector<Tensor> list() const { return {params.at("w"), params.at("b")}; }
  Tensor loss() const {
    Tensor sum = (1 + (params.at("w").sum() - 2 * params.at("b").sum()).pow(2)).sqrt();
    for (const auto& [name, p] : params)
      sum = sum + (0.5 * a.at(name) * p * p + c.at(name) * p + p.pow(4)).sum();
    return sum;
  }
  Params params, a, c;
};

/// Largest difference from the fixture in parameters and losses; at `resume_at` another optimizer
/// takes over from the state_dict().
double lbfgs_difference(const json& problem, const json& row, MemoryLayout layout, ScalarType dtype,
                        int resume_at) {
  Problem p(problem, layout, dtype);
  const optim::LBFGSOptions options = read_options(row.at("options"));
  auto optimizer = std::make_unique<optim::LBFGS>(p.list(), options);
  double worst = 0;
  std::size_t shown = 0;
  for (int t = 1; t <= problem.at("shown").back().get<int>(); ++t) {
    const Tensor loss = optimizer->step([&] {
      optimizer->zero_grad();
      Tensor now = p.loss();
      now.backward();
      return now;
    });
    if (t == resume_at) {
      auto next = std::make_unique<optim::LBFGS>(p.list(), optim::LBFGSOptions(7));
      next->load_state_dict(optimizer->state_dict());
      optimizer = std::move(next);
    }
    if (t != problem.at("shown").at(shown).get<int>()) continue;
    const double wanted = row.at("losses").at(shown);
    worst =
        std::max(worst, std::abs(loss.item<double>() - wanted) / std::max(1.0, std::abs(wanted)));
    for (const auto& [name, want] : row.at("after").at(shown).items())
      worst = std::max(worst, difference(p.params[name].detach().to(kFloat64),
                                         float64_tensor(want, problem.at("sizes").at(name))));
    ++shown;
  }
  auto& state = dynamic_cast<optim::LBFGSParamState&>(*optimizer->state().at(p.params["w"].impl()));
  CHECK(state.func_evals() == row.at("func_evals").get<std::int64_t>());
  CHECK(state.n_iter() == row.at("n_iter").get<std::int64_t>());
  return worst;
}

}  // namespace

TEST_CASE("lbfgs: 20 steps agree with PyTorch, also when resumed") {
  const json& problem = fixture("optim_more.json").at("lbfgs");
  std::size_t cases = 0;
  for (const auto& row : fixture("optim_more.json").at("lbfgs_cases")) {
    CAPTURE(row.at("options").dump());
    for (const auto layout : kLayouts)
      CHECK(lbfgs_difference(problem, row, layout, kFloat64, 0) < 1e-10);
    for (const int resume_at : {1, 4})
      CHECK(lbfgs_difference(problem, row, MemoryLayout::kContiguous, kFloat64, resume_at) < 1e-10);
    ++cases;
  }
  CHECK(cases == 12);
}

TEST_CASE("lbfgs: finds a minimum in float32 too, with and without a line search") {
  const json& problem = fixture("optim_more.json").at("lbfgs");
  for (const bool searches : {false, true}) {
    CAPTURE(searches);
    Problem p(problem, MemoryLayout::kContiguous, kFloat32);
    auto options = optim::LBFGSOptions(0.2).max_iter(200).tolerance_grad(1e-4);
    if (searches) options.line_search_fn("strong_wolfe");
    optim::LBFGS optimizer(p.list(), options);
    int calls = 0;
    optimizer.step([&] {
      ++calls;
      CHECK(GradMode::is_enabled());
      optimizer.zero_grad();
      Tensor now = p.loss();
      now.backward();
      return now;
    });
    optimizer.zero_grad();
    p.loss().backward();
    for (const Tensor& t : p.list()) CHECK(t.grad().abs().max().item<double>() < 1e-3);
    CHECK(calls < 250);
  }
}

TEST_CASE("lbfgs: a parameter without gradient stays, and misuse is refused") {
  const auto text = [](auto run) { return error_of<Error>([&] { run(); }); };
  Tensor a = reel::full({2}, 3.0, kFloat64).requires_grad_();
  Tensor idle = reel::full({2}, 5.0, kFloat64).requires_grad_();
  optim::LBFGS optimizer({a, idle}, optim::LBFGSOptions(1).line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    optimizer.zero_grad();
    Tensor loss = (a * a).sum();
    loss.backward();
    return loss;
  });
  CHECK(difference(a.detach(), reel::zeros({2}, kFloat64)) < 1e-6);
  CHECK(difference(idle.detach(), reel::full({2}, 5.0, kFloat64)) == 0);

  CHECK(mentions(text([&] { optimizer.step(nullptr); }), {"LBFGS", "closure"}));
  using Groups = std::vector<optim::OptimizerParamGroup>;
  CHECK(mentions(text([&] {
                   optim::LBFGS(Groups{std::vector<Tensor>{a}, std::vector<Tensor>{idle}});
                 }),
                 {"parameter groups", "found 2"}));
  // Parameters may come later, as in libtorch.
  optim::LBFGS late(std::vector<Tensor>{});
  const auto square = [&] {
    late.zero_grad();
    Tensor loss = (idle * idle).sum();
    loss.backward();
    return loss;
  };
  CHECK(mentions(text([&] { late.step(square); }), {"nothing to optimize", "add_parameters"}));
  late.add_parameters({idle});
  late.step(square);
  CHECK(difference(idle.detach(), reel::zeros({2}, kFloat64)) < 1e-6);
  CHECK(mentions(text([&] { optim::LBFGS({a, reel::zeros({1})}); }), {"float64", "float32"}));
  const auto refused = [&](optim::LBFGSOptions options) {
    return text([&] { optim::LBFGS({a}, options); });
  };
  CHECK(mentions(refused(optim::LBFGSOptions(-1)), {"learning rate", "-1"}));
  CHECK(mentions(refused(optim::LBFGSOptions().max_iter(0)), {"max_iter", "0"}));
  CHECK(mentions(refused(optim::LBFGSOptions().max_eval(0)), {"max_eval", "0"}));
  CHECK(mentions(refused(optim::LBFGSOptions().history_size(0)), {"history_size", "0"}));
  CHECK(mentions(refused(optim::LBFGSOptions().line_search_fn("armijo")),
                 {"strong_wolfe", "armijo"}));

  // A state of other parameters.
  Tensor other = reel::zeros({3}, kFloat64).requires_grad_();
  optim::LBFGS second({other});
  CHECK(mentions(text([&] { second.load_state_dict(optimizer.state_dict()); }),
                 {"2 parameters, expected 1"}));
  Tensor wide = reel::zeros({4}, kFloat64).requires_grad_(), none = reel::zeros({1}, kFloat64);
  optim::LBFGS third({wide, none});
  CHECK(mentions(text([&] { third.load_state_dict(optimizer.state_dict()); }),
                 {"state.0.0.d has shape [4], expected [5]"}));
}
