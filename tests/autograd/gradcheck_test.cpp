// gradcheck and gradgradcheck on gradients that are wrong: they find them, and say where.
#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using reel::autograd::AutogradContext;
using reel::autograd::Function;
using reel::autograd::gradcheck;
using reel::autograd::gradgradcheck;
using reel::autograd::variable_list;

namespace {

Tensor leaf(const std::vector<double>& values, IntArrayRef sizes) {
  return reel::tensor(values, kFloat64).reshape(sizes).clone().requires_grad_();
}

// x^2, with a gradient that is right but for the element `wrong`, where it is 3 x instead of 2 x.
struct WrongSquare : Function<WrongSquare> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, std::int64_t wrong) {
    ctx->save_for_backward({x});
    ctx->saved_data["wrong"] = wrong;
    return x * x;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const Tensor x = ctx->get_saved_variables()[0];
    Tensor slope = reel::full({x.numel()}, 2.0, kFloat64);
    slope.index_put_({ctx->saved_data["wrong"].toInt()}, 3.0);
    return {grads[0] * x * slope.reshape(x.sizes()), Tensor()};
  }
};

// x^3, whose gradient is right, and whose gradient's gradient is cut off.
struct CutCube : Function<CutCube> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x) {
    ctx->save_for_backward({x});
    return x * x * x;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const Tensor x = ctx->get_saved_variables()[0];
    return {grads[0] * 3 * x * x.detach()};  // d/dx is 3 x, not 6 x
  }
};

}  // namespace

TEST_CASE("gradcheck: a wrong gradient is named by input, element and both numbers") {
  reel::manual_seed(3);
  const auto f = [](std::int64_t wrong) {
    return [wrong](const Tensors& x) { return Tensors{x[0] + WrongSquare::apply(x[1], wrong)}; };
  };
  const Tensor a = leaf({1, 2, 3, 4, 5, 6}, {2, 3}), b = leaf({2, -1, 4, 0.5, 3, -5}, {2, 3});
  CHECK(gradcheck([](const Tensors& x) { return Tensors{x[0] + x[1] * x[1]}; }, {a, b}));
  for (const std::int64_t wrong : {0, 3, 5}) {
    CHECK_FALSE(gradcheck(f(wrong), {a, b}, 1e-6, 1e-5, 1e-3, /*raise=*/false));
    const std::string said = error_of<AutogradError>([&] { gradcheck(f(wrong), {a, b}); });
    INFO(said);
    CHECK(mentions(said,
                   {"[gradcheck] input 1 of shape [2, 3], element " + std::to_string(wrong) + ":",
                    "the tape says ", "central differences say "}));
    // The two numbers are to each other as 3 to 2.
    double tape = 0, numeric = 0;
    const auto number_after = [&](const char* text) {
      return std::stod(said.substr(said.find(text) + std::string(text).size()));
    };
    tape = number_after("the tape says ");
    numeric = number_after("differences say ");
    CHECK(tape / numeric == doctest::Approx(1.5).epsilon(1e-4));
  }
  // The values are as they were.
  CHECK(values(b) == std::vector<double>{2, -1, 4, 0.5, 3, -5});
}

TEST_CASE("gradcheck: elements are counted in row-major order, whatever the strides") {
  const Tensor transposed = leaf({2, -1, 4, 0.5, 3, -5}, {2, 3}).detach().t().requires_grad_();
  const auto f = [](const Tensors& x) { return Tensors{WrongSquare::apply(x[0], 1)}; };
  CHECK(mentions(error_of<AutogradError>([&] { gradcheck(f, {transposed}); }),
                 {"input 0 of shape [3, 2], element 1:"}));
}

TEST_CASE("gradcheck: what cannot be checked is refused") {
  const auto f = [](const Tensors& x) { return Tensors{x[0] * 2}; };
  CHECK(mentions(
      error_of<DtypeError>([&] { gradcheck(f, {reel::ones({2}, kFloat32).requires_grad_()}); }),
      {"[gradcheck]", "float64", "found float32"}));
  CHECK(mentions(error_of<Error>([&] { gradcheck(f, {reel::ones({2}, kFloat64)}); }),
                 {"[gradcheck] at least one input must require a gradient"}));
  const Tensor x = leaf({1, 2}, {2});
  CHECK(mentions(error_of<AutogradError>([&] {
                   gradcheck([](const Tensors& y) { return Tensors{y[0].detach()}; }, {x});
                 }),
                 {"[gradcheck] no output of the function requires a gradient"}));
  CHECK(mentions(error_of<AutogradError>([&] {
                   gradgradcheck([](const Tensors& y) { return Tensors{y[0].detach()}; }, {x});
                 }),
                 {"[gradgradcheck] no output of the function requires a gradient"}));
}

TEST_CASE("gradgradcheck: finds a wrong gradient of a right gradient") {
  reel::manual_seed(4);
  const Tensor x = leaf({1.5, -2, 0.5}, {3});
  const auto right = [](const Tensors& t) { return Tensors{t[0] * t[0] * t[0]}; };
  const auto cut = [](const Tensors& t) { return Tensors{CutCube::apply(t[0])}; };
  CHECK(gradcheck(cut, {x}));
  CHECK(gradgradcheck(right, {x}));
  CHECK_FALSE(gradgradcheck(cut, {x}, 1e-6, 1e-5, 1e-3, /*raise=*/false));
  CHECK(mentions(error_of<AutogradError>([&] { gradgradcheck(cut, {x}); }),
                 {"input 0 of shape [3], element 0:", "the tape says ", "differences say "}));
}
