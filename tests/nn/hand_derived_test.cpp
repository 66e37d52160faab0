// The tape against the gradients of a vanilla RNN as textbooks derive them by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/nn.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

/// A little matrix of its own, so that nothing of reel takes part in the check.
struct Matrix {
  Matrix(std::size_t height, std::size_t width) : cols(width), data(height * width) {}
  double& operator()(std::size_t i, std::size_t j) { return data[i * cols + j]; }
  double operator()(std::size_t i, std::size_t j) const { return data[i * cols + j]; }
  std::size_t cols;
  std::vector<double> data;
};

Matrix matrix(const Tensor& t) {
  Matrix m(static_cast<std::size_t>(t.size(0)), static_cast<std::size_t>(t.size(1)));
  m.data = values(t);
  return m;
}

}  // namespace

TEST_CASE("rnn: the tape's gradients equal the classical ones, derived by hand") {
  // a_t = tanh(W_ax x_t + W_aa a_(t-1) + b); columns are the m examples.
  constexpr std::size_t kInputs = 3, kUnits = 4, kExamples = 5, kSteps = 6;
  manual_seed(81);
  nn::RNN rnn(static_cast<std::int64_t>(kInputs), static_cast<std::int64_t>(kUnits));
  rnn->to(kFloat64);
  auto parameters = rnn->named_parameters();
  const Tensor x = reel::randn({kSteps, kExamples, kInputs}, kFloat64).requires_grad_();
  const Tensor a0 = reel::randn({1, kExamples, kUnits}, kFloat64).requires_grad_();
  const Tensor da = reel::randn({kSteps, kExamples, kUnits}, kFloat64);  // dL/da_t of each step
  std::get<0>(rnn->forward(x, a0)).backward(da);

  const Matrix w_ax = matrix(parameters["weight_ih_l0"].detach());
  const Matrix w_aa = matrix(parameters["weight_hh_l0"].detach());
  const std::vector<double> bias =
      values((parameters["bias_ih_l0"] + parameters["bias_hh_l0"]).detach());
  std::vector<Matrix> inputs, states{matrix(a0.detach()[0].t())};
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(kSteps); ++t) {
    inputs.push_back(matrix(x.detach()[t].t()));
    Matrix next(kUnits, kExamples);
    for (std::size_t i = 0; i < kUnits; ++i)
      for (std::size_t m = 0; m < kExamples; ++m) {
        double sum = bias[i];
        for (std::size_t j = 0; j < kInputs; ++j) sum += w_ax(i, j) * inputs.back()(j, m);
        for (std::size_t j = 0; j < kUnits; ++j) sum += w_aa(i, j) * states.back()(j, m);
        next(i, m) = std::tanh(sum);
      }
    states.push_back(next);
  }

  Matrix dw_ax(kUnits, kInputs), dw_aa(kUnits, kUnits), db(kUnits, 1);
  Matrix carried(kUnits, kExamples);  // dL/da_t by way of the later steps
  std::vector<Matrix> dx(kSteps, Matrix(kInputs, kExamples));
  for (std::size_t t = kSteps; t-- > 0;) {
    const Matrix own = matrix(da[static_cast<std::int64_t>(t)].t());
    Matrix before(kUnits, kExamples);
    for (std::size_t i = 0; i < kUnits; ++i)
      for (std::size_t m = 0; m < kExamples; ++m) {
        const double a = states[t + 1](i, m);
        const double dz = (1 - a * a) * (own(i, m) + carried(i, m));
        for (std::size_t j = 0; j < kInputs; ++j) {
          dw_ax(i, j) += dz * inputs[t](j, m);
          dx[t](j, m) += w_ax(i, j) * dz;
        }
        for (std::size_t j = 0; j < kUnits; ++j) {
          dw_aa(i, j) += dz * states[t](j, m);
          before(j, m) += w_aa(i, j) * dz;
        }
        db(i, 0) += dz;
      }
    carried = before;
  }

  const auto check_equal = [](const Matrix& want, const Tensor& got) {
    const std::vector<double> found = values(got);
    REQUIRE(found.size() == want.data.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(std::abs(found[i] - want.data[i]) < 1e-12 * std::max(1.0, std::abs(want.data[i])));
      CHECK(std::abs(found[i]) > 0);
    }
  };
  CHECK(parameters["weight_ih_l0"].grad().sizes().vec() == std::vector<std::int64_t>{4, 3});
  CHECK(parameters["weight_hh_l0"].grad().sizes().vec() == std::vector<std::int64_t>{4, 4});
  check_equal(dw_ax, parameters["weight_ih_l0"].grad());
  check_equal(dw_aa, parameters["weight_hh_l0"].grad());
  check_equal(db, parameters["bias_ih_l0"].grad().unsqueeze(1));
  check_equal(db, parameters["bias_hh_l0"].grad().unsqueeze(1));
  check_equal(carried, a0.grad()[0].t());
  for (std::size_t t = 0; t < kSteps; ++t)
    check_equal(dx[t], x.grad()[static_cast<std::int64_t>(t)].t());
}
