// pointwise(): a formula written once gives the value, the gradient and the gradient's gradient.
#include "autograd/pointwise.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <tuple>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

Tensor leaf(IntArrayRef sizes) {
  Tensor t = reel::randn(sizes, kFloat64);
  t.requires_grad_();
  return t;
}

template <std::size_t N>
Tensors list(const std::array<Tensor, N>& made) {
  return Tensors(made.begin(), made.end());
}

std::array<Tensor, 2> lstm_gates(const Tensor& gates, const Tensor& cell) {
  return pointwise(
      "LstmGates",
      [](auto i, auto f, auto g, auto o, auto c) {
        const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
        return std::make_tuple(sigmoid(o) * tanh(next), next);
      },
      chunked<4>(gates), cell);
}

// The same from ops of one step each.
Tensors lstm_by_ops(const Tensor& gates, const Tensor& cell) {
  const auto g = gates.chunk(4, -1);
  const Tensor next = g[1].sigmoid() * cell + g[0].sigmoid() * g[2].tanh();
  return {g[3].sigmoid() * next.tanh(), next};
}

}  // namespace

TEST_CASE("pointwise: a cell's gates equal the same formula op by op") {
  manual_seed(61);
  for (const ScalarType dtype : {kFloat64, kFloat32}) {
    for (const std::int64_t hidden : {1, 3, 8, 17}) {
      Tensor gates = reel::randn({3, 4 * hidden}, dtype).requires_grad_();
      Tensor cell = reel::randn({3, hidden}, dtype).requires_grad_();
      const Tensors cotangents{reel::randn({3, hidden}, dtype), reel::randn({3, hidden}, dtype)};
      const Tensors fused = list(lstm_gates(gates, cell));
      const auto got = autograd::grad(fused, {gates, cell}, cotangents);
      const Tensors plain = lstm_by_ops(gates, cell);
      const auto want = autograd::grad(plain, {gates, cell}, cotangents);
      const double bound = dtype == kFloat64 ? 1e-13 : 2e-5;
      for (std::size_t i = 0; i < 2; ++i) {
        CHECK(difference(fused[i], plain[i]) < bound);
        CHECK(difference(got[i], want[i]) < bound);
      }
    }
  }
}

TEST_CASE("pointwise: gradcheck with several outputs, of which some are not used") {
  manual_seed(62);
  const Tensors in{leaf({2, 12}), leaf({2, 3})};
  CHECK(gradient_difference([](const Tensors& x) { return list(lstm_gates(x[0], x[1])); }, in) <
        1e-8);
  CHECK(gradient_difference([](const Tensors& x) -> Tensors { return {lstm_gates(x[0], x[1])[0]}; },
                            in) < 1e-8);
  CHECK(gradient_difference([](const Tensors& x) -> Tensors { return {lstm_gates(x[0], x[1])[1]}; },
                            in) < 1e-8);
}

TEST_CASE("pointwise: inputs broadcast and may be strided") {
  manual_seed(63);
  const auto formula = [](const Tensors& x) -> Tensors {
    return {pointwise(
        "Test", [](auto a, auto b, auto c) { return exp(a) * b - c / (1.0 + b * b); }, x[0], x[1],
        x[2])};
  };
  CHECK(gradient_difference(formula, {leaf({2, 3}), leaf({3}), leaf({2, 1})}) < 1e-8);
  CHECK(gradient_difference(formula, {leaf({}), leaf({3, 1}), leaf({2, 1, 4})}) < 1e-8);
  CHECK(gradient_difference(formula, {leaf({0, 3}), leaf({3}), leaf({1})}) < 1e-8);
  const auto strided = [&](const Tensors& x) {
    return formula({x[0].t(), x[1].slice(1, 0, 6, 2), x[2].expand({2, 3})});
  };
  CHECK(gradient_difference(strided, {leaf({3, 2}), leaf({2, 6}), leaf({3})}) < 1e-8);
  CHECK(difference(strided({leaf({3, 2}).detach() * 0 + 1, leaf({2, 6}).detach() * 0 + 2,
                            leaf({3}).detach() * 0 + 5})[0],
                   reel::full({2, 3}, std::exp(1.0) * 2 - 1, kFloat64)) < 1e-14);
}

