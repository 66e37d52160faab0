// Hooks, retained gradients, and backward into a subset of the graph.
#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {
Tensor leaf(IntArrayRef sizes) {
  Tensor t = reel::randn(sizes, kFloat64);
  t.requires_grad_();
  return t;
}
Tensor constant(IntArrayRef sizes, double value) { return reel::full(sizes, value, kFloat64); }
}  // namespace

TEST_CASE("hooks: run in the order in which they were registered, each on what the last left") {
  Tensor x = leaf({2});
  Tensor h = x * 1;
  std::vector<double> seen;
  h.register_hook([&](const Tensor& g) {
    seen.push_back(g[0].item<double>());
    return g * 2;
  });
  const unsigned id = h.register_hook([&](const Tensor& g) {
    seen.push_back(g[0].item<double>());
    return g + 1;
  });
  h.register_hook([&](const Tensor& g) { seen.push_back(g[0].item<double>()); });
  h.retain_grad();
  h.sum().backward({}, /*retain_graph=*/true);
  CHECK(seen == std::vector<double>{1, 2, 3});
  CHECK(difference(h.grad(), constant({2}, 3)) == 0);
  CHECK(difference(x.grad(), constant({2}, 3)) == 0);
  h.remove_hook(id);
  h.remove_hook(12345678);
  seen.clear();
  h.sum().backward();
  CHECK(seen == std::vector<double>{1, 2});
}

TEST_CASE("hooks: on a leaf they see the sum of all contributions once") {
  Tensor x = leaf({2});
  int calls = 0;
  const unsigned id = x.register_hook([&](const Tensor& g) {
    ++calls;
    return g * 10;
  });
  (x * 2 + x * 3).sum().backward();
  CHECK(calls == 1);
  CHECK(difference(x.grad(), constant({2}, 50)) == 0);
  CHECK(difference(autograd::grad({(x * 2).sum()}, {x})[0], constant({2}, 20)) == 0);
  x.remove_hook(id);
  (x * 2).sum().backward();
  CHECK(calls == 2);
  CHECK(difference(x.grad(), constant({2}, 52)) == 0);
}

TEST_CASE("hooks: a gradient replaced on a view is the one that reaches the base") {
  const Tensor weight = reel::tensor({2.0, 3.0}, kFloat64);
  for (const bool replace : {false, true}) {
    INFO("replace ", replace);
    const double factor = replace ? 5 : 1;
    const auto watch = [&](const Tensor& t) {
      if (replace)
        t.register_hook([](const Tensor& g) { return g * 5; });
      else
        t.register_hook([](const Tensor&) {});
    };
    // Views whose gradients would be written straight into the gradient of their base.
    Tensor x = leaf({3, 2});
    Tensor base = x * 1;
    const Tensor row = base[1], rest = base.narrow(0, 2, 1);
    watch(row);
    watch(rest);
    ((row * weight).sum() + (rest * weight).sum() + (base[0] * weight).sum()).backward();
    CHECK(difference(
              x.grad(),
              reel::tensor({{2.0, 3.0}, {2.0 * factor, 3.0 * factor}, {2.0 * factor, 3.0 * factor}},
                           kFloat64)) == 0);
    x.mutable_grad() = Tensor();
    base = x * 1;
    const Tensor whole = base.reshape({6});
    watch(whole);
    whole.exp().sum().backward();
    CHECK(difference(x.grad(), x.detach().exp() * factor) < 1e-14);
    // A view of a view, with several uses.
    x.mutable_grad() = Tensor();
    base = x * 1;
    const Tensor inner = base.narrow(0, 1, 2)[0];
    watch(inner);
    ((inner * weight).sum() + inner.sum()).backward();
    CHECK(difference(x.grad(), reel::tensor({{0.0, 0.0}, {3.0 * factor, 4.0 * factor}, {0.0, 0.0}},
                                            kFloat64)) == 0);
  }
}

TEST_CASE("hooks: a wrong shape is refused, a hook may write into what it is given") {
  Tensor x = leaf({2});
  Tensor h = x * 1;
  const unsigned id = h.register_hook([](const Tensor&) { return reel::ones({3}); });
  CHECK(mentions(error_of<AutogradError>([&] { h.sum().backward(); }), {"hook", "[3]", "[2]"}));
  h.remove_hook(id);
  const Tensor seed = constant({2}, 1);
  Tensor k = x * 1;
  k.register_hook([](const Tensor& g) { g.zero_(); });
  k.backward(seed);
  CHECK(difference(seed, constant({2}, 1)) == 0);
  CHECK(error_of<AutogradError>([&] { x.detach().register_hook([](const Tensor&) {}); }) != "");
}

TEST_CASE("hooks: another dtype is refused") {
  const Tensor x = ones({3}).requires_grad_();
  x.register_hook([](const Tensor& g) { return g.to(kFloat64); });
  CHECK(mentions(error_of<AutogradError>([&] { (x * 2).sum().backward(); }),
                 {"a hook returned float64", "float32"}));
}

TEST_CASE("hooks: with create_graph what a hook does is differentiated") {
  Tensor x = reel::tensor({2.0}, kFloat64);
  x.requires_grad_();
  Tensor h = x * 1;
  h.register_hook([](const Tensor& g) { return g * g; });
  const Tensor first = autograd::grad({(h * h).sum()}, {x}, {}, nullopt, true)[0];
  CHECK(first.item<double>() == 16);  // (2 x)^2
  CHECK(autograd::grad({first.sum()}, {x})[0].item<double>() == 16 * 8 * 2);
}

