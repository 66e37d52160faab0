// jacobian, hessian, vjp, jvp, hvp; anomaly mode; the graph as text.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "nn/nn.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using namespace reel::autograd;

namespace {
Tensor leaf(IntArrayRef sizes) {
  Tensor t = reel::randn(sizes, kFloat64);
  t.requires_grad_();
  return t;
}
}  // namespace

TEST_CASE("functional: jacobian of one and of several tensors") {
  manual_seed(1);
  const Tensor w = reel::randn({4, 3}, kFloat64), x = reel::randn({3}, kFloat64);
  const TensorMap product = [&](const Tensor& v) { return reel::matmul(w, v); };
  CHECK(difference(jacobian(product, x), w) < 1e-15);
  CHECK_FALSE(jacobian(product, x).requires_grad());
  // Elementwise: the diagonal is the derivative.
  const Tensor m = reel::randn({2, 2}, kFloat64);
  const Tensor j = jacobian([](const Tensor& v) { return v.tanh(); }, m);
  CHECK(j.sizes() == IntArrayRef({2, 2, 2, 2}));
  const Tensor slope = 1 - m.tanh() * m.tanh();
  CHECK(difference(j.reshape({4, 4}), reel::eye(4, kFloat64) * slope.reshape({4})) < 1e-14);

  const auto blocks = jacobian(
      [](const variable_list& in) {
        return variable_list{in[0] * in[1], in[1].sum()};
      },
      variable_list{reel::tensor({2.0, 3.0}, kFloat64), reel::tensor({5.0, 7.0}, kFloat64)});
  REQUIRE(blocks.size() == 2);
  CHECK(difference(blocks[0][0], reel::tensor({{5.0, 0.0}, {0.0, 7.0}}, kFloat64)) == 0);
  CHECK(difference(blocks[0][1], reel::tensor({{2.0, 0.0}, {0.0, 3.0}}, kFloat64)) == 0);
  CHECK(difference(blocks[1][0], reel::zeros({2}, kFloat64)) == 0);
  CHECK(difference(blocks[1][1], reel::ones({2}, kFloat64)) == 0);
  CHECK_FALSE(x.requires_grad());
  CHECK(jacobian([](const Tensor& t) { return t * 2; }, reel::zeros({0}, kFloat64)).sizes() ==
        IntArrayRef({0, 0}));
}

TEST_CASE("functional: a jacobian can be differentiated with create_graph") {
  manual_seed(2);
  const GradcheckFunction f = [](const Tensors& in) -> Tensors {
    return {jacobian([](const Tensor& v) { return v * v * v; }, in[0], true)};
  };
  CHECK(gradcheck(f, {leaf({3})}));
}

TEST_CASE("functional: hessian, hvp, vjp and jvp agree with each other") {
  manual_seed(3);
  const Tensor a = reel::randn({3, 3}, kFloat64), x = reel::randn({3}, kFloat64),
               v = reel::randn({3}, kFloat64);
  const TensorMap quadratic = [&](const Tensor& t) { return (t * reel::matmul(a, t)).sum(); };
  const Tensor h = hessian(quadratic, x);
  CHECK(difference(h, a + a.t()) < 1e-14);
  const auto [value, product] = hvp(quadratic, x, v);
  CHECK(difference(value, quadratic(x)) < 1e-14);
  CHECK(difference(product, reel::matmul(h, v)) < 1e-14);

  const TensorMap curve = [&](const Tensor& t) { return reel::matmul(a, t).tanh().slice(0, 0, 2); };
  const Tensor j = jacobian(curve, x), u = reel::randn({2}, kFloat64);
  CHECK(difference(vjp(curve, x, u).second, reel::matmul(u, j)) < 1e-14);
  CHECK(difference(jvp(curve, x, v).second, reel::matmul(j, v)) < 1e-14);
  CHECK(difference(jvp(curve, x, v).first, curve(x)) < 1e-14);
  CHECK_FALSE(vjp(curve, x, u).first.requires_grad());

  const ScalarOfList mixed = [](const variable_list& in) { return (in[0] * in[0] * in[1]).sum(); };
  const Tensor p = reel::tensor({2.0}, kFloat64), q = reel::tensor({3.0}, kFloat64);
  const auto blocks = hessian(mixed, {p, q});
  CHECK(blocks[0][0].item<double>() == 6);
  CHECK(blocks[0][1].item<double>() == 4);
  CHECK(blocks[1][0].item<double>() == 4);
  CHECK(blocks[1][1].item<double>() == 0);
  const auto [out, products] = hvp(mixed, {p, q}, {q, p});
  CHECK(out.item<double>() == 12);
  CHECK(products[0].item<double>() == 6 * 3 + 4 * 2);
  CHECK(products[1].item<double>() == 4 * 3);

  const GradcheckFunction again = [](const Tensors& in) -> Tensors {
    const TensorMap f = [](const Tensor& t) { return (t.tanh() * t).sum(); };
    return {hvp(f, in[0], in[1], true).second, jvp(f, in[0], in[1], true).second};
  };
  CHECK(gradcheck(again, {leaf({3}), leaf({3})}));
}

