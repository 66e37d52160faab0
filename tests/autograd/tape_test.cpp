// What the tape promises: where gradients go, what may be called twice, and what misuse says.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

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

TEST_CASE("tape: gradients add up over backward calls until they are cleared") {
  Tensor x = leaf({2, 3});
  CHECK_FALSE(x.grad().defined());
  (x * 2).sum().backward();
  CHECK(difference(x.grad(), constant({2, 3}, 2)) == 0);
  (x * 3).sum().backward();
  CHECK(difference(x.grad(), constant({2, 3}, 5)) == 0);
  x.mutable_grad().zero_();
  (x * 4).sum().backward();
  CHECK(difference(x.grad(), constant({2, 3}, 4)) == 0);
  x.mutable_grad() = Tensor();
  CHECK_FALSE(x.grad().defined());
  (x * 5).sum().backward();
  CHECK(difference(x.grad(), constant({2, 3}, 5)) == 0);
}

TEST_CASE("tape: a gradient kept from before is not overwritten by a later pass") {
  Tensor x = leaf({3});
  const Tensor seed = constant({3}, 7);
  const Tensor y = x + 0;
  y.backward(seed);
  const Tensor first = x.grad().detach().clone();
  (x + 0).backward(seed);
  CHECK(difference(seed, constant({3}, 7)) == 0);
  CHECK(difference(first, constant({3}, 7)) == 0);
  CHECK(difference(x.grad(), constant({3}, 14)) == 0);
}

TEST_CASE("tape: leaves that receive the same gradient do not share its memory") {
  Tensor a = leaf({3}), b = leaf({3});
  (a + b).sum().backward();
  a.grad().mul_(10);
  CHECK(difference(b.grad(), constant({3}, 1)) == 0);
  const Tensor seed = constant({3}, 1);
  Tensor c = leaf({3});
  (c + 0).backward(seed);
  c.grad().mul_(10);
  CHECK(difference(seed, constant({3}, 1)) == 0);
}

TEST_CASE("tape: diamonds and tensors used many times") {
  manual_seed(1);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              const Tensor a = in[0].tanh();
              const Tensor b = a * a, c = a.exp(), d = b + c + a;
              return {d * b + c, a};
            },
            {leaf({2, 3})}) < 1e-8);
  Tensor x = leaf({4});
  Tensor sum = reel::zeros({4}, kFloat64);
  for (int i = 0; i < 100; ++i) sum = sum + x;
  sum.sum().backward();
  CHECK(difference(x.grad(), constant({4}, 100)) == 0);
  Tensor y = leaf({});
  Tensor power = y;
  for (int i = 0; i < 20; ++i) power = power + power;  // 2^20 paths
  power.backward();
  CHECK(y.grad().item<double>() == 1048576);
}

TEST_CASE("tape: the same tensor as several inputs of one op") {
  manual_seed(2);
  CHECK(gradient_difference([](const Tensors& in) -> Tensors { return {in[0] * in[0]}; },
                            {leaf({3})}) < 1e-8);
  CHECK(
      gradient_difference([](const Tensors& in) -> Tensors { return {reel::matmul(in[0], in[0])}; },
                          {leaf({3, 3})}) < 1e-8);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              return {reel::cat({in[0], in[0], in[0]}, 1)};
            },
            {leaf({2, 2})}) < 1e-8);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              return {in[0], in[0]};
            },
            {leaf({2})}) < 1e-8);
}

TEST_CASE("tape: gradients of parts that cover all, some, and overlapping regions") {
  manual_seed(3);
  const auto check_parts = [](const TensorFunction& fn, IntArrayRef sizes) {
    CHECK(gradient_difference(fn, {leaf(sizes)}) < 1e-8);
  };
  check_parts([](const Tensors& in) -> Tensors { return in[0].unbind(0); }, {4, 3});
  check_parts([](const Tensors& in) -> Tensors { return {in[0][2].tanh()}; }, {4, 3});
  check_parts(
      [](const Tensors& in) -> Tensors {
        const Tensor x = in[0] * 1;
        return {x.slice(0, 0, 3).tanh(), x.slice(0, 2, 5).exp(), x[1] * x[4], x.sigmoid()};
      },
      {5, 2});
  check_parts(
      [](const Tensors& in) -> Tensors {
        const Tensor& x = in[0];
        return {x.slice(0, 2, 5), x.slice(0, 0, 3), x[2], x.select(1, 0), x.slice(1, 0, 2, 2), x};
      },
      {5, 2});
  check_parts(
      [](const Tensors& in) -> Tensors {
        const Tensor x = in[0].tanh();
        return {x.select(1, 1), x[0], x.select(1, 0)};
      },
      {3, 2});
  check_parts(
      [](const Tensors& in) -> Tensors {
        const Tensor x = in[0].tanh();
        const Tensor whole = x.narrow(0, 0, 4);
        return {whole.narrow(0, 1, 3).narrow(0, 1, 1), whole[0], x[3], whole};
      },
      {4, 2});
}