TEST_CASE("pointwise: captured numbers, repeated inputs and parts without a gradient") {
  manual_seed(64);
  const double scale = 0.7;
  CHECK(gradient_difference(
            [&](const Tensors& x) -> Tensors {
              return {pointwise(
                  "Test",
                  [scale](auto a, auto b) { return tanh(a * scale) * a + sqrt(b) * log(b); }, x[0],
                  x[1].square() + 0.5)};
            },
            {leaf({5}), leaf({5})}) < 1e-8);
  const Tensor x = leaf({4}), fixed = reel::randn({4}, kFloat64);
  const auto product = [](auto a, auto b, auto c) { return a * b * c; };
  CHECK(gradient_difference(
            [&](const Tensors& in) -> Tensors {
              return {pointwise("Test", product, in[0], in[0], fixed)};
            },
            {x}) < 1e-8);
  CHECK_FALSE(pointwise("Test", product, fixed, fixed, fixed).requires_grad());
}

TEST_CASE("pointwise: gradients of gradients") {
  manual_seed(65);
  const Tensor gates = leaf({2, 8}), cell = leaf({2, 2});
  const Tensor weight = reel::randn({2, 2}, kFloat64);
  CHECK(gradient_difference(
            [&](const Tensors& in) {
              AutoGradMode on(true);
              return autograd::grad(list(lstm_gates(in[0], in[1])), {in[0], in[1]},
                                    {weight, weight}, nullopt, true);
            },
            {gates, cell}) < 1e-7);
}

TEST_CASE("pointwise: the second derivative where the first is 0") {
  // A branch is taken here, and its slope happens to be 0: not the same as a branch not taken.
  const auto curvature = [](const std::function<Tensor(const Tensor&)>& f, double at) {
    const Tensor x = full({2}, at, kFloat64).requires_grad_();
    const Tensors first = autograd::grad(Tensors{f(x).sum()}, Tensors{x}, {}, nullopt, true);
    return autograd::grad(Tensors{first[0].sum()}, Tensors{x})[0][0].item<double>();
  };
  const Tensor none = zeros({2}, kFloat64), half = full({2}, 0.5, kFloat64);
  const std::int64_t sum = Reduction::Sum;
  CHECK(curvature([&](const Tensor& x) { return huber_loss(x, none, sum, 1); }, 0) == 1);
  CHECK(curvature([&](const Tensor& x) { return smooth_l1_loss(x, none, sum, 0.5); }, 0) == 2);
  CHECK(curvature(
            [&](const Tensor& x) {
              return binary_cross_entropy_with_logits(x, half, Tensor(), Tensor(), sum);
            },
            0) == 0.25);
  CHECK(curvature([](const Tensor& x) { return x * asinh(x); }, 0) == 2);
  // One of two factors is 0: the other's derivative by it is not.
  const Tensor end = ones({2}, kFloat64).requires_grad_(), weight = none.clone().requires_grad_();
  const Tensors g = autograd::grad(Tensors{none.lerp(end, weight).sum()}, Tensors{end, weight}, {},
                                   nullopt, true);
  CHECK(values(g[0]) == std::vector<double>{0, 0});
  CHECK(values(autograd::grad(Tensors{g[0].sum()}, Tensors{weight})[0]) ==
        std::vector<double>{1, 1});
  // What was not taken still gets nothing, though the gradient is infinite.
  const Tensor x = none.clone().requires_grad_();
  const Tensors kept = autograd::grad(Tensors{sqrt(where(x < 1, zeros_like(x), x)).sum()},
                                      Tensors{x}, {}, nullopt, true);
  CHECK(values(kept[0]) == std::vector<double>{0, 0});
}

TEST_CASE("pointwise: a saved value changed in place is refused; errors name the formula") {
  Tensor x = leaf({3});
  Tensor h = x * 1;
  const Tensor y = pointwise(
      "Cubed", [](auto a) { return a * a * a; }, h);
  h.add_(1);
  CHECK(mentions(error_of<AutogradError>([&] { y.sum().backward(); }), {"Cubed"}));
  CHECK(mentions(error_of<ShapeError>([&] {
                   pointwise(
                       "Summed", [](auto a, auto b) { return a + b; }, x,
                       reel::zeros({4}, kFloat64));
                 }),
                 {"Summed", "[3]", "[4]"}));
}

TEST_CASE("pointwise: a deep recurrence of fused cells is differentiated through time") {
  manual_seed(66);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              Tensor h = in[1], c = in[2];
              for (int t = 0; t < 5; ++t) {
                const auto next = lstm_gates(reel::matmul(h, in[0]), c);
                h = next[0];
                c = next[1];
              }
              return {h, c};
            },
            {leaf({3, 12}), leaf({2, 3}), leaf({2, 3})}) < 1e-7);
}
