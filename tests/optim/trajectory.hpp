// The problem of fixtures/make_optim.py, for the tests of optimizers.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "optim/optim.hpp"
#include "tests/fixture.hpp"

namespace reel::test {

using Params = std::map<std::string, Tensor>;
using MakeOptimizer =
    std::function<std::unique_ptr<optim::Optimizer>(const json& row, const Params& params)>;

inline Tensor float64_tensor(const json& data, const json& sizes) {
  return read_tensor({{"s", sizes}, {"d", data}});
}

/// Largest difference from the fixture over all shown steps. `layout` is how the parameters lie in
/// memory; `make` makes the row's optimizer. After step `resume_at` another optimizer takes over
/// from the first one's state_dict().
inline double trajectory_difference(const json& problem, const json& row, MemoryLayout layout,
                                    ScalarType dtype, const MakeOptimizer& make,
                                    int resume_at = 0) {
  const json& sizes = problem.at("sizes");
  Params params;
  for (const auto& [name, start] : problem.at("start").items()) {
    params[name] = laid_out(float64_tensor(start, sizes.at(name)).to(dtype), layout);
    params[name].requires_grad_();
  }
  auto optimizer = make(row, params);
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
    if (t == resume_at) {
      auto next = make(row, params);
      next->load_state_dict(optimizer->state_dict());
      optimizer = std::move(next);
    }
    if (t != problem.at("shown").at(shown).get<int>()) continue;
    for (const auto& [name, want] : row.at("after").at(shown).items())
      worst = std::max(worst, difference(params[name].detach().to(kFloat64),
                                         float64_tensor(want, sizes.at(name))));
    ++shown;
  }
  CHECK(shown == problem.at("shown").size());
  return worst;
}

}  // namespace reel::test