TEST_CASE("tape: views of views") {
  manual_seed(4);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              const Tensor v = in[0].transpose(0, 1).slice(0, 1, 4).unsqueeze(0).expand({2, 3, 4});
              return {v.select(0, 1).permute({1, 0})[2] * v[0][1][3], v.reshape({6, 4})[5]};
            },
            {leaf({4, 4})}) < 1e-8);
}

TEST_CASE("tape: chunks of which some are not used, and a stack of slices") {
  manual_seed(5);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              const auto parts = reel::chunk(in[0].tanh(), 4, 1);
              return {parts[0] * parts[3]};
            },
            {leaf({2, 8})}) < 1e-8);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              std::vector<Tensor> steps;
              Tensor state = reel::zeros({2}, kFloat64);
              for (int t = 0; t < 5; ++t) steps.push_back(state = (in[0][t] + state).tanh());
              return {reel::stack(steps, 1), steps[2]};
            },
            {leaf({5, 2})}) < 1e-8);
}

namespace {

// A random program over views, joins and a little arithmetic; the same for the same seed.
Tensors random_program(const Tensors& inputs, unsigned seed, bool in_place) {
  std::mt19937 rng(seed);
  const auto draw = [&](std::int64_t n) {
    return static_cast<std::int64_t>(rng() % static_cast<unsigned>(n));
  };
  Tensors pool = inputs;
  const auto any = [&] {
    return pool[static_cast<std::size_t>(draw(static_cast<std::int64_t>(pool.size())))];
  };
  for (int step = 0; step < 14; ++step) {
    Tensor a = any();
    if (a.dim() == 0) a = a.unsqueeze(0);
    const std::int64_t dim = draw(a.dim()), n = a.size(dim);
    const std::int64_t start = draw(n), length = 1 + draw(n - start);
    switch (draw(in_place ? 14 : 12)) {
      case 0:
        pool.push_back(a.select(dim, draw(n)));
        break;
      case 1:
      case 2:
        pool.push_back(a.narrow(dim, start, length));
        break;
      case 3:
        pool.push_back(a.slice(dim, start, start + length, 1 + draw(3)));
        break;
      case 4:
        pool.push_back(a.transpose(dim, draw(a.dim())));
        break;
      case 5:
        pool.push_back(a.reshape({-1}));
        break;
      case 6:
        if (a.numel() <= 24) pool.push_back(reel::cat({a, a.narrow(dim, start, length)}, dim));
        break;
      case 7:
        if (a.numel() <= 12) pool.push_back(reel::stack({a, a}, dim));
        break;
      case 8:
        for (const auto& part : reel::chunk(a, 3, dim)) pool.push_back(part);
        break;
      case 9:
        pool.push_back(a.tanh());
        break;
      case 10:
        pool.push_back(a * 0.75 + a);
        break;
      case 11:
        if (a.numel() <= 12) pool.push_back(a.unsqueeze(dim).expand_as(reel::stack({a, a}, dim)));
        break;
      default: {
        // A fresh copy, a window on it taken before and one taken after a part of it changes.
        Tensor copy = a.clone();
        const Tensor before = copy.select(dim, draw(n));
        Tensor part = copy.narrow(dim, start, length);
        if (draw(2) == 0)
          part.mul_(1.5);
        else
          part.copy_(a.narrow(dim, start, length).tanh());
        pool.insert(pool.end(), {before, part, copy, copy.narrow(dim, 0, start + 1)});
      }
    }
  }
  return {pool.back(), any(), any(), any()};
}

void check_random_programs(bool in_place) {
  manual_seed(6);
  int wrong = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    const Tensors inputs{leaf({3, 4}), leaf({4})};
    double worst = 0;
    std::string problem;
    try {
      worst = gradient_difference(
          [&](const Tensors& in) { return random_program(in, seed, in_place); }, inputs);
    } catch (const std::exception& e) {
      problem = e.what();
    }
    const bool right = worst < 1e-7 && problem.empty();
    if (!right && ++wrong <= 5) MESSAGE("program ", seed, " is off by ", worst, " ", problem);
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("tape: random programs of views and joins") { check_random_programs(false); }

TEST_CASE("tape: random programs with in-place changes through views") {
  check_random_programs(true);
}

TEST_CASE("tape: backward twice needs retain_graph") {
  Tensor x = leaf({3});
  Tensor y = (x * x).sum();
  y.backward({}, /*retain_graph=*/true);
  y.backward();
  CHECK(difference(x.grad(), x.detach() * 4) < 1e-15);
  const std::string text = error_of<AutogradError>([&] { y.backward(); });
  INFO(text);
  CHECK(mentions(text, {"second time", "retain_graph", "detach"}));
  CHECK(difference(x.grad(), x.detach() * 4) < 1e-15);
}

TEST_CASE("tape: a state that is carried on must be detached") {
  Tensor w = leaf({3});
  Tensor state = reel::zeros({3}, kFloat64);
  state = (state + w).tanh();
  state.sum().backward();
  CHECK(error_of<AutogradError>([&] { ((state + w).tanh()).sum().backward(); }) != "");
  w.mutable_grad() = Tensor();
  state = state.detach();
  CHECK_FALSE(state.requires_grad());
  const Tensor next = (state + w).tanh();
  next.sum().backward();
  CHECK(difference(w.grad(), 1 - next.detach() * next.detach()) < 1e-15);
}

TEST_CASE("tape: after an error in a pass the graph can still be used") {
  Tensor x = leaf({2}), w = leaf({2});
  Tensor saved = w * 1;
  const Tensor y = x * saved;
  saved.add_(1);
  CHECK(error_of<AutogradError>([&] { (y + x).sum().backward(); }) != "");
  CHECK_FALSE(x.grad().defined());
  (x * 3).sum().backward();
  CHECK(difference(x.grad(), constant({2}, 3)) == 0);
}

TEST_CASE("tape: a saved value changed in place is refused, with op and versions") {
  Tensor x = leaf({2, 3});
  Tensor h = x * 2;
  const Tensor y = h * h;
  h.add_(1);
  h.add_(1);
  std::string text = error_of<AutogradError>([&] { y.sum().backward(); });
  INFO(text);
  CHECK(mentions(text, {"ul", "[2, 3]", "2"}));
  CHECK(mentions(text, {"version"}));
  CHECK(mentions(text, {"in place"}));

  // The result that tanh saved for itself.
  Tensor t = x.tanh();
  t.mul_(2);
  text = error_of<AutogradError>([&] { t.sum().backward(); });
  CHECK(mentions(text, {"anh"}));

  // Through a view, and by a parameter update between forward and backward.
  Tensor a = x * 1;
  const Tensor square = a * a;
  a[0].zero_();
  CHECK(error_of<AutogradError>([&] { square.sum().backward(); }) != "");
  const Tensor product = x * x;
  {
    NoGradGuard no_grad;
    x.add_(1);
  }
  CHECK(error_of<AutogradError>([&] { product.sum().backward(); }) != "");

  // Not saved, so free to change.
  Tensor s = x + 1;
  const Tensor z = s + 1;
  s.add_(1);
  CHECK(error_of<std::exception>([&] { z.sum().backward(); }) == "");
}

TEST_CASE("tape: NoGradGuard, GradMode and detach") {
  Tensor x = leaf({2});
  {
    NoGradGuard no_grad;
    CHECK_FALSE(GradMode::is_enabled());
    const Tensor y = x * 2;
    CHECK_FALSE(y.requires_grad());
    CHECK(y.is_leaf());
    {
      AutoGradMode on(true);
      CHECK((x * 2).requires_grad());
    }
    CHECK_FALSE((x * 2).requires_grad());
  }
  CHECK(GradMode::is_enabled());
  const Tensor y = x * 2;
  CHECK(y.requires_grad());
  CHECK_FALSE(y.is_leaf());
  CHECK(y.grad_fn());
  const Tensor d = y.detach();
  CHECK_FALSE(d.requires_grad());
  CHECK(d.data_ptr() == y.data_ptr());
  (y * d).sum().backward();
  CHECK(difference(x.grad(), d * 2) < 1e-15);
  Tensor owned = x * 3;
  owned.detach_();
  CHECK(owned.is_leaf());
  CHECK_FALSE(owned.requires_grad());
}

TEST_CASE("tape: what may require grad") {
  CHECK(error_of<AutogradError>([] { reel::zeros({2}, kInt64).requires_grad_(); }) != "");
  CHECK(error_of<AutogradError>([] { reel::zeros({2}, kBool).requires_grad_(); }) != "");
  Tensor x = leaf({2});
  Tensor y = x * 2;
  CHECK(error_of<AutogradError>([&] { y.requires_grad_(false); }) != "");
  CHECK_NOTHROW(y.requires_grad_(true));
  CHECK(reel::zeros({2}, reel::requires_grad()).requires_grad());
  x.requires_grad_(false);
  CHECK_FALSE((x * 2).requires_grad());
  // Integral results never require grad.
  Tensor p = leaf({2, 3});
  CHECK_FALSE(p.argmax(1).requires_grad());
  CHECK_FALSE((p > 0).requires_grad());
  CHECK_FALSE(p.to(kInt64).requires_grad());
}

TEST_CASE("tape: gradients given to backward") {
  Tensor x = leaf({2, 3});
  std::string text = error_of<AutogradError>([&] { (x * 2).backward(); });
  CHECK(mentions(text, {"scalar", "[2, 3]"}));
  (x * 2).backward(constant({2, 3}, 0.5));
  CHECK(difference(x.grad(), constant({2, 3}, 1)) == 0);
  text = error_of<ShapeError>([&] { (x * 2).backward(constant({3, 2}, 1)); });
  CHECK(mentions(text, {"[3, 2]", "[2, 3]"}));
  text = error_of<AutogradError>([&] { x.detach().sum().backward(); });
  CHECK(mentions(text, {"does not require grad"}));
  CHECK(error_of<Error>([] { Tensor().backward(); }) != "");
  CHECK(error_of<AutogradError>([&] {
          autograd::backward({x.sum(), x.sum()}, {constant({}, 1)});
        }) != "");
  // A tensor of one element needs none, whatever its rank.
  Tensor one = leaf({1, 1});
  (one * 3).backward();
  CHECK(one.grad().item<double>() == 3);
  // A leaf itself.
  one.backward();
  CHECK(one.grad().item<double>() == 4);
  // Several roots in one pass share the graph below them.
  Tensor z = leaf({2});
  const Tensor shared = z.exp();
  autograd::backward({shared.sum(), (shared * 2).sum()});
  CHECK(difference(z.grad(), shared.detach() * 3) < 1e-15);
}

TEST_CASE("tape: gradients have the dtype and the sizes of their leaf") {
  Tensor f = reel::randn({2}, kFloat32).requires_grad_();
  Tensor d = reel::randn({3, 2}, kFloat64).requires_grad_();
  (f * d).sum().backward();
  CHECK(f.grad().scalar_type() == kFloat32);
  CHECK(f.grad().sizes() == f.sizes());
  CHECK(d.grad().scalar_type() == kFloat64);
  CHECK(difference(f.grad(), d.detach().sum({0}).to(kFloat32)) < 1e-6);
  Tensor g = reel::randn({2}, kFloat32).requires_grad_();
  g.to(kFloat64).sum().backward();
  CHECK(g.grad().scalar_type() == kFloat32);
}

TEST_CASE("tape: retain_grad keeps the gradient of a result") {
  Tensor x = leaf({2});
  Tensor h = x * 2;
  h.retain_grad();
  Tensor other = x * 3;
  (h * h + other).sum().backward();
  CHECK(difference(h.grad(), h.detach() * 2) < 1e-15);
  CHECK(difference(x.grad(), h.detach() * 4 + 3) < 1e-15);
  CHECK_FALSE(other.grad().defined());
}

TEST_CASE("tape: autograd::grad returns gradients and leaves .grad alone") {
  Tensor x = leaf({3}), w = leaf({3}), unused = leaf({3});
  const Tensor h = x + w;      // hands its gradient on unchanged
  const Tensor y = h * h + h;  // and receives two
  const auto grads = autograd::grad({y}, {h, x, w}, {constant({3}, 1)}, /*retain_graph=*/true);
  const Tensor expected = h.detach() * 2 + 1;
  for (const auto& g : grads) CHECK(difference(g, expected) < 1e-15);
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(w.grad().defined());
  const std::string text =
      error_of<AutogradError>([&] { autograd::grad({y.sum()}, {unused}, {}, true); });
  CHECK(mentions(text, {"allow_unused"}));
  const auto allowed = autograd::grad({y.sum()}, {unused, x}, {}, true, false, true);
  CHECK_FALSE(allowed[0].defined());
  CHECK(difference(allowed[1], expected) < 1e-15);
}

TEST_CASE("tape: in-place changes on a leaf") {
  Tensor x = leaf({2, 2});
  std::string text = error_of<AutogradError>([&] { x.add_(1); });
  INFO(text);
  CHECK(mentions(text, {"leaf"}));
  CHECK(error_of<AutogradError>([&] { x[0].zero_(); }) != "");
  CHECK(error_of<AutogradError>([&] { x.transpose(0, 1).mul_(2); }) != "");
  const Tensor before = x.detach().clone();
  CHECK(difference(x, before) == 0);
  {
    NoGradGuard no_grad;
    x.add_(1);
  }
  CHECK(x.requires_grad());
  CHECK(x.is_leaf());
  CHECK(difference(x, before + 1) == 0);
  // A leaf without requires_grad takes on the history of what is written into it.
  Tensor buffer = reel::zeros({2, 2}, kFloat64);
  buffer.add_(x);
  CHECK(buffer.requires_grad());
  buffer.sum().backward();
  CHECK(difference(x.grad(), constant({2, 2}, 1)) == 0);
}

TEST_CASE("tape: in-place changes through views reach the base's history, and back") {
  Tensor x = leaf({3}), y = leaf({2, 3});
  Tensor buffer = reel::zeros({2, 3}, kFloat64);
  buffer[0].copy_(x);
  buffer.select(0, 1).add_(x * 2);
  CHECK(buffer.requires_grad());
  (buffer * reel::tensor({{1.0, 2.0, 3.0}, {10.0, 20.0, 30.0}}, kFloat64)).sum().backward();
  CHECK(difference(x.grad(), reel::tensor({21.0, 42.0, 63.0}, kFloat64)) < 1e-15);

  Tensor base = y * 1;
  const Tensor window = base[1];
  base.mul_(3);
  window.sum().backward();
  CHECK(difference(y.grad(), reel::tensor({{0.0, 0.0, 0.0}, {3.0, 3.0, 3.0}}, kFloat64)) == 0);

  // What is overwritten gets no gradient.
  Tensor z = leaf({3});
  Tensor copy = z * 1;
  copy[1].fill_(5);
  copy.sum().backward();
  CHECK(difference(z.grad(), reel::tensor({1.0, 0.0, 1.0}, kFloat64)) == 0);
  Tensor gone = z * 1;
  gone.zero_();
  z.mutable_grad() = Tensor();
  (gone + z * 2).sum().backward();
  CHECK(difference(z.grad(), constant({3}, 2)) == 0);
}

TEST_CASE("tape: in-place arithmetic is differentiated") {
  manual_seed(7);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              Tensor a = in[0] * 1;
              a.add_(in[1], 2);
              a += in[1].tanh();
              a -= 0.5;
              a.sub_(in[1] * in[0]);
              a.mul_(in[1]);
              a /= 4;
              a *= 3;
              a.div_(in[1].exp());
              return {a};
            },
            {leaf({2, 3}), leaf({3})}) < 1e-8);
  Tensor small = reel::zeros({3}, kFloat64);
  const std::string text = error_of<ShapeError>([&] { small.add_(reel::zeros({2, 3}, kFloat64)); });
  INFO(text);
  CHECK(mentions(text, {"[3]"}));
  CHECK(error_of<DtypeError>([] { reel::zeros({2}, kInt64).add_(0.5); }) != "");
  CHECK(error_of<DtypeError>([] { reel::zeros({2}, kInt64).add_(reel::zeros({2})); }) != "");
}