TEST_CASE("retain_grad: views, accumulation over passes, release") {
  Tensor x = leaf({3, 2});
  Tensor base = x * 2;
  const Tensor row = base[1];
  row.retain_grad();
  base.retain_grad();
  (row.exp().sum() + base.sum()).backward({}, true);
  CHECK(difference(row.grad(), row.detach().exp()) < 1e-14);
  CHECK(difference(base.grad()[1], row.detach().exp() + 1) < 1e-14);
  CHECK(difference(base.grad()[0], constant({2}, 1)) == 0);
  (row.exp().sum() + base.sum()).backward();
  CHECK(difference(row.grad(), row.detach().exp() * 2) < 1e-14);
  // A retained tensor that is gone does no harm.
  Tensor y;
  {
    const Tensor gone = x * 3;
    gone.retain_grad();
    y = gone * 2;
  }
  y.sum().backward();
  CHECK(error_of<AutogradError>([&] { x.detach().retain_grad(); }) != "");
  Tensor z = leaf({2});
  z.retain_grad();  // of a leaf: nothing to do
  z.sum().backward();
  CHECK(difference(z.grad(), constant({2}, 1)) == 0);
}

TEST_CASE("retain_grad: a tensor that is written in place keeps the gradient of its new value") {
  const Tensor a = ones({3}, kFloat64).requires_grad_();
  Tensor y;
  {
    const Tensor x = a * 2;
    x.retain_grad();
    x.mul_(3);
    y = x * 5;
    y.backward(full({3}, 0.5, kFloat64), true);
    CHECK(x.grad().equal(full({3}, 2.5, kFloat64)));
    CHECK(a.grad().equal(full({3}, 15.0, kFloat64)));
    const Tensor part = x[0];
    part.retain_grad();
    part.add_(1);
    (part * 4).backward({}, true);
    CHECK(part.grad().item<double>() == 4);
  }
  y.backward(ones({3}, kFloat64));  // nobody asks any more
  CHECK(a.grad()[1].item<double>() == 45);
}

TEST_CASE("backward: gradients of a recorded pass have memory of their own") {
  const Tensor x = ones({3}).requires_grad_(), z = ones({3}).requires_grad_();
  x.sum().backward({}, true, true);
  (x * 2).sum().backward();
  CHECK(x.grad().equal(full({3}, 3.0)));
  x.mutable_grad() = Tensor();
  const Tensor g = ones({3});
  (x + z).backward(g, true, true);
  x.grad().detach().add_(1);
  CHECK(z.grad().equal(ones({3})));
  CHECK(g.equal(ones({3})));
  z.mutable_grad() = zeros({1}).expand({3});
  (z * 2).sum().backward();
  CHECK(z.grad().equal(full({3}, 2.0)));
}

TEST_CASE("grad: a pass for given inputs within another one leaves that its way") {
  const Tensor a = rand({3}, kFloat64).requires_grad_(), weights = rand({3}, kFloat64);
  const Tensor h = a * 2, y = tanh(h), z = y * 3;
  Tensor inner;
  z.register_hook([&](const Tensor&) { inner = autograd::grad({y}, {h}, {weights}, true)[0]; });
  const Tensor outer = autograd::grad({z}, {a}, {weights})[0];
  const Tensor slope = 1 - y.detach() * y.detach();
  CHECK(difference(inner, weights * slope) < 1e-15);
  CHECK(difference(outer, weights * 6 * slope) < 1e-15);
}

TEST_CASE("backward: into given inputs only") {
  Tensor x = leaf({3}), w = leaf({3}), unused = leaf({2});
  const Tensor h = x * w;
  const Tensor loss = (h * h).sum() + x.sum();
  const std::vector<Tensor> only_w{w, unused};
  loss.backward({}, true, false, only_w);
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(unused.grad().defined());
  CHECK(difference(w.grad(), h.detach() * x.detach() * 2) < 1e-14);
  loss.backward({}, true, false, only_w);
  CHECK(difference(w.grad(), h.detach() * x.detach() * 4) < 1e-14);
  // A result: its gradient is kept, what lies behind it is not run.
  autograd::backward({loss}, {}, true, false, {h});
  CHECK(difference(h.grad(), h.detach() * 2) < 1e-14);
  CHECK_FALSE(x.grad().defined());
  // A root that is itself a leaf, wanted or not.
  autograd::backward({x.sum(), x}, {Tensor(), constant({3}, 2)}, nullopt, false, {x});
  CHECK(difference(x.grad(), constant({3}, 3)) == 0);
  x.mutable_grad() = Tensor();
  autograd::backward({w.sum(), x}, {Tensor(), constant({3}, 2)}, nullopt, false, {w});
  CHECK_FALSE(x.grad().defined());
  // The graph to an input of the pass that was run is freed, the rest is not.
  CHECK(mentions(error_of<AutogradError>([&] { loss.backward({}, true, false, TensorList()); }),
                 {"inputs cannot be empty"}));
  CHECK(mentions(
      error_of<AutogradError>([&] { autograd::backward({loss}, {}, true, false, {w.detach()}); }),
      {"backward", "does not require grad"}));
}