TEST_CASE("functional: constants, strict, and misuse") {
  const Tensor x = reel::ones({2}, kFloat64);
  const TensorMap constant = [](const Tensor&) { return reel::ones({3}, kFloat64); };
  CHECK(difference(jacobian(constant, x), reel::zeros({3, 2}, kFloat64)) == 0);
  CHECK(difference(jvp(constant, x, x).second, reel::zeros({3}, kFloat64)) == 0);
  CHECK(mentions(error_of<AutogradError>([&] { jacobian(constant, x, false, true); }),
                 {"jacobian", "strict"}));
  const TensorMap linear = [](const Tensor& t) { return t.sum(); };
  CHECK(difference(hessian(linear, x), reel::zeros({2, 2}, kFloat64)) == 0);
  CHECK(mentions(error_of<ShapeError>([&] { hessian([](const Tensor& t) { return t; }, x); }),
                 {"hessian", "single element", "[2]"}));
  CHECK(mentions(error_of<ShapeError>([&] { vjp(constant, x); }), {"vjp"}));
  CHECK(mentions(error_of<ShapeError>([&] { jvp(constant, x, reel::ones({3}, kFloat64)); }),
                 {"jvp", "[3]", "[2]"}));
  CHECK(mentions(error_of<AutogradError>([&] { jacobian(constant, reel::ones({2}, kInt64)); }),
                 {"jacobian", "floating"}));
}

TEST_CASE("anomaly: the first op that makes a value that is not finite is named") {
  Tensor x = reel::tensor({1.0, 0.0, -1.0}, kFloat64);
  x.requires_grad_();
  CHECK_FALSE(AnomalyMode::is_enabled());
  CHECK_NOTHROW((x.log() * 0).sum().backward());
  {
    DetectAnomalyGuard guard;
    CHECK(AnomalyMode::is_enabled());
    std::string text = error_of<AutogradError>([&] { static_cast<void>(x.log() * 2); });
    INFO(text);
    CHECK(mentions(text, {"forward", "LogBackward0", "-inf", "element 1", "[3]", "leaf [3]"}));
    // Finite forward, infinite gradient.
    const Tensor y = (x * x).sqrt();
    text = error_of<AutogradError>([&] { (y * 3).sum().backward(); });
    CHECK(mentions(text, {"SqrtBackward0", "[3]", "element 1", "input 0"}));
    text = error_of<AutogradError>([&] {
      (x * 2).backward(reel::full({3}, std::numeric_limits<double>::quiet_NaN(), kFloat64));
    });
    CHECK(mentions(text, {"gradient given", "nan"}));
    { DetectAnomalyGuard inner; }
    CHECK(AnomalyMode::is_enabled());
  }
  CHECK_FALSE(AnomalyMode::is_enabled());
}

TEST_CASE("anomaly: a healthy model trains under it with the same gradients") {
  manual_seed(4);
  nn::LSTM lstm(nn::LSTMOptions(5, 6).num_layers(2).bidirectional(true));
  const Tensor x = reel::randn({7, 3, 5});
  const auto gradients = [&] {
    lstm->zero_grad();
    const Tensor out = std::get<0>(lstm->forward(x));
    (out * out).mean().backward();
    Tensors copies;
    for (const Tensor& p : lstm->parameters()) copies.push_back(p.grad().clone());
    return copies;
  };
  const Tensors plain = gradients();
  DetectAnomalyGuard guard;
  const Tensors checked = gradients();
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(difference(checked[i], plain[i]) == 0);
}

TEST_CASE("graph: text and Graphviz") {
  Tensor x = leaf({2, 3}), w = leaf({3});
  const Tensor y = (x * w).tanh() + 1;
  const Tensor loss = (y * y).sum();
  const std::string text = graph_text(loss);
  INFO(text);
  CHECK(mentions(text,
                 {"SumBackward0 [] <- #", "MulBackward0 [2, 3] <- #", ", #", "AddBackward0 [2, 3]",
                  "TanhBackward0 [2, 3]", "MulBackward0 [2, 3] <- leaf0 [2, 3], leaf1 [3]\n"}));
  CHECK(graph_text(x) == "leaf0 [2, 3]\n");
  CHECK(graph_text(x.detach()) == "constant [2, 3]\n");
  const std::string dot = graph_dot(loss);
  CHECK(mentions(dot, {"digraph reel {", "leaf0 [shape=ellipse", "[2, 3]", "leaf1", "TanhBackward0",
                       "leaf0 -> n", "}\n"}));
  loss.backward();
  CHECK(mentions(graph_text(loss), {"(freed)"}));
  // As deep as a tape may be.
  Tensor deep = x;
  for (int i = 0; i < 200000; ++i) deep = deep + 1;
  const std::string all = graph_text(deep);
  CHECK(std::count(all.begin(), all.end(), '\n') == 200000);
}