TEST_CASE("tape: writing by index is differentiated") {
  manual_seed(8);
  using indexing::Slice;
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              Tensor a = in[0] * 1;
              a.index_put_({Slice(), 1}, in[1].tanh());
              a.index_put_({0}, 2.5);
              return {a.exp()};
            },
            {leaf({3, 2}), leaf({3})}) < 1e-8);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              Tensor a = in[0] * 1;
              a.index_put_({reel::tensor({2, 0})}, in[1] * in[1]);
              return {a.exp()};
            },
            {leaf({3, 2}), leaf({2, 2})}) < 1e-8);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              Tensor a = in[0] * 1;
              a.index_put_({Slice(), reel::tensor({1})}, in[1]);  // broadcast over the rows
              return {a.exp()};
            },
            {leaf({3, 2}), leaf({1, 1})}) < 1e-8);
  CHECK(gradient_difference(
            [](const Tensors& in) -> Tensors {
              Tensor a = in[0] * 1;
              a.index_put_({reel::tensor({{true, false}, {false, true}})}, in[1] * 3);
              return {a * a};
            },
            {leaf({2, 2}), leaf({2})}) < 1e-8);
}

TEST_CASE("tape: versions count in-place changes and are shared by views") {
  Tensor x = reel::zeros({2, 2});
  const Tensor row = x[0];
  const auto before = x._version();
  x.add_(1);
  row.mul_(2);
  CHECK(x._version() == before + 2);
  CHECK(row._version() == x._version());
}
