// Elementwise ops beyond their values: errors, in-place twins on the tape, gradients in float32.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

TEST_CASE("elementwise: what PyTorch refuses is refused, with the op's name") {
  const Tensor i = reel::tensor({7, -7, 3}), zero = reel::tensor({1, 0, 2});
  const Tensor f = reel::randn({3});
  CHECK(mentions(error_of<Error>([&] { reel::remainder(i, zero); }), {"remainder", "zero"}));
  CHECK(mentions(error_of<Error>([&] { reel::fmod(i, 0); }), {"fmod", "zero"}));
  CHECK(mentions(error_of<Error>([&] { reel::floor_divide(i, 0); }), {"floor_divide", "zero"}));
  CHECK(mentions(error_of<Error>([&] { reel::div(i, zero, "trunc"); }), {"trunc_divide", "zero"}));
  CHECK(mentions(error_of<Error>([&] { reel::remainder(5, zero); }), {"remainder", "zero"}));
  CHECK(mentions(error_of<Error>([&] { reel::div(f, f, "up"); }), {"div", "floor", "up"}));
  CHECK(mentions(error_of<Error>([&] { reel::gelu(f, "exact"); }), {"gelu", "tanh", "exact"}));
  CHECK(mentions(error_of<Error>([&] { reel::celu(f, 0); }), {"celu", "alpha"}));
  CHECK(mentions(error_of<Error>([&] { reel::clamp(f, std::optional<Scalar>(), nullopt); }),
                 {"clamp", "min", "max"}));
  CHECK(mentions(error_of<Error>([&] { reel::pow(i, -2); }), {"pow", "negative"}));
  CHECK(mentions(error_of<DtypeError>([&] { reel::silu(i); }), {"silu", "Long"}));
  CHECK(mentions(error_of<DtypeError>([&] { reel::hypot(i, i); }), {"hypot"}));
  CHECK(mentions(error_of<DtypeError>([&] { reel::lerp(i, i, 0.5); }), {"lerp"}));
  CHECK(mentions(error_of<DtypeError>([&] { reel::addcdiv(f, i, i); }), {"addcdiv"}));
  CHECK(mentions(error_of<DtypeError>([&] { reel::frac(i); }), {"frac"}));
  CHECK(mentions(error_of<DtypeError>([&] { i.clone().exp_(); }), {"exp_", "Float", "Long"}));
  CHECK(mentions(error_of<DtypeError>([&] { i.clone().clamp_(0.5, 2); }), {"clamp_"}));
  CHECK(mentions(error_of<ShapeError>([&] { reel::maximum(f, reel::randn({4})); }),
                 {"maximum", "[3]", "[4]"}));
  CHECK(mentions(error_of<ShapeError>([&] { f.clone().atan2_(reel::randn({2, 3})); }), {"[3]"}));
}

TEST_CASE("elementwise: integer division has no undefined corner") {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const Tensor x = reel::tensor({least, least, std::int64_t{-5}}), y = reel::tensor({-1, 2, 3});
  CHECK(reel::equal(reel::div(x, y, "trunc"), reel::tensor({least, least / 2, std::int64_t{-1}})));
  CHECK(reel::equal(reel::floor_divide(x, y), reel::tensor({least, least / 2, std::int64_t{-2}})));
  CHECK(reel::equal(reel::remainder(x, y), reel::tensor({0, 0, 1})));
  CHECK(reel::equal(reel::fmod(x, y), reel::tensor({0, 0, -2})));
}

TEST_CASE("elementwise: a twin writes into the same memory and takes its place on the tape") {
  const Tensor plain = reel::randn({4});
  const void* memory = plain.data_ptr();
  const auto version = plain._version();
  const Tensor want = plain.exp().clamp(0.5, 2.0).addcmul(plain.exp().clamp(0.5, 2.0), plain, 0.1);
  const Tensor copy = plain.clone();
  plain.exp_().clamp_(0.5, 2.0);
  plain.addcmul_(plain, copy, 0.1);
  CHECK(plain.data_ptr() == memory);
  CHECK(plain._version() == version + 3);
  CHECK(difference(plain, want) < 1e-6);

  manual_seed(71);
  const auto chain = [](const Tensors& in) -> Tensors {
    Tensor x = in[0] * 1.5;
    reel::silu_(x);
    x.select(0, 1).sin_();
    x.mul_(x);
    x.pow_(x * 0.1 + 2.0);
    x.atan2_(in[1]);
    reel::leaky_relu_(x, 0.2);
    x.lerp_(in[1], 0.3);
    return {x};
  };
  const Tensors in{reel::rand({2, 3}, kFloat64).add_(0.5).requires_grad_(),
                   reel::rand({2, 3}, kFloat64).add_(0.5).requires_grad_()};
  CHECK(gradient_difference(chain, in) < 1e-7);
}

TEST_CASE("elementwise: a saved operand changed by a twin is noticed") {
  const Tensor x = reel::randn({3}).requires_grad_();
  const Tensor h = x * 2, y = h.sin();
  h.floor_();
  CHECK(mentions(error_of<AutogradError>([&] { y.sum().backward(); }), {"SinBackward0"}));
  CHECK(mentions(error_of<AutogradError>([&] { x.tanh_(); }), {"tanh_", "leaf"}));
}

TEST_CASE("elementwise: second derivatives stay finite far out") {
  const Tensor x = reel::tensor({-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0}, kFloat64);
  const Tensor in = x.clone().requires_grad_();
  using Op = Tensor (*)(const Tensor&);
  const Op ops[] = {[](const Tensor& t) { return reel::softplus(t); },
                    [](const Tensor& t) { return reel::log_sigmoid(t); },
                    [](const Tensor& t) { return reel::elu(t); },
                    [](const Tensor& t) { return reel::mish(t); },
                    [](const Tensor& t) { return reel::gelu(t, "tanh"); },
                    [](const Tensor& t) { return reel::silu(t); }};
  for (const Op op : ops) {
    const Tensor y = op(in);
    INFO(y.grad_fn()->name());
    const Tensor first = autograd::grad({y.sum()}, {in}, {}, nullopt, true)[0];
    const Tensor second = autograd::grad({first.sum()}, {in})[0];
    CHECK(reel::equal(reel::isfinite(first), reel::ones_like(first, kBool)));
    CHECK(reel::equal(reel::isfinite(second), reel::ones_like(second, kBool)));
  }
}
